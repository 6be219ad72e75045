"""Reports on the map: the public ones, one by one from zoom 14 where they are not too many, counted in cells elsewhere."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.territory.api import TileLayer

_FINEST = 360 / 2**17 * 0.625 / 16  # degrees, as in the migration of `cases` that makes the counts
_LEVEL = "LEAST(6, GREATEST(0, 17 - %(z)s) / 2 * 2)"
_SHIFT = f"(GREATEST(0, 17 - %(z)s) - {_LEVEL})"
_CELLS = f"""type = 'reports' AND level = {_LEVEL}
    AND gx BETWEEN floor((%(w)s + 180) / {_FINEST!r})::int >> {_LEVEL} AND floor((%(e)s + 180) / {_FINEST!r})::int >> {_LEVEL}
    AND gy BETWEEN floor((%(s)s + 90) / {_FINEST!r})::int >> {_LEVEL} AND floor((%(n)s + 90) / {_FINEST!r})::int >> {_LEVEL}"""

PUBLIC = TileLayer(
    "reports",
    _("Reports"),
    raw="""
    SELECT c.code, '/reports/' || c.code AS url, t.slug AS category, t.icon, c.state, c.open, c.point AS geom
    FROM cases_case c JOIN cases_topic t ON t.id = c.topic_id
    WHERE c.type = 'reports' AND c.public AND c.anonymised IS NULL AND c.point && {bounds}
    """,
    # Some 25 cells across a tile, from the finest grid that the database keeps for that zoom.
    grouped=f"""
    SELECT sum(n)::int AS n, sum(open)::int AS open,
        ST_SetSRID(ST_MakePoint(sum(lon) / sum(n), sum(lat) / sum(n)), 4326) AS geom
    FROM cases_count_cell WHERE {_CELLS}
    GROUP BY gx >> {_SHIFT}, gy >> {_SHIFT} HAVING sum(n) > 0
    """,
    crowd=f"SELECT sum(n) FROM cases_count_cell WHERE {_CELLS}",
    # Nothing happens to a report without a step, and steps are only added.
    version="SELECT concat((SELECT max(id) FROM cases_case), '-', (SELECT max(id) FROM cases_step))",
    icon="report",
)
