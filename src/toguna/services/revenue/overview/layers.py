"""Who paid and who did not, on the map: each thing for the desk, whole streets of five payers and more for everyone."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.territory.api import TileLayer
from toguna.kernel import money, town
from toguna.services.revenue.overview.reads import READ

_ONE = 10 ** money.exponent(town.current().currency)
LEAST = 5  # payers of a street: fewer would say who they are
_CELLS = """
SELECT sum(things)::int AS n, CASE WHEN sum(late) > 0 THEN 'late' WHEN sum(billed) > 0 THEN 'paid' ELSE 'none' END AS state,
    ST_SetSRID(ST_MakePoint(avg(lon), avg(lat)), 4326) AS geom
FROM revenue_standing WHERE lon BETWEEN %(w)s AND %(e)s AND lat BETWEEN %(s)s AND %(n)s AND {which}
GROUP BY floor(lon / {{cell}}), floor(lat / {{cell}})
"""

THINGS = TileLayer(
    "revenue",
    _("Who paid, and who did not"),
    raw="""
    SELECT t.code, t.words AS name, '/desk/register/thing/' || t.code AS url,
        CASE WHEN b.late > 0 THEN 'late' WHEN b.owed > 0 THEN 'open' WHEN b.billed > 0 THEN 'paid' ELSE 'none' END AS state, t.point AS geom
    FROM revenue_taxed t LEFT JOIN LATERAL (
        SELECT sum(amount) AS billed, sum(amount - paid) FILTER (WHERE state = 'open') AS owed,
            sum(amount - paid) FILTER (WHERE state = 'open' AND due < current_date) AS late
        FROM ledger_bill WHERE about_kind = 'taxed' AND about = t.code AND state IN ('open', 'paid')
    ) b ON true
    WHERE t.state <> 'gone' AND t.point && {bounds} AND {reach:t.zone_id}
    """,
    grouped=_CELLS.format(which="{reach:zone}"),
    version="SELECT concat((SELECT max(at) FROM revenue_standing), '-', (SELECT max(id) FROM ledger_payment), '-', (SELECT max(id) FROM ledger_bill), '-', current_date)",
    icon="bank",
    permission=READ,
)

STREETS = TileLayer(
    "revenue-streets",
    _("Taxes paid, by street"),
    raw=f"""
    SELECT f.id, f.name, s.share, CASE WHEN s.share >= 70 THEN 'paid' WHEN s.share >= 30 THEN 'open' ELSE 'late' END AS state, f.geom
    FROM territory_feature f JOIN (
        SELECT street, (round(10.0 * sum(paid) / sum(billed)) * 10)::int AS share FROM revenue_standing
        WHERE street IS NOT NULL GROUP BY street HAVING max(payers) >= {LEAST} AND sum(billed) > 0
    ) s ON s.street = f.id WHERE f.valid_to IS NULL AND f.geom && {{bounds}}
    """,
    grouped=_CELLS.format(which=f"payers >= {LEAST}").replace("'late' WHEN", "'open' WHEN"),
    version="SELECT COALESCE(max(at)::text, '0') FROM revenue_standing",
    icon="bank",
)

# For the desk only: sums of one street. Red: less than 3 in 10 of what a year could bring, green: 7 and more.
POTENTIAL = TileLayer(
    "revenue-potential",
    _("Collected against potential, by street"),
    raw=f"""
    SELECT f.id, f.name, CASE WHEN s.paid * 10 >= s.potential * 7 THEN 'paid' WHEN s.paid * 10 >= s.potential * 3 THEN 'open' ELSE 'late' END AS state,
        translate(concat(to_char(s.paid / {_ONE}, 'FM999,999,999,990'), ' / ', to_char(s.potential / {_ONE}, 'FM999,999,999,990')), ',', ' ') AS said, f.geom
    FROM territory_feature f JOIN (
        SELECT street, sum(paid) AS paid, sum(potential) AS potential FROM revenue_standing
        WHERE street IS NOT NULL AND {{reach:zone}} GROUP BY street HAVING sum(potential) > 0
    ) s ON s.street = f.id WHERE f.valid_to IS NULL AND f.geom && {{bounds}}
    """,
    grouped=_CELLS.format(which="{reach:zone}"),
    version=STREETS.version,
    icon="bank",
    permission=READ,
)
