"""Taxpayers who may be the same: by tax number, telephone, name, and where they are. Each pair has a score of a hundred."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from toguna.kernel import access
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Taxpayer

LEAST, MOST = 50, 50
NEAR, BESIDE = 0.0004, 0.00015  # degrees: some 45 metres, and 15: in a market, what is wider is everybody

# Candidates are few: the same telephone, the same tax number, or a name alike within some steps; then they are weighed.
_PAIRS = f"""
WITH one AS (SELECT id, folded, phone, tax_number, point FROM revenue_taxpayer WHERE active AND (%(everywhere)s OR zone_id = ANY(%(zones)s))),
pair AS (
    SELECT a.id AS a, b.id AS b FROM one a JOIN revenue_taxpayer b ON b.phone = a.phone AND b.active WHERE a.phone <> '' AND a.id < b.id
    UNION SELECT a.id, b.id FROM one a JOIN revenue_taxpayer b ON b.tax_number = a.tax_number AND b.active WHERE a.tax_number <> '' AND a.id < b.id
    UNION SELECT a.id, b.id FROM one a JOIN revenue_taxpayer b ON b.point && ST_Expand(a.point, {BESIDE}) AND b.active
        WHERE a.id < b.id AND similarity(a.folded, b.folded) > 0.55
)
SELECT p.a, p.b, LEAST(99, round(50 * similarity(a.folded, b.folded)
    + CASE WHEN a.phone <> '' AND a.phone = b.phone THEN 30 ELSE 0 END
    + CASE WHEN a.tax_number <> '' AND a.tax_number = b.tax_number THEN 45 ELSE 0 END
    + CASE WHEN a.tax_number <> '' AND b.tax_number <> '' AND a.tax_number <> b.tax_number THEN -30 ELSE 0 END
    + CASE WHEN a.point && ST_Expand(b.point, {NEAR}) THEN 15 ELSE 0 END))::int AS score
FROM pair p JOIN revenue_taxpayer a ON a.id = p.a JOIN revenue_taxpayer b ON b.id = p.b
WHERE (%(everywhere)s OR b.zone_id = ANY(%(zones)s)) AND NOT EXISTS (SELECT FROM revenue_not_same n WHERE n.one_id = p.a AND n.other_id = p.b)
ORDER BY score DESC, p.a, p.b LIMIT {4 * MOST}
"""


@dataclass(frozen=True)
class Pair:
    one: Taxpayer
    other: Taxpayer
    score: int

    @property
    def same(self) -> list[str]:
        """What is the same: "phone", "tax_number", "zone"."""
        return [
            name
            for name in ("phone", "tax_number", "zone_id")
            if getattr(self.one, name) and getattr(self.one, name) == getattr(self.other, name)
        ]


def pairs(actor: Actor, permission: str = "revenue.write") -> list[Pair]:
    """Where they may write, the surest first; those that a clerk said are not the same are left out. Two statements."""
    zones = access.zones(actor, permission)
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, {"everywhere": zones is None, "zones": sorted(zones or ())})
        found = [row for row in cursor.fetchall() if row[2] >= LEAST][:MOST]
    rows = Taxpayer.objects.in_bulk({pk for one, other, _score in found for pk in (one, other)})
    return [Pair(rows[one], rows[other], score) for one, other, score in found]
