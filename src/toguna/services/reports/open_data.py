"""What is published of reports: no name, no phone, no words (people write of others in them), public categories only."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.opendata.api import Column, Dataset
from toguna.services.reports import layers

REPORTS = Dataset(
    "reports",
    _("Problems reported in the town"),
    _(
        "Each public report: what about, where, when, and what became of it. The words of the reporter and who it was "
        "are left out."
    ),
    "ODbL-1.0",
    (
        Column("code", "string", _("Code of the report")),
        Column("category", "string", _("Category")),
        Column("state", "string", _("State: received, accepted, started, solved or refused")),
        Column("district", "string", _("District")),
        Column("channel", "string", _("By which channel it came")),
        Column("created", "datetime", _("Received")),
        Column("due", "datetime", _("Deadline")),
        Column("closed", "datetime", _("Solved or refused")),
        Column("lon", "number", _("Longitude, degrees")),
        Column("lat", "number", _("Latitude, degrees")),
    ),
    """
    SELECT c.code, t.slug AS category, c.state, z.name AS district, c.channel, c.created, c.due, c.closed,
        round(ST_X(c.point)::numeric, 5)::float8 AS lon, round(ST_Y(c.point)::numeric, 5)::float8 AS lat,
        ST_SnapToGrid(c.point, 0.00001) AS geom
    FROM cases_case c JOIN cases_topic t ON t.id = c.topic_id LEFT JOIN territory_zone z ON z.id = c.zone_id
    WHERE c.type = 'reports' AND c.public ORDER BY c.id
    """,
    geometry=True,
    keywords=("reports", "signalements", "open311"),
    version=layers.PUBLIC.version,
)
