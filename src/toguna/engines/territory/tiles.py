"""Vector tiles, made in PostGIS in one statement: raw features from zoom 14 up; below, what a screen can show of them.

Points and small buildings become counts on a grid, kept by triggers (`territory_grid`), so that a tile of a whole town
reads hundreds of cells, not a million points. Lines and areas are simplified to the pixel, and left out when they would
be smaller than one.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse

from toguna.engines.territory.models import Layer
from toguna.kernel import access, registry
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Request, public

RAW_FROM = 14
MOST_ZOOM = 20
CROWD = 1500  # more than that many in a tile are grouped, however near one looks
CONTENT = "application/vnd.mapbox-vector-tile"


@dataclass(frozen=True)
class TileLayer(Declaration):
    """A layer that a service draws from its own tables.

    raw: SELECT id, properties..., geom (EPSG:4326) with {bounds}, a condition on geom's own column to be put in its WHERE by
    the service as `column && {bounds}`; grouped: the same for zooms under 14, giving n (how many) and geom of each group, with
    {bounds} and {cell} (degrees), or what else a tile is known by (%(w)s, %(s)s, %(e)s, %(n)s, %(z)s); crowd: SELECT of how
    many stand in a tile, by which one from zoom 14 up is drawn one by one or grouped ("": one by one); {reach:COLUMN} in them: whether the zone
    in that column is one of those where the actor has the permission; version: SELECT of one value that changes when the layer does; permission: "" for everyone.
    """

    name: str
    title: Any
    raw: str
    grouped: str
    version: str
    icon: str = "pin"
    permission: str = ""
    crowd: str = ""

    def problems(self) -> Iterator[str]:
        if "{bounds}" not in self.raw or not ("{bounds}" in self.grouped or "%(w)s" in self.grouped):
            yield "its queries do not use {bounds}: each tile would read everything"


MERCATOR = 20037508.342789244  # metres from the middle of the world to its edge, in EPSG:3857
MARGIN = 0.0625  # of a tile: what is drawn across its edge


def _latitude(y: float, z: int) -> float:
    """Degrees of the north edge of row `y` of tiles; y may be between two rows."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / 2**z))))


def _edges(z: int, x: int, y: int) -> dict[str, float]:
    """The tile as the statements know it: w, s, e, n the box to read, in degrees with a margin; x0, y0, x1, y1 the tile, in
    degrees from zoom 14 up, in metres of EPSG:3857 below. Reckoned here: PostGIS would project them again in each statement."""
    side = 2 * MERCATOR / 2**z
    straight = z >= RAW_FROM
    return {
        "w": (x - MARGIN) / 2**z * 360 - 180,
        "e": (x + 1 + MARGIN) / 2**z * 360 - 180,
        "n": _latitude(y - MARGIN, z),
        "s": _latitude(y + 1 + MARGIN, z),
        "x0": x / 2**z * 360 - 180 if straight else x * side - MERCATOR,
        "x1": (x + 1) / 2**z * 360 - 180 if straight else (x + 1) * side - MERCATOR,
        "y0": _latitude(y + 1, z) if straight else MERCATOR - (y + 1) * side,
        "y1": _latitude(y, z) if straight else MERCATOR - y * side,
        "px": degrees(z),
    }


# A layer's id is always written with its cast: GiST takes no other type of integer, and would read all layers of the place.
_BOX = "ST_MakeEnvelope(%(w)s, %(s)s, %(e)s, %(n)s, 4326)"
_TILE = "ST_MakeBox2D(ST_MakePoint(%(x0)s, %(y0)s), ST_MakePoint(%(x1)s, %(y1)s))"
_MVT = """
SELECT ST_AsMVT(m, %(name)s, 4096, 'geom', {id}) FROM (
    SELECT {columns}, ST_AsMVTGeom({projected}, {tile}, 4096, {buffer}, true) AS geom FROM {source}
) m
"""


def _mvt(z: int, *, geom: str, **parts: Any) -> str:
    """The statement of a tile. geom: an expression in EPSG:4326. A geometry that falls outside is null, and left out by ST_AsMVT.

    From zoom 14 a tile is so small that Mercator is straight in it: degrees are stretched into the tile as they are, off by
    h * tan(latitude) / 8 of the tile's height h in radians (0.04 of its 4096 units at 12 degrees, 0.4 at 65), which spares a
    projection of every vertex, most of the work of a tile of points.
    """
    return _MVT.format(tile=_TILE, projected=geom if z >= RAW_FROM else f"ST_Transform({geom}, 3857)", **parts)


def degrees(z: int) -> float:
    """The width of a pixel of a 512-pixel tile at that zoom, in degrees of longitude."""
    return 360 / (512 * float(2**z))


def feature_tile(layer: int, name: str, geometry: str, z: int, x: int, y: int) -> bytes:
    """A tile of a layer of features."""
    values = {**_edges(z, x, y), "name": name, "layer": layer, "cell": grid_level(z)}
    if z >= RAW_FROM:
        statement = _mvt(
            z, id="'id'", columns="f.id, f.name, f.kind", geom="f.geom", buffer=64,
            source=f"territory_feature f WHERE f.layer_id = %(layer)s::bigint AND f.valid_to IS NULL AND f.geom && {_BOX} ",
        )  # fmt: skip
    elif geometry == Layer.Geometry.LINE:
        # Small streets say nothing from afar: what is shown grows with the zoom.
        statement = _mvt(
            z, id="'id'", columns="f.id, f.name, f.kind", geom="ST_SimplifyPreserveTopology(f.geom, %(px)s)", buffer=16,
            source=f"territory_feature f WHERE f.layer_id = %(layer)s::bigint AND f.valid_to IS NULL AND f.geom && {_BOX} "
            + ("" if z >= 13 else "AND f.kind NOT IN ('footway', 'path', 'steps', 'service', 'track', 'corridor', 'cycleway') ")
            + ("" if z >= 12 else "AND f.kind NOT IN ('residential', 'living_street', 'unclassified', 'pedestrian') ")
            + ("" if z >= 10 else "AND f.kind NOT IN ('tertiary', 'secondary', 'stream', 'drain', 'ditch') "),
        )  # fmt: skip
    elif name in _AREAS:
        statement = _mvt(
            z, id="'id'", columns="f.id, f.name, f.kind", geom="ST_SimplifyPreserveTopology(f.geom, %(px)s)", buffer=16,
            source=f"territory_feature f WHERE f.layer_id = %(layer)s::bigint AND f.valid_to IS NULL AND f.geom && {_BOX} "
            "AND (ST_XMax(f.geom) - ST_XMin(f.geom)) + (ST_YMax(f.geom) - ST_YMin(f.geom)) > 4 * %(px)s",
        )  # fmt: skip
    else:
        # Cells of an eighth of a tile and less: exact counts, whatever the number of features.
        statement = _mvt(
            z, id="NULL", columns="g.n", geom="ST_SetSRID(ST_MakePoint(g.lon / g.n, g.lat / g.n), 4326)", buffer=8,
            source=f"""(SELECT (gx >> (%(cell)s)) AS cx, (gy >> (%(cell)s)) AS cy, sum(n) AS n, sum(lon) AS lon, sum(lat) AS lat
                FROM territory_grid WHERE layer_id = %(layer)s AND n > 0
                AND gx BETWEEN floor((%(w)s + 180) / {CELL})::int AND floor((%(e)s + 180) / {CELL})::int
                AND gy BETWEEN floor((%(s)s + 90) / {CELL})::int AND floor((%(n)s + 90) / {CELL})::int
                GROUP BY 1, 2) g""",
        )  # fmt: skip
    return _run(statement, values)


# Layers of areas are drawn as areas from afar too; buildings are too small and too many for that.
_AREAS = frozenset({"landuse", "water"})
# The finest cell of the grid, in degrees: about 190 m. Coarser ones are sums of it (bits dropped).
CELL = 360 / 2**17 * 0.625


def grid_level(z: int) -> int:
    """How many times the finest cell is doubled, so that some 32 cells cross a tile of that zoom."""
    cells_across = 360 / 2**z / CELL
    level = 0
    while cells_across / 2**level > 48:
        level += 1
    return level


def zone_tile(level: int | None, name: str, z: int, x: int, y: int) -> bytes:
    condition = f"z.closed IS NULL AND z.geom && {_BOX}" + ("" if level is None else " AND z.level = %(level)s")
    statement = _mvt(
        z, id="'id'", columns="z.id, z.name, z.level", buffer=32, source=f"territory_zone z WHERE {condition}",
        geom="z.geom" if z >= RAW_FROM else "ST_SimplifyPreserveTopology(z.geom, %(px)s)",
    )  # fmt: skip
    return _run(statement, {**_edges(z, x, y), "name": name, "level": level})


_REACH = re.compile(r"\{reach:([a-z_.]+)\}")


def declared_tile(layer: TileLayer, z: int, x: int, y: int, zones: frozenset[int] | None = None) -> bytes:
    """A tile of a layer that a service declared. zones: where the actor may see it, None for everywhere."""
    straight, values = (
        z >= RAW_FROM,
        {**_edges(z, x, y), "name": layer.name, "cell": degrees(z) * 24, "z": z, "zones": sorted(zones or ())},
    )
    raw = straight and (not layer.crowd or _crowd(layer.crowd, values) <= CROWD)
    query = (layer.raw if raw else layer.grouped).replace("{bounds}", _BOX).replace("{cell}", "%(cell)s")
    query = _REACH.sub("true" if zones is None else r"\1 = ANY(%(zones)s)", query)
    statement = f"""
    WITH q AS ({query})
    SELECT ST_AsMVT(m, %(name)s, 4096, 'geom') FROM (
        SELECT to_jsonb(q) - 'geom' AS properties, ST_AsMVTGeom({"q.geom" if straight else "ST_Transform(q.geom, 3857)"}, {_TILE}, 4096, 64, true) AS geom
        FROM q) m
    """
    return _run(statement, values)


def _crowd(statement: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0] or 0)


def _run(statement: str, values: dict[str, Any]) -> bytes:
    # Helpers and compiled plans take longer to start (15 ms and more) than a tile takes to make: both are off for this
    # statement alone, which travels with the settings and is one transaction with them.
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off; {statement}", values)
        cursor.nextset()
        cursor.nextset()
        return bytes(cursor.fetchone()[0] or b"")


# Zones are few: what is shown of them says whether they changed; their limits by their latest dated version and their boxes.
_ZONES_VERSION = """
SELECT concat_ws('-', (SELECT max(id) FROM territory_zone_version), count(*),
    sum(hashtext(concat_ws('|', id, level, name, closed, box2d(geom)::text))::bigint)) FROM territory_zone
"""


def _version(statement: str, values: list[Any]) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return str(row[0] if row else "")


def _layer(slug: str) -> tuple[int, int, bool, str]:
    """(id, version, public, geometry). By hand: making the query through the ORM takes longer than a small tile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, version, public, geometry FROM territory_layer WHERE slug = %s", [slug])
        row: tuple[int, int, bool, str] | None = cursor.fetchone()
    if row is None:
        raise Http404
    return row


@public
def tile(request: Request, name: str, z: int, x: int, y: int) -> HttpResponse:
    """/tiles/LAYER/Z/X/Y.mvt: 304 when the layer has not changed since. An empty tile is an empty 200, as readers expect."""
    if not (0 <= z <= MOST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise Http404
    declared = registry.find(TileLayer, name)
    private, reach = False, None
    if declared is not None:
        version = _version(declared.version, [])
        if declared.permission:
            access.require(request.actor, declared.permission, anywhere=True)
            private, reach = True, access.zones(request.actor, declared.permission)
            version += f" {'' if reach is None else sorted(reach)}"
    elif name == "basemap":
        version = _version(
            "SELECT concat((SELECT string_agg(slug || version, ' ' ORDER BY slug) FROM territory_layer WHERE public), "
            f"({_ZONES_VERSION}))",
            [],
        )
    elif name == "zones" or name.startswith("zones-"):
        version = _version(_ZONES_VERSION, [])
    else:
        pk, count, shown, geometry = _layer(name)
        if not shown:
            access.require(request.actor, "territory.read", anywhere=True)
            private = True
        version = f"{pk}-{count}"
    etag = '"' + hashlib.sha256(f"{name}/{z}/{x}/{y} {version}".encode()).hexdigest()[:20] + '"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        if declared is not None:
            body = declared_tile(declared, z, x, y, reach)
        elif name == "basemap":
            body = basemap_tile(z, x, y)
        elif name.startswith("zones"):
            _start, _dash, level = name.partition("-")
            if level and not level.isdigit():
                raise Http404
            body = zone_tile(int(level) if level else None, name, z, x, y)
        else:
            body = feature_tile(pk, name, geometry, z, x, y)
        response = _packed(request, body)
    response["ETag"] = etag
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = "private, no-cache" if private else "public, max-age=60"
    if not private:
        response["Access-Control-Allow-Origin"] = "*"
    return response


def _packed(request: HttpRequest, body: bytes) -> HttpResponse:
    """Compressed for whom takes it: a tile of streets becomes half as heavy, for a millisecond or two."""
    if len(body) < 400 or "gzip" not in request.headers.get("Accept-Encoding", ""):
        return HttpResponse(body, content_type=CONTENT)
    response = HttpResponse(gzip.compress(body, compresslevel=4, mtime=0), content_type=CONTENT)
    response["Content-Encoding"] = "gzip"
    return response


def basemap_tile(z: int, x: int, y: int) -> bytes:
    """Everything that the ground is drawn with, in one tile: one round trip on 2G, not seven."""
    parts = []
    layers = {layer.slug: layer for layer in Layer.objects.filter(public=True, slug__in=BASEMAP)}
    for slug, least in BASEMAP.items():
        if z >= least and slug in layers:
            parts.append(feature_tile(layers[slug].pk, slug, layers[slug].geometry, z, x, y))
    if z >= 9:
        parts.append(zone_tile(None, "zones", z, x, y))
    return b"".join(parts)  # an MVT is a list of layers: joined bytes are a tile of all of them


# From which zoom each layer is in the basemap.
BASEMAP = {"landuse": 9, "water": 7, "buildings": 14, "streets": 8, "places": 11, "facilities": 14, "addresses": 17}
