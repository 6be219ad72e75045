"""How full bins are, on the map of the desk."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.territory.api import TileLayer
from toguna.services.waste.bins import reads

FULLNESS = TileLayer(
    "waste-fullness",
    _("How full bins are"),
    raw=f"""
    SELECT p.code, p.name || ': ' || n.level || ' %%' AS name, '/desk/bins/' || p.code AS url, {reads.shade("n.level")} AS state, p.point AS geom
    FROM waste_place p {reads.LEVEL} WHERE {reads.BINS} AND p.point && {{bounds}} AND {{reach:p.zone_id}}
    """,
    # A group has the colour of its fullest bin: one that runs over is seen from afar.
    grouped=f"""
    SELECT count(*)::int AS n, {reads.shade("max(n.level)")} AS state, ST_Centroid(ST_Collect(p.point)) AS geom
    FROM waste_place p {reads.LEVEL} WHERE {reads.BINS} AND p.point && {{bounds}} AND {{reach:p.zone_id}}
    GROUP BY ST_SnapToGrid(p.point, {{cell}})
    """,
    version="SELECT concat((SELECT max(id) FROM waste_fill), '-', (SELECT max(computed) FROM waste_forecast), '-', date_trunc('hour', now()))",
    icon="full-bin",
    permission="waste.read",
)
