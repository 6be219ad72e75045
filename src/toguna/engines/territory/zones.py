"""Zones: which one a point is in, which ones are inside which. The tree is small: kept in memory for a few seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.db import connection

from toguna.engines.territory.models import Zone
from toguna.kernel import text

KEEP_SECONDS = 20


@dataclass(frozen=True)
class ZoneItem:
    """A zone for lists: names in the town's languages; parent: id or None."""

    id: int
    level: int
    parent: int | None
    names: dict[str, str]
    code: str = ""

    @property
    def name(self) -> str:
        return text.pick(self.names)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Place:
    """Where a point is. inside: within the town; zones: ids from the smallest that holds it up to the town."""

    lon: float
    lat: float
    inside: bool
    zones: tuple[int, ...] = ()

    @property
    def zone(self) -> int | None:
        return self.zones[0] if self.zones else None


@dataclass(frozen=True)
class Outline:
    """A zone to be drawn: an SVG path in a drawing 1000 units wide; x, y: a point inside; width: of the zone, units."""

    zone: int
    path: str
    x: int
    y: int
    width: float


@dataclass
class _Tree:
    read: float = 0.0
    items: dict[int, ZoneItem] = field(default_factory=dict)
    inside: dict[int, frozenset[int]] = field(default_factory=dict)
    bounds: tuple[float, float, float, float] | None = None  # asked for at every report with coordinates
    outlines: tuple[int, list[Outline]] | None = None


_tree = _Tree()


def forget() -> None:
    """After zones changed in this process; other processes see it within KEEP_SECONDS."""
    _tree.read = 0.0


def _read() -> _Tree:
    if time.monotonic() - _tree.read > KEEP_SECONDS or not _tree.read:
        rows = (
            Zone.objects.filter(closed=None)
            .order_by("level", "name")
            .values_list("id", "level", "parent_id", "name", "names", "code")
        )
        _tree.items = {
            pk: ZoneItem(pk, level, parent, {"": name, **names}, code) for pk, level, parent, name, names, code in rows
        }
        inside: dict[int, set[int]] = {pk: {pk} for pk in _tree.items}
        for item in sorted(_tree.items.values(), key=lambda z: -z.level):  # the smallest first
            if item.parent in inside:
                inside[item.parent] |= inside[item.id]
        _tree.inside = {pk: frozenset(ids) for pk, ids in inside.items()}
        _tree.bounds = _tree.outlines = None
        _tree.read = time.monotonic()
    return _tree


def zones(level: int | None = None) -> Sequence[ZoneItem]:
    """The zones in force, by level then name."""
    return [z for z in _read().items.values() if level is None or z.level == level]


def zone(pk: int | None) -> ZoneItem | None:
    return _read().items.get(pk) if pk else None


def districts() -> Sequence[ZoneItem]:
    """The zones of the finest level but blocks: what people call their neighbourhood."""
    return zones(Zone.Level.DISTRICT) or zones(Zone.Level.ARRONDISSEMENT) or zones(Zone.Level.TOWN)


def zone_tree_ids(pk: int) -> frozenset[int]:
    """A zone and every zone inside it."""
    return _read().inside.get(pk, frozenset({pk}))


def zone_shapes(pks: Sequence[int]) -> list[tuple[str, MultiPolygon]]:
    """(name, shape in WGS 84) of these zones; of the whole town when none is given."""
    wanted = Zone.objects.filter(pk__in=pks) if pks else Zone.objects.filter(level=Zone.Level.TOWN, closed=None)
    return [(zone.name, zone.geom) for zone in wanted.order_by("id")]


def circle(lon: float, lat: float, metres: int) -> MultiPolygon:
    """What is within that many metres of a point, in WGS 84."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_AsEWKB(ST_Multi(ST_Buffer(ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography, %s)::geometry))",
            [lon, lat, metres],
        )
        found = GEOSGeometry(memoryview(cursor.fetchone()[0]))
    assert isinstance(found, MultiPolygon)
    return found


def zones_touching(area: GEOSGeometry) -> list[int]:
    """The smallest zones that a shape (WGS 84) touches: whoever lives in one of them may be concerned."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT z.id FROM territory_zone z
            WHERE z.closed IS NULL AND ST_Intersects(z.geom, ST_GeomFromEWKB(%s))
              AND NOT EXISTS (SELECT FROM territory_zone inner_zone WHERE inner_zone.parent_id = z.id AND inner_zone.closed IS NULL)
            ORDER BY z.id
            """,
            [bytes(area.ewkb)],
        )
        return [pk for (pk,) in cursor.fetchall()]


def place(lon: float, lat: float) -> Place:
    """Which zones hold a point (degrees, WGS 84). One statement. A town with no boundary yet holds every point."""
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return Place(lon, lat, inside=False)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT COALESCE(array_agg(id ORDER BY level DESC, id), '{}'), EXISTS (SELECT FROM territory_zone)
            FROM territory_zone
            WHERE closed IS NULL AND ST_Intersects(geom, ST_SetSRID(ST_MakePoint(%s, %s), 4326))
            """,
            [lon, lat],
        )
        ids, any_zone = cursor.fetchone()
    return Place(lon, lat, inside=bool(ids) or not any_zone, zones=tuple(ids))


def town_bounds() -> tuple[float, float, float, float] | None:
    """(west, south, east, north) of the town in degrees; of all features when there is no boundary; None when empty."""
    tree = _read()
    if tree.bounds is None:
        tree.bounds = _bounds()
    return tree.bounds


def _bounds() -> tuple[float, float, float, float] | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM (SELECT ST_Extent(geom) e FROM territory_zone "
            "WHERE closed IS NULL AND level = (SELECT min(level) FROM territory_zone WHERE closed IS NULL)) x"
        )
        row = cursor.fetchone()
        if row is None or row[0] is None:
            cursor.execute(
                "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM (SELECT ST_Extent(geom) e FROM territory_feature "
                "WHERE valid_to IS NULL) x"
            )
            row = cursor.fetchone()
    return None if row is None or row[0] is None else tuple(row)


def chain(pk: int) -> tuple[int, ...]:
    """A zone and those around it, from the smallest to the town. Empty for a zone that is not in force."""
    found: list[int] = []
    at: int | None = pk
    while at is not None and at in _read().items and at not in found:
        found.append(at)
        at = _read().items[at].parent
    return tuple(found)


def outlines() -> tuple[int, list[Outline]]:
    """The districts as a small drawing: its height for 1000 units of width, and each one's outline. One statement."""
    tree = _read()
    if tree.outlines is None:
        with connection.cursor() as cursor:
            cursor.execute(_OUTLINES, [[z.id for z in districts()]])
            rows = cursor.fetchall()
        tree.outlines = (rows[0][0] if rows else 0, [Outline(*row[1:]) for row in rows])
    return tree.outlines


# Degrees to units: longitudes shrink by the cosine of the latitude; ST_AsSVG turns y over.
_OUTLINES = """
WITH wanted AS (SELECT id, geom FROM territory_zone WHERE id = ANY(%s)),
box AS (SELECT ST_XMin(e) AS west, ST_YMax(e) AS north, ST_YMax(e) - ST_YMin(e) AS high, cos(radians((ST_YMax(e) + ST_YMin(e)) / 2)) AS narrow,
        1000 / GREATEST(1e-9, ST_XMax(e) - ST_XMin(e)) AS k FROM (SELECT ST_Extent(geom) AS e FROM wanted) x WHERE e IS NOT NULL),
drawn AS (SELECT id, ceil(high * k / narrow)::int AS high,
          ST_SimplifyPreserveTopology(ST_Affine(ST_SetSRID(geom, 0), k, 0, 0, k / narrow, -west * k, -north * k / narrow), 2) AS g FROM wanted, box)
SELECT high, id, ST_AsSVG(g, 1, 0), ST_X(ST_PointOnSurface(g))::int, (-ST_Y(ST_PointOnSurface(g)))::int, ST_XMax(g) - ST_XMin(g)
FROM drawn WHERE NOT ST_IsEmpty(g) ORDER BY id
"""
