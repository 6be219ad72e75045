"""Vector tiles, made in PostGIS in one statement: raw features from zoom 14 up; below, what a screen can show of them.

Points and small buildings become counts on a grid, kept by triggers (`territory_grid`), so that a tile of a whole town
reads hundreds of cells, not a million points. Lines and areas are simplified to the pixel, and left out when they would
be smaller than one.
"""

from __future__ import annotations

import gzip
import hashlib
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
CONTENT = "application/vnd.mapbox-vector-tile"


@dataclass(frozen=True)
class TileLayer(Declaration):
    """A layer that a service draws from its own tables.

    raw: SELECT id, properties..., geom (EPSG:4326) with {bounds}, a condition on geom's own column to be put in its WHERE by
    the service as `column && {bounds}`; grouped: the same for zooms under 14, giving n (how many) and geom of each group, with
    {bounds} and {cell} (degrees); version: SELECT of one value that changes when the layer does; permission: "" for everyone.
    """

    name: str
    title: Any
    raw: str
    grouped: str
    version: str
    icon: str = "pin"
    permission: str = ""

    def problems(self) -> Iterator[str]:
        if "{bounds}" not in self.raw or "{bounds}" not in self.grouped:
            yield "its queries do not use {bounds}: each tile would read everything"


# The envelope of the tile in degrees, with a margin for what is drawn across its edge.
# A layer's id is always written with its cast: GiST takes no other type of integer, and would read all layers of the place.
_BOUNDS = "ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 0.0625), 4326)"
_MVT = """
WITH t AS MATERIALIZED (SELECT {bounds} AS box, {envelope} AS env)
SELECT ST_AsMVT(m, %(name)s, 4096, 'geom', {id}) FROM (
    SELECT {columns}, ST_AsMVTGeom({projected}, t.env, 4096, {buffer}, true) AS geom FROM t, {source}
) m
"""
_ENVELOPE = "ST_TileEnvelope(%(z)s, %(x)s, %(y)s)"
# From zoom 14 a tile is so small that Mercator is straight in it: degrees are stretched into the tile as they are, off by
# h * tan(latitude) / 8 of the tile's height h in radians (0.04 of its 4096 units at 12 degrees, 0.4 at 65), which spares
# a projection of every vertex, most of the work of a tile of points.
_STRAIGHT = f"ST_Transform({_ENVELOPE}, 4326)"


def _mvt(z: int, *, geom: str, **parts: Any) -> str:
    """The statement of a tile. geom: an expression in EPSG:4326. A geometry that falls outside is null, and left out by ST_AsMVT."""
    straight = z >= RAW_FROM
    return _MVT.format(
        bounds=_BOUNDS,
        envelope=_STRAIGHT if straight else _ENVELOPE,
        projected=geom if straight else f"ST_Transform({geom}, 3857)",
        **parts,
    )


def degrees(z: int) -> float:
    """The width of a pixel of a 512-pixel tile at that zoom, in degrees of longitude."""
    return 360 / (512 * float(2**z))


def feature_tile(layer: int, name: str, geometry: str, z: int, x: int, y: int) -> bytes:
    """A tile of a layer of features."""
    values = {"z": z, "x": x, "y": y, "name": name, "layer": layer, "px": degrees(z), "cell": grid_level(z)}
    if z >= RAW_FROM:
        statement = _mvt(
            z, id="'id'", columns="f.id, f.name, f.kind", geom="f.geom", buffer=64,
            source="territory_feature f WHERE f.layer_id = %(layer)s::bigint AND f.valid_to IS NULL AND f.geom && t.box",
        )  # fmt: skip
    elif geometry == Layer.Geometry.LINE:
        # Small streets say nothing from afar: what is shown grows with the zoom.
        statement = _mvt(
            z, id="'id'", columns="f.id, f.name, f.kind", geom="ST_SimplifyPreserveTopology(f.geom, %(px)s)", buffer=16,
            source="territory_feature f WHERE f.layer_id = %(layer)s::bigint AND f.valid_to IS NULL AND f.geom && t.box "
            + ("" if z >= 13 else "AND f.kind NOT IN ('footway', 'path', 'steps', 'service', 'track', 'corridor', 'cycleway') ")
            + ("" if z >= 12 else "AND f.kind NOT IN ('residential', 'living_street', 'unclassified', 'pedestrian') ")
            + ("" if z >= 10 else "AND f.kind NOT IN ('tertiary', 'secondary', 'stream', 'drain', 'ditch') "),
        )  # fmt: skip
    elif name in _AREAS:
        statement = _mvt(
            z, id="'id'", columns="f.id, f.name, f.kind", geom="ST_SimplifyPreserveTopology(f.geom, %(px)s)", buffer=16,
            source="territory_feature f WHERE f.layer_id = %(layer)s::bigint AND f.valid_to IS NULL AND f.geom && t.box "
            "AND (ST_XMax(f.geom) - ST_XMin(f.geom)) + (ST_YMax(f.geom) - ST_YMin(f.geom)) > 4 * %(px)s",
        )  # fmt: skip
    else:
        # Cells of an eighth of a tile and less: exact counts, whatever the number of features.
        statement = _mvt(
            z, id="NULL", columns="g.n", geom="ST_SetSRID(ST_MakePoint(g.lon / g.n, g.lat / g.n), 4326)", buffer=8,
            source=f"""(SELECT (gx >> (%(cell)s)) AS cx, (gy >> (%(cell)s)) AS cy, sum(n) AS n, sum(lon) AS lon, sum(lat) AS lat
                FROM territory_grid, t WHERE layer_id = %(layer)s AND n > 0
                AND gx BETWEEN floor((ST_XMin(t.box) + 180) / {CELL})::int AND floor((ST_XMax(t.box) + 180) / {CELL})::int
                AND gy BETWEEN floor((ST_YMin(t.box) + 90) / {CELL})::int AND floor((ST_YMax(t.box) + 90) / {CELL})::int
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
    condition = "z.closed IS NULL AND z.geom && t.box" + ("" if level is None else " AND z.level = %(level)s")
    statement = _mvt(
        z, id="'id'", columns="z.id, z.name, z.level", buffer=32, source=f"territory_zone z WHERE {condition}",
        geom="z.geom" if z >= RAW_FROM else "ST_SimplifyPreserveTopology(z.geom, %(px)s)",
    )  # fmt: skip
    return _run(statement, {"z": z, "x": x, "y": y, "name": name, "level": level, "px": degrees(z)})


def declared_tile(layer: TileLayer, z: int, x: int, y: int) -> bytes:
    """A tile of a layer that a service declared."""
    raw = z >= RAW_FROM
    query = (
        (layer.raw if raw else layer.grouped).replace("{bounds}", "(SELECT box FROM t)").replace("{cell}", "%(cell)s")
    )
    statement = f"""
    WITH t AS MATERIALIZED (SELECT {_BOUNDS} AS box, ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS env), q AS ({query}),
    m AS (SELECT to_jsonb(q) - 'geom' AS properties, ST_AsMVTGeom(ST_Transform(q.geom, 3857), t.env, 4096, 64, true) AS geom FROM q, t)
    SELECT ST_AsMVT(m, %(name)s, 4096, 'geom') FROM m WHERE geom IS NOT NULL
    """
    return _run(statement, {"z": z, "x": x, "y": y, "name": layer.name, "cell": degrees(z) * 24})


def _run(statement: str, values: dict[str, Any]) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bytes(cursor.fetchone()[0] or b"")


def _version(statement: str, values: list[Any]) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return str(row[0] if row else "")


@public
def tile(request: Request, name: str, z: int, x: int, y: int) -> HttpResponse:
    """/tiles/LAYER/Z/X/Y.mvt: 304 when the layer has not changed since. An empty tile is an empty 200, as readers expect."""
    if not (0 <= z <= MOST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise Http404
    declared = registry.find(TileLayer, name)
    private = False
    if declared is not None:
        if declared.permission:
            access.require(request.actor, declared.permission, anywhere=True)
            private = True
        version = _version(declared.version, [])
    elif name == "basemap":
        version = _version(
            "SELECT (SELECT sum(version) FROM territory_layer WHERE public) || '-' || (SELECT count(*) || '-' || COALESCE(max(valid_from)::text, '') FROM territory_zone_version)",
            [],
        )
    elif name == "zones" or name.startswith("zones-"):
        version = _version(
            "SELECT count(*) || '-' || COALESCE(max(id), 0) || '-' || COALESCE(max(valid_from)::text, '') FROM territory_zone_version",
            [],
        )
    else:
        layer = Layer.objects.filter(slug=name).only("id", "version", "public", "geometry").first()
        if layer is None:
            raise Http404
        if not layer.public:
            access.require(request.actor, "territory.read", anywhere=True)
            private = True
        version = f"{layer.pk}-{layer.version}"
    etag = '"' + hashlib.sha256(f"{name}/{z}/{x}/{y} {version}".encode()).hexdigest()[:20] + '"'
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    else:
        if declared is not None:
            body = declared_tile(declared, z, x, y)
        elif name == "basemap":
            body = basemap_tile(z, x, y)
        elif name.startswith("zones"):
            _start, _dash, level = name.partition("-")
            if level and not level.isdigit():
                raise Http404
            body = zone_tile(int(level) if level else None, name, z, x, y)
        else:
            body = feature_tile(layer.pk, name, layer.geometry, z, x, y)  # type: ignore[union-attr]
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
