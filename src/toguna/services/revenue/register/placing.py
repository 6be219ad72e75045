"""Where a taxed thing stands: its zone, its street and its parcel or building, found from its point."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.gis.geos import Point
from django.db import connection

NEAR = 0.0008  # degrees, some 90 metres: further than that a thing stands on no street

# The smallest zone, the nearest street that has a name, and the parcel (where the map has none, the building) of the points `p.point`
# of a table.
ZONE = """
LEFT JOIN LATERAL (SELECT z.id FROM territory_zone z WHERE z.closed IS NULL AND ST_Intersects(z.geom, p.point)
    ORDER BY z.level DESC, z.id LIMIT 1) zone ON true"""
STREET = f"""
LEFT JOIN LATERAL (SELECT f.id, f.name FROM territory_feature f
    WHERE f.layer_id = (SELECT id FROM territory_layer WHERE slug = 'streets') AND f.valid_to IS NULL AND f.name <> ''
      AND f.geom && ST_Expand(p.point, {NEAR}) ORDER BY f.geom <-> p.point LIMIT 1) street ON true"""
GROUND = """
LEFT JOIN LATERAL (SELECT f.id FROM territory_layer l JOIN territory_feature f ON f.layer_id = l.id AND f.valid_to IS NULL
    AND f.geom && p.point AND ST_Intersects(f.geom, p.point)
    WHERE l.slug IN ('parcels', 'buildings') ORDER BY l.slug DESC, ST_Area(f.geom), f.id LIMIT 1) ground ON true"""

_ON_GROUND = f"""
UPDATE revenue_taxed t SET feature = found.feature FROM (
    SELECT p.id, ground.id AS feature FROM revenue_taxed p {GROUND} WHERE p.feature IS NULL AND p.point IS NOT NULL AND p.state <> 'gone'
) found WHERE found.id = t.id AND found.feature IS NOT NULL AND t.feature IS NULL
"""


@dataclass(frozen=True)
class Stands:
    """zone, street, feature (the parcel or building): ids, None where there is none; inside: whether it is within the town."""

    zone: int | None = None
    street: int | None = None
    street_name: str = ""
    feature: int | None = None
    inside: bool = True


def stands(point: Point | None) -> Stands:
    """Where a point (WGS 84) is. One statement. A town with no boundary yet holds every point."""
    if point is None:
        return Stands()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT zone.id, street.id, COALESCE(street.name, ''), ground.id, EXISTS (SELECT FROM territory_zone)"
            f" FROM (SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4326) AS point) p {ZONE} {STREET} {GROUND}",
            [point.x, point.y],
        )
        zone, street, name, ground, any_zone = cursor.fetchone()
    return Stands(zone, street, name[:200], ground, inside=zone is not None or not any_zone)


def ground() -> None:
    """Gives the things that have none the parcel or the building that the map has meanwhile. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ON_GROUND)
