"""A boundary is drawn anew while cases are open: each goes to the zone in which it stands now, and stays with its team."""

from __future__ import annotations

from django.db import connection, transaction

_MOVE = """
WITH found AS (
    SELECT c.id, c.zone_id AS before, (
        SELECT z.id FROM territory_zone z WHERE z.closed IS NULL AND ST_Intersects(z.geom, c.point) ORDER BY z.level DESC, z.id LIMIT 1
    ) AS zone FROM cases_case c WHERE c.open AND c.point IS NOT NULL
), moved AS (
    UPDATE cases_case c SET zone_id = found.zone, updated = now() FROM found
    WHERE c.id = found.id AND found.zone IS NOT NULL AND found.zone IS DISTINCT FROM c.zone_id
    RETURNING c.id, found.before, found.zone
)
INSERT INTO cases_step (case_id, action, from_state, to_state, text, public, data)
SELECT id, 'rezoned', '', '', '', false, jsonb_build_object('from', before, 'to', zone) FROM moved
"""


def rezone() -> int:
    """Puts open cases in the zones in which they stand by now; one that stands in none any more keeps its own. Returns how
    many moved. Set-based, idempotent."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MOVE)
        return int(cursor.rowcount)


def look() -> None:
    rezone()
