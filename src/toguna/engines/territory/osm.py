"""OpenStreetMap files (PBF) into zones and layers: read once in C++, copied into a staging table, merged set by set.

Each stage is committed with its name in the ImportRun: an import that was cut goes on where it stopped. A file that is
damaged changes nothing. What the town edited is kept; what vanished from the file's area is closed, not deleted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from toguna.engines.territory import zoning
from toguna.engines.territory.kinds import of_tags
from toguna.engines.territory.layers import ensure_osm_layers
from toguna.engines.territory.models import Feature, ImportRun
from toguna.engines.territory.refusal import ImportRefused
from toguna.engines.territory.tiles import CELL
from toguna.kernel.heavy import Heavy

osmium = Heavy("osmium")

Progress = Callable[[str, float], None]
Tags = tuple[tuple[str, str], ...]  # ((key, value), ...): can be looked up
LayersOf = Callable[[dict[str, str]], list[tuple[str, str]]]

# What makes an object worth reading at all; everything else never leaves C++.
KEYS = (
    "building", "highway", "amenity", "shop", "office", "craft", "healthcare", "tourism", "historic", "leisure", "man_made",
    "natural", "waterway", "water", "landuse", "place", "boundary", "addr:housenumber", "railway", "aeroway", "power",
)  # fmt: skip
_STREETS = {
    "motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link", "tertiary",
    "tertiary_link", "unclassified", "residential", "living_street", "service", "pedestrian", "footway", "path", "track",
    "steps", "cycleway", "road", "bridleway", "corridor", "construction",
}  # fmt: skip
_LANDUSE_NATURAL = {"wood", "scrub", "grassland", "heath", "sand", "beach", "wetland", "bare_rock", "scree", "cliff"}
_LANDUSE_LEISURE = {"park", "garden", "pitch", "golf_course", "nature_reserve", "stadium", "track", "playground"}
_DROPPED = ("name", "source", "created_by", "note", "fixme", "FIXME", "tiger:", "import", "wikipedia", "wikidata")


def run(path: Path, run: ImportRun, progress: Progress) -> dict[str, int]:
    """Imports a PBF. Returns counts: read, added, changed, closed, zones. Raises ImportRefused, having changed nothing."""
    stage = f"territory_stage_{run.pk}"
    counts: dict[str, int] = dict(run.counts)
    if run.stage == "put":
        return counts
    if run.stage and not _staged(stage, counts.get("read", -1)):
        run.stage = ""  # the staging table went with a crash of the database: read again
    if not run.stage:
        progress(_("Reading the file"), 0.0)
        counts = {"read": _read(path, stage, run, progress)}
        _commit(run, "read", counts)
    if run.stage == "read":
        progress(_("Boundaries"), 0.6)
        with transaction.atomic():
            counts["zones"] = zoning.merge(stage, run)
            _commit(run, "zones", counts)
    layers = ensure_osm_layers()
    if run.stage == "zones" and not Feature.objects.exists():
        # The first import: all layers in one transaction, indexes and counts made at the end, once, rather than row by row.
        progress(_("Putting everything in place"), 0.65)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_BARE)
            added = sum(_first(stage, slug, layer) for slug, layer in layers.items())
            added -= _finish(cursor)
            _commit(run, ",".join(["zones", *layers]), {**counts, "added": added, "changed": 0, "closed": 0})
        counts = run.counts
    done = run.stage.split(",")
    for number, (slug, layer) in enumerate(layers.items()):
        if slug in done:
            continue
        progress(_("Putting in place: %(layer)s") % {"layer": slug}, 0.65 + 0.3 * number / len(layers))
        with transaction.atomic():
            for key, value in _merge(stage, slug, layer).items():
                counts[key] = counts.get(key, 0) + value
            done.append(slug)
            _commit(run, ",".join(done), counts)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {stage}")
        # A first look, so that maps are quick at once; PostgreSQL itself takes the long one soon after.
        cursor.execute("SET LOCAL default_statistics_target = 20")
        cursor.execute("ANALYZE territory_feature")
        cursor.execute("ANALYZE territory_zone")
        _commit(run, "put", counts)
    progress(_("Done"), 1.0)
    return counts


def _commit(run: ImportRun, stage: str, counts: dict[str, int]) -> None:
    run.stage, run.counts = stage, counts
    run.save(update_fields=["stage", "counts", "problems"])


def _staged(stage: str, rows: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [stage])
        if cursor.fetchone()[0] is None:
            return False
        cursor.execute(f"SELECT count(*) FROM {stage}")
        return bool(cursor.fetchone()[0] == rows)


def _read(path: Path, stage: str, run: ImportRun, progress: Progress) -> int:
    """Copies what concerns us into a staging table, in one transaction. Returns the number of rows."""
    problems: list[dict[str, Any]] = []
    expected = max(1, path.stat().st_size // 40)  # objects with our tags, roughly: only for the progress bar
    rows = 0
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {stage}")
            cursor.execute(_STAGE.format(stage=stage))
            with cursor.copy(f"COPY {stage} (layer, source, name, names, kind, attrs, geom) FROM STDIN") as copy:
                for row in _objects(path, problems):
                    copy.write_row(row)
                    rows += 1
                    if rows % 5000 == 0:
                        progress(
                            _("Reading the file: %(rows)d objects") % {"rows": rows}, min(0.58, 0.58 * rows / expected)
                        )
            if Feature.objects.exists():
                cursor.execute(f"CREATE INDEX ON {stage} (layer, source)")  # to find what vanished
                cursor.execute(f"ANALYZE {stage}")
    except RuntimeError as error:  # what osmium raises for a file that it cannot read to the end
        raise ImportRefused(
            _("The file is damaged or cut short, so nothing was changed. Download it again. (%(error)s)")
            % {"error": error}
        ) from error
    if rows == 0:
        raise ImportRefused(_("There is nothing in this file that Toguna knows how to use."))
    run.problems = problems[:1000]
    return rows


def _objects(path: Path, problems: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, str, str, str, str]]:
    """(layer, source, name, names, kind, attrs, geometry as hex WKB) of each object and each layer that it belongs to."""
    wkb = osmium.geom.WKBFactory()
    entities, key_filter = osmium.osm, osmium.filter.KeyFilter
    # What is drawn as an area also passes as the way that it was made of: of ways only lines leave C++.
    processor = (
        osmium.FileProcessor(str(path))
        .with_areas(key_filter(*KEYS))
        .with_filter(osmium.filter.EntityFilter(entities.NODE | entities.WAY | entities.AREA))
        .with_filter(key_filter("highway", "waterway").enable_for(entities.WAY))
        .with_filter(key_filter(*KEYS).enable_for(entities.NODE | entities.AREA))
    )
    thing: Any  # node, way or area: each knows only some of what is asked below
    make: Any
    for thing in processor:
        tags = _tags(thing.tags)
        if thing.is_area():
            source = f"osm:{'w' if thing.from_way() else 'r'}{thing.orig_id()}"
            found, make = _described(_area_layers, tags), wkb.create_multipolygon
        elif thing.is_way():
            if ("area", "yes") in tags and thing.is_closed():
                # A square is no street: it comes again as an area.
                tags = tuple(tag for tag in tags if tag[0] != "highway")
            source, found, make = f"osm:w{thing.id}", _described(_line_layers, tags), wkb.create_linestring
        else:
            source, found, make = f"osm:n{thing.id}", _described(_point_layers, tags), wkb.create_point
        if found is None:
            continue
        try:
            geometry = make(thing)
        except (RuntimeError, osmium.InvalidLocationError) as error:
            problems.append({"line": source.removeprefix("osm:"), "reason": str(error)})
            continue
        layers, name, names, attrs = found
        for layer, kind in layers:
            yield layer, source, name, names, kind, attrs, geometry


# Most of a town says one of a few things of itself: asking for these costs a third of walking through all tags.
_COMMON = ("building", "highway", "source", "wall", "name", "surface")


def _tags(tags: Any) -> Tags:
    """All of an object's tags."""
    number, get = len(tags), tags.get
    found = []
    for key in _COMMON:
        if (value := get(key)) is not None:
            found.append((key, value))
            if len(found) == number:
                return tuple(found)
    return tuple([(tag.k, tag.v) for tag in tags])


@lru_cache(maxsize=4096)
def _described(layers_of: LayersOf, pairs: Tags) -> tuple[list[tuple[str, str]], str, str, str] | None:
    """(its layers with its kind in each, name, names and other tags in JSON); None when no layer wants it. Kept: thousands of
    buildings and paths carry the same tags."""
    tags = dict(pairs)
    layers = layers_of(tags)
    if not layers:
        return None
    name = tags.get("name", "")
    names = {key[5:]: value for key, value in pairs if key[:5] == "name:" and len(key) <= 8} if name else {}
    attrs = {key: value for key, value in pairs if not key.startswith(_DROPPED)}
    return layers, name[:250], _encode(names), _encode(attrs)


# Made once: json.dumps() makes an encoder at each call.
_encode = json.JSONEncoder(ensure_ascii=False).encode


def _facility(tags: dict[str, str]) -> list[tuple[str, str]]:
    found = of_tags(tags)
    return [("facilities", found.kind if found.kind != "worship" else _worship(tags))] if found else []


def _worship(tags: dict[str, str]) -> str:
    return {"muslim": "mosque", "christian": "church"}.get(tags.get("religion", ""), "worship")


def _point_layers(tags: dict[str, str]) -> list[tuple[str, str]]:
    found = _facility(tags)
    if tags.get("place") in {
        "city",
        "town",
        "village",
        "suburb",
        "quarter",
        "neighbourhood",
        "hamlet",
        "locality",
        "square",
        "islet",
    }:
        found.append(("places", tags["place"]))
    if "addr:housenumber" in tags:
        found.append(("addresses", "address"))
    return found


def _line_layers(tags: dict[str, str]) -> list[tuple[str, str]]:
    if tags.get("highway") in _STREETS:
        return [("streets", tags["highway"])]
    if tags.get("waterway") in {"river", "stream", "canal", "drain", "ditch"}:
        return [("water", tags["waterway"])]
    return []


def _area_layers(tags: dict[str, str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if tags.get("boundary") == "administrative" and tags.get("admin_level", "").isdigit():
        return [("boundary", tags["admin_level"])]
    if tags.get("building", "no") != "no":
        found.append(("buildings", tags["building"] if len(tags["building"]) <= 60 else "yes"))
    if (
        tags.get("natural") in {"water", "bay", "strait"}
        or tags.get("waterway") in {"riverbank", "dock"}
        or "water" in tags
    ):
        found.append(("water", tags.get("water", "water")[:60]))
    elif "landuse" in tags:
        found.append(("landuse", tags["landuse"][:60]))
    elif tags.get("natural") in _LANDUSE_NATURAL:
        found.append(("landuse", tags["natural"]))
    elif tags.get("leisure") in _LANDUSE_LEISURE:
        found.append(("landuse", tags["leisure"]))
    if tags.get("highway") in _STREETS and tags.get("area") == "yes":
        found.append(("landuse", "pedestrian"))
    found += _facility(tags)
    if "addr:housenumber" in tags:
        found.append(("addresses", "address"))
    if tags.get("place") in {"island", "islet", "square", "neighbourhood", "quarter", "suburb"}:
        found.append(("places", tags["place"]))
    return found


# Row by row, the indexes and the triggers that count would cost four times the rows themselves. All as in the model's Meta
# and in the migrations.
_BARE = """
SET LOCAL work_mem = '64MB';
DROP INDEX IF EXISTS territory_feature_geom;
DROP INDEX territory_feature_page;
ALTER TABLE territory_feature DROP CONSTRAINT territory_feature_source, DISABLE TRIGGER USER;
"""
_UNIQUE = "ALTER TABLE territory_feature ADD CONSTRAINT territory_feature_source UNIQUE (layer_id, source)"
# A way may be drawn as a line and as an area of one layer; a file put together from extracts may hold an object twice.
_ONCE = """
DELETE FROM territory_feature f USING (SELECT layer_id, source, min(id) AS id FROM territory_feature GROUP BY 1, 2 HAVING count(*) > 1) d
WHERE f.layer_id = d.layer_id AND f.source = d.source AND f.id > d.id
"""
_WHOLE = f"""
CREATE INDEX territory_feature_page ON territory_feature (layer_id, id) WHERE valid_to IS NULL;
ALTER TABLE territory_feature ENABLE TRIGGER USER;
INSERT INTO territory_grid (layer_id, gx, gy, n, lon, lat)
SELECT layer_id, floor((ST_X(p) + 180) / {CELL!r})::int, floor((ST_Y(p) + 90) / {CELL!r})::int, count(*), sum(ST_X(p)), sum(ST_Y(p))
FROM (SELECT layer_id, ST_Centroid(geom) AS p FROM territory_feature OFFSET 0) s -- 0: the middle is worked out once
GROUP BY 1, 2, 3
ON CONFLICT (layer_id, gx, gy) DO UPDATE SET n = excluded.n, lon = excluded.lon, lat = excluded.lat;
UPDATE territory_layer SET version = version + 1 WHERE id IN (SELECT DISTINCT layer_id FROM territory_feature);
"""
# Unlogged: it can be made again from the file, and must not cost a second writing of everything.
_STAGE = "CREATE UNLOGGED TABLE {stage} (layer text, source text, name text, names jsonb, kind text, attrs jsonb, geom geometry)"
# What a staged geometry becomes: points stand for areas in the layers of points. The areas themselves are valid: osmium puts
# together none whose rings cross (those are in the report).
_DRAWN = """ST_SetSRID(
        CASE WHEN layer IN ('addresses', 'places') THEN ST_PointOnSurface(geom)
             WHEN ST_NumGeometries(geom) = 1 THEN ST_GeometryN(geom, 1) ELSE geom END, 4326)"""
_FIRST = """
INSERT INTO territory_feature (layer_id, source, name, names, kind, attrs, geom, edited)
SELECT %(layer)s, source, name, names, kind, attrs, {drawn} AS g, false FROM {stage} WHERE layer = %(slug)s ORDER BY g
"""
# One statement a layer: new rows come in, changed ones change, edited ones stay as the town made them.
_MERGE = """
WITH once AS (
    SELECT DISTINCT ON (source) source, name, names, kind, attrs, {drawn} AS geom FROM {stage}
    WHERE layer = %(slug)s ORDER BY source, {drawn}
), put AS (
    INSERT INTO territory_feature AS f (layer_id, source, name, names, kind, attrs, geom, edited)
    SELECT %(layer)s, source, name, names, kind, attrs, geom, false FROM once
    ON CONFLICT (layer_id, source) DO UPDATE
    SET name = excluded.name, names = excluded.names, kind = excluded.kind, attrs = excluded.attrs, geom = excluded.geom,
        valid_to = NULL, version = f.version + 1, updated = now()
    WHERE NOT f.edited AND (f.name, f.kind, f.names, f.attrs, f.valid_to IS NULL)
        IS DISTINCT FROM (excluded.name, excluded.kind, excluded.names, excluded.attrs, true)
        OR NOT f.edited AND NOT ST_OrderingEquals(f.geom, excluded.geom)
    RETURNING xmax = 0 AS added
)
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added) FROM put
"""
_CLOSE = """
UPDATE territory_feature f SET valid_to = current_date, version = version + 1, updated = now()
WHERE f.layer_id = %(layer)s AND f.valid_to IS NULL AND NOT f.edited AND f.source LIKE 'osm:%%'
  AND f.geom && (SELECT ST_SetSRID(ST_Extent(geom)::geometry, 4326) FROM {stage})
  AND NOT EXISTS (SELECT FROM {stage} s WHERE s.layer = %(slug)s AND s.source = f.source)
"""


_MAP_INDEX = """
CREATE INDEX IF NOT EXISTS territory_feature_geom ON territory_feature USING gist (layer_id, geom) WHERE valid_to IS NULL
"""


@contextmanager
def map_index() -> Iterator[None]:
    """Makes the index of the map when a first import, perhaps one that was cut, left it to be made; what the caller does
    meanwhile (with another index) has the machine's other processor. It is there at the end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('territory_feature_geom') IS NULL")
        missing = bool(cursor.fetchone()[0])
    if not missing:
        yield
    elif connection.in_atomic_block:  # another connection would not see the features yet
        _make_map_index()
        yield
    else:
        with ThreadPoolExecutor(1) as other:
            made = other.submit(_make_map_index_alone)
            yield
            made.result()


def _make_map_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MAP_INDEX)


def _make_map_index_alone() -> None:
    try:
        _make_map_index()
    finally:
        connection.close()  # this thread's own


def _first(stage: str, slug: str, layer: int) -> int:
    """Fills a layer that has nothing yet. Returns how many came in."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST.format(stage=stage, drawn=_DRAWN), {"slug": slug, "layer": layer})
        return int(cursor.rowcount)


def _finish(cursor: Any) -> int:
    """Makes the indexes (but the map's) and counts that a first import went without. Returns how many rows went, being twice."""
    twice = 0
    try:
        with transaction.atomic():
            cursor.execute(_UNIQUE)
    except IntegrityError:
        cursor.execute(_ONCE)
        twice = cursor.rowcount
        # What refers to features is checked now: no ALTER TABLE before that.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(_UNIQUE)
    cursor.execute(_WHOLE)
    return twice


def _merge(stage: str, slug: str, layer: int) -> dict[str, int]:
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"slug": slug, "layer": layer}
        cursor.execute(_MERGE.format(stage=stage, drawn=_DRAWN), values)
        added, changed = cursor.fetchone()
        cursor.execute(_CLOSE.format(stage=stage), values)
        closed = cursor.rowcount
        if added or changed or closed:
            cursor.execute("UPDATE territory_layer SET version = version + 1 WHERE id = %s", [layer])
    return {"added": added, "changed": changed, "closed": closed}
