"""Reports on the map: the public ones, one by one from zoom 14, counted in cells below."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.territory.api import TileLayer

PUBLIC = TileLayer(
    "reports",
    _("Reports"),
    raw="""
    SELECT c.code, '/reports/' || c.code AS url, t.slug AS category, t.icon, c.state, c.open, c.point AS geom
    FROM cases_case c JOIN cases_topic t ON t.id = c.topic_id
    WHERE c.type = 'reports' AND c.public AND c.anonymised IS NULL AND c.point && {bounds}
    """,
    grouped="""
    SELECT count(*) AS n, count(*) FILTER (WHERE open) AS open,
        ST_SetSRID(ST_MakePoint(avg(ST_X(point)), avg(ST_Y(point))), 4326) AS geom
    FROM cases_case WHERE type = 'reports' AND public AND point && {bounds}
    GROUP BY floor(ST_X(point) / {cell}), floor(ST_Y(point) / {cell})
    """,
    # Nothing happens to a report without a step, and steps are only added.
    version="SELECT concat((SELECT max(id) FROM cases_case), '-', (SELECT max(id) FROM cases_step))",
    icon="report",
)
