"""Counts what is owed and paid by street: all of it again, by a few statements, some seconds for a town of 500,000 bills."""

from __future__ import annotations

import json

from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.kernel import turns
from toguna.services.revenue.campaigns import sweep
from toguna.services.revenue.models import Base

A_YEAR = {Base.Every.DAY: 300, Base.Every.MONTH: 12, Base.Every.YEAR: 1, Base.Every.ONCE: 1}

_COUNTED = """
INSERT INTO revenue_standing (base_id, zone, street, street_name, things, payers, unpaid, potential, billed, paid, late, lon, lat)
SELECT t.base_id, t.zone_id, t.street, min(t.street_name), count(*), COALESCE(sum(h.payers), 0), count(*) FILTER (WHERE b.late > 0),
    COALESCE(sum(p.total), 0), COALESCE(sum(b.billed), 0), COALESCE(sum(b.paid), 0), COALESCE(sum(b.late), 0), avg(ST_X(t.point)), avg(ST_Y(t.point))
FROM revenue_taxed t LEFT JOIN revenue_potential p ON p.thing = t.id
LEFT JOIN (
    SELECT about, sum(amount) FILTER (WHERE issued >= %(since)s) AS billed, sum(paid) FILTER (WHERE issued >= %(since)s) AS paid,
        sum(amount - paid) FILTER (WHERE state = 'open' AND due < %(today)s) AS late
    FROM ledger_bill WHERE about_kind = 'taxed' AND state IN ('open', 'paid') GROUP BY about
) b ON b.about = t.code
LEFT JOIN revenue_first h ON h.thing = t.id
WHERE t.state <> 'gone' GROUP BY t.base_id, t.zone_id, t.street, CASE WHEN t.street IS NULL THEN t.street_name END
"""
# Each payer counts once in a street for one kind of thing: with the first thing that is theirs.
_PAYERS = """
CREATE TEMPORARY TABLE revenue_first ON COMMIT DROP AS
SELECT thing, count(*) AS payers FROM (
    SELECT min(t.id) AS thing FROM revenue_taxed t JOIN revenue_part h ON h.taxed_id = t.id WHERE t.state <> 'gone'
    GROUP BY t.base_id, t.zone_id, t.street, CASE WHEN t.street IS NULL THEN t.street_name END, h.taxpayer_id
) x GROUP BY thing
"""


@transaction.atomic
def count() -> int:
    """Counts everything again. How many rows there are now."""
    today = timezone.localdate()
    turns.one_at_a_time("revenue.standing")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute("CREATE TEMPORARY TABLE revenue_potential (thing bigint, total bigint) ON COMMIT DROP")
        for base in Base.objects.filter(active=True):
            tariff = ledger.tariff(base.tariff, today)
            if tariff is None:
                continue
            many, name = A_YEAR[Base.Every(base.every)], tariff.rule.get("times")
            found = sweep.things(
                tariff.rule, words="", base=base.pk, day=today, times=json.dumps({name: str(many)} if name else {})
            )
            values = {**found.values, "many": 1 if name else many}
            cursor.execute(
                f"INSERT INTO revenue_potential SELECT thing, total * %(many)s FROM ({found.select}) p", values
            )
        cursor.execute("ANALYZE revenue_potential")
        cursor.execute(_PAYERS)
        cursor.execute("ANALYZE revenue_first")
        cursor.execute("DELETE FROM revenue_standing")
        cursor.execute(_COUNTED, {"today": today, "since": today.replace(year=today.year - 1, month=1, day=1)})
        rows: int = cursor.rowcount
        cursor.execute("DROP TABLE revenue_potential; DROP TABLE revenue_first")
    return rows


def count_now() -> None:
    count()
