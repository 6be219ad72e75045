"""Taxpayers and taxed things by thousands: COPY into a table of the connection, then one INSERT for each kind of row."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection, transaction

from toguna.engines.ledger import api as ledger
from toguna.kernel import audit, text
from toguna.kernel.access import Actor
from toguna.services.revenue.register import numbers, placing


@dataclass(frozen=True)
class Row:
    """A thing, and who pays it. client_id: of the thing; who: of its taxpayer, made when no taxpayer has it; taxpayer: one that is
    there; lon, lat: degrees. Texts are clean already, measures plain decimal numbers."""

    client_id: uuid.UUID
    base: int
    who: uuid.UUID
    taxpayer: int | None = None
    name: str = ""
    kind: str = "person"
    trade: str = ""
    phone: str = ""
    email: str = ""
    tax_number: str = ""
    address: str = ""
    words: str = ""
    plate: str = ""
    measures: Mapping[str, str] = field(default_factory=dict)
    exemption: str = ""
    lon: float | None = None
    lat: float | None = None
    since: date = date(2000, 1, 1)
    seen: datetime | None = None
    weight: int = 1


@dataclass(frozen=True)
class Brought:
    taxpayers: int
    taxed: int


_COLUMNS = {
    "client_id": "uuid", "base": "bigint", "who": "uuid", "taxpayer": "bigint", "name": "text", "folded": "text", "kind": "text",
    "trade": "text", "phone": "text", "email": "text", "tax_number": "text", "address": "text", "words": "text", "plate": "text",
    "measures": "jsonb", "exemption": "text", "lon": "float8", "lat": "float8", "since": "date", "seen": "timestamptz",
    "weight": "int", "code": "text", "number": "text", "payer": "bigint",
}  # fmt: skip
_PLACED = f"""
CREATE TEMPORARY TABLE revenue_placed ON COMMIT DROP AS
SELECT p.n, p.point, zone.id AS zone, street.id AS street, COALESCE(left(street.name, 200), '') AS street_name, ground.id AS feature
FROM (SELECT n, ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS point FROM revenue_bring WHERE lon IS NOT NULL AND lat IS NOT NULL) p
{placing.ZONE} {placing.STREET} {placing.GROUND}
"""
_TAXPAYERS = """
INSERT INTO revenue_taxpayer (number, kind, name, folded, trade, phone, email, tax_number, address, zone_id, point, payer_id, client_id, account)
SELECT b.number, b.kind, b.name, b.folded, b.trade, b.phone, b.email, b.tax_number, b.address, p.zone, p.point, b.payer, b.who, %s
FROM revenue_bring b LEFT JOIN revenue_placed p USING (n) WHERE b.payer IS NOT NULL
"""
_TAXED = """
INSERT INTO revenue_taxed (code, base_id, words, plate, measures, exemption, zone_id, point, street, street_name, feature, since, state, seen, client_id, account)
SELECT b.code, b.base, b.words, b.plate, b.measures, b.exemption, p.zone, p.point, p.street, COALESCE(p.street_name, ''), p.feature, b.since,
    CASE WHEN b.seen IS NULL THEN 'declared' ELSE 'seen' END, b.seen, b.client_id, %s
FROM revenue_bring b LEFT JOIN revenue_placed p USING (n)
"""
_PARTS = """
INSERT INTO revenue_part (taxed_id, taxpayer_id, weight)
SELECT t.id, COALESCE(b.taxpayer, w.id), b.weight
FROM revenue_bring b JOIN revenue_taxed t USING (client_id) LEFT JOIN revenue_taxpayer w ON w.client_id = b.who
"""


def _there(table: str, clients: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these client_ids the table has: as one list, for thousands of them in a statement take longer to write than to look for."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT client_id FROM {table} WHERE client_id = ANY(%s)", [list(clients)])
        return {client for (client,) in cursor.fetchall()}


@transaction.atomic
def bring(rows: Sequence[Row], *, by: Actor) -> Brought:
    """Writes them all, or nothing; what is there already, by its client_id, is left as it is. The caller has checked that `by` may."""
    there = _there("revenue_taxed", {row.client_id for row in rows})
    fresh = [row for row in rows if row.client_id not in there]
    if not fresh:
        return Brought(0, 0)
    known = _there("revenue_taxpayer", {row.who for row in fresh})
    new: dict[uuid.UUID, int] = {}  # who: the line that makes them, their first
    for n, row in enumerate(fresh):
        if row.taxpayer is None and row.who not in known:
            new.setdefault(row.who, n)
    payers = ledger.new_payers([fresh[n].name for n in new.values()])
    made = dict(zip(new.values(), zip(numbers.fresh_numbers(len(new)), payers, strict=True), strict=True))
    codes = numbers.fresh_codes(len(fresh))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS revenue_bring, revenue_placed")
        columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
        cursor.execute(f"CREATE TEMPORARY TABLE revenue_bring (n bigserial PRIMARY KEY, {columns}) ON COMMIT DROP")
        with cursor.copy(f"COPY revenue_bring ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for n, row in enumerate(fresh):
                number, payer = made.get(n, (None, None))
                copy.write_row(
                    (
                        row.client_id, row.base, row.who, row.taxpayer, row.name[:200], text.fold(row.name)[:200], row.kind,
                        row.trade[:120], row.phone[:20], row.email, row.tax_number[:40], row.address[:200], row.words[:120],
                        row.plate, json.dumps(dict(row.measures)), row.exemption, row.lon, row.lat, row.since, row.seen, row.weight,
                        codes[n], number, payer,
                    )
                )  # fmt: skip
        cursor.execute("ANALYZE revenue_bring")
        cursor.execute(_PLACED)
        cursor.execute("ANALYZE revenue_placed")
        cursor.execute(_TAXPAYERS, [by.account])
        cursor.execute(_TAXED, [by.account])
        cursor.execute(_PARTS)
        cursor.execute("DROP TABLE revenue_bring, revenue_placed")
    audit.record(by, "revenue.bring", "revenue.taxed", taxpayers=len(new), taxed=len(fresh))
    return Brought(len(new), len(fresh))
