"""Taxpayers who may be the same: by tax number, telephone, name, and where they are. Each pair has a score of a hundred.

Pairs are kept: comparing 50,000 taxpayers takes seconds. Whoever is new or changed is put down by a trigger of the database, compared
by the worker within a minute, and by the page itself while they are few.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from toguna.kernel import access
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Taxpayer

LEAST, MOST = 50, 50
NEAR, BESIDE = 0.0004, 0.00015  # degrees: some 45 metres, and 15: in a market, what is wider is everybody
AT_ONCE, PART = 100, 2_000  # compared by the page; by the worker in one transaction

# Candidates are few: the same telephone, the same tax number, or a name alike within some steps; then they are weighed.
_COMPARED = f"""
fresh AS MATERIALIZED (SELECT id, folded, phone, tax_number, point FROM revenue_taxpayer WHERE active AND id = ANY(%(fresh)s)),
pair AS (
    SELECT LEAST(a.id, b.id) AS a, GREATEST(a.id, b.id) AS b FROM fresh a JOIN revenue_taxpayer b ON b.phone = a.phone AND b.phone <> '' AND b.id <> a.id
    UNION SELECT LEAST(a.id, b.id), GREATEST(a.id, b.id) FROM fresh a JOIN revenue_taxpayer b
        ON b.tax_number = a.tax_number AND b.tax_number <> '' AND b.id <> a.id
    UNION SELECT LEAST(a.id, b.id), GREATEST(a.id, b.id) FROM fresh a JOIN revenue_taxpayer b
        ON b.point && ST_Expand(a.point, {BESIDE}) AND b.id <> a.id AND similarity(a.folded, b.folded) > 0.55
), weighed AS (
    SELECT p.a, p.b, LEAST(99, round(50 * similarity(a.folded, b.folded)
        + CASE WHEN a.phone <> '' AND a.phone = b.phone THEN 30 ELSE 0 END
        + CASE WHEN a.tax_number <> '' AND a.tax_number = b.tax_number THEN 45 ELSE 0 END
        + CASE WHEN a.tax_number <> '' AND b.tax_number <> '' AND a.tax_number <> b.tax_number THEN -30 ELSE 0 END
        + CASE WHEN a.point && ST_Expand(b.point, {NEAR}) THEN 15 ELSE 0 END))::int AS score
    FROM pair p JOIN revenue_taxpayer a ON a.id = p.a AND a.active JOIN revenue_taxpayer b ON b.id = p.b AND b.active
)"""
# What is kept of one who changed since is not looked at: the page compares them anew.
_PAIRS = f"""
WITH {_COMPARED}, kept AS (
    SELECT one_id AS a, other_id AS b, score FROM revenue_alike WHERE NOT one_id = ANY(%(fresh)s) AND NOT other_id = ANY(%(fresh)s)
    UNION ALL SELECT a, b, score FROM weighed WHERE score >= {LEAST}
)
SELECT p.a, p.b, p.score FROM kept p JOIN revenue_taxpayer a ON a.id = p.a AND a.active JOIN revenue_taxpayer b ON b.id = p.b AND b.active
WHERE (%(everywhere)s OR a.zone_id = ANY(%(zones)s) AND b.zone_id = ANY(%(zones)s))
    AND NOT EXISTS (SELECT FROM revenue_not_same n WHERE n.one_id = p.a AND n.other_id = p.b)
ORDER BY p.score DESC, p.a, p.b LIMIT {MOST}
"""
_KEPT = f"""
WITH {_COMPARED}
INSERT INTO revenue_alike (one_id, other_id, score) SELECT a, b, score FROM weighed WHERE score >= {LEAST}
ON CONFLICT (one_id, other_id) DO UPDATE SET score = excluded.score
"""
_TAKEN = """
DELETE FROM revenue_to_compare WHERE id IN (SELECT id FROM revenue_to_compare ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING taxpayer
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
    """Where they may write, the surest first; those that a clerk said are not the same are left out. Three statements."""
    zones = access.zones(actor, permission)
    with connection.cursor() as cursor:
        # The latest: a table of thousands that is being brought is the worker's.
        cursor.execute(
            "SELECT DISTINCT taxpayer FROM (SELECT * FROM revenue_to_compare ORDER BY id DESC LIMIT %s) t", [AT_ONCE]
        )
        fresh = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_PAIRS, {"fresh": fresh, "everywhere": zones is None, "zones": sorted(zones or ())})
        found = cursor.fetchall()
    rows = Taxpayer.objects.in_bulk({pk for one, other, _score in found for pk in (one, other)})
    return [Pair(rows[one], rows[other], score) for one, other, score in found]


def look() -> None:
    """Compares those who are new or changed with all the others, in parts, each a transaction, until nobody waits. Whoever is changed
    meanwhile is put down again, and two who were written at once are compared when the later of them is."""
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_TAKEN, [PART])
            fresh = sorted({pk for (pk,) in cursor.fetchall()})
            if not fresh:
                return
            cursor.execute(
                "DELETE FROM revenue_alike WHERE one_id = ANY(%(fresh)s) OR other_id = ANY(%(fresh)s)", {"fresh": fresh}
            )
            cursor.execute(_KEPT, {"fresh": fresh})
