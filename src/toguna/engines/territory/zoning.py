"""Administrative boundaries of a staged file into dated zones, and the check of how they fit together."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from toguna.engines.territory import zones
from toguna.engines.territory.models import ImportRun, Zone
from toguna.kernel import text, town

# A boundary belongs to a wider one when nearly all of it lies inside: borders digitised twice never match to the metre.
INSIDE = 0.9


def merge(stage: str, run: ImportRun) -> int:
    """Makes or redraws the zones from the staged boundaries, in the caller's transaction. Returns how many are in force.

    The town is the boundary that bears its name; otherwise the one of level 8 (or the nearest level to it) that has
    most districts, then most buildings. Zones are the boundaries inside it; neighbours are left out.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS boundary")
        cursor.execute(
            f"""
            CREATE TEMP TABLE boundary ON COMMIT DROP AS
            SELECT DISTINCT ON (source) source, name, names, kind::int AS admin_level,
                ST_Multi(ST_CollectionExtract(ST_MakeValid(ST_SetSRID(geom, 4326)), 3))::geometry(MultiPolygon, 4326) AS geom
            FROM {stage} WHERE layer = 'boundary' AND name <> '' ORDER BY source
            """
        )
        found = _town(cursor, stage)
        if found is None:
            return Zone.objects.filter(closed=None).count()
        cursor.execute(
            """
            SELECT DISTINCT b.admin_level FROM boundary b, boundary t
            WHERE t.source = %(town)s AND b.admin_level > t.admin_level
              AND ST_Area(ST_Intersection(b.geom, t.geom)) > %(inside)s * ST_Area(b.geom) ORDER BY 1
            """,
            {"town": found, "inside": INSIDE},
        )
        deeper = [row[0] for row in cursor.fetchall()]
        level_of = dict(zip(deeper, ([2] if len(deeper) == 1 else [1, 2, 3]), strict=False))
        cursor.execute(
            """
            SELECT b.source, b.name, b.names, b.admin_level, b.source = %(town)s
            FROM boundary b, boundary t WHERE t.source = %(town)s AND (b.source = %(town)s OR (b.admin_level = ANY(%(levels)s)
              AND ST_Area(ST_Intersection(b.geom, t.geom)) > %(inside)s * ST_Area(b.geom)))
            """,
            {"town": found, "levels": list(level_of), "inside": INSIDE},
        )
        rows = cursor.fetchall()
        for source, name, names, admin_level, is_town in rows:
            level = 0 if is_town else level_of[admin_level]
            words = names if isinstance(names, dict) else json.loads(names)
            cursor.execute(_PUT, {"source": source, "name": name, "names": json.dumps(words), "level": level})
        _parents(cursor)
        cursor.execute(_VERSIONS, [[r[0] for r in rows]])
        # Zones that the file had and has no more are closed, unless the town made them its own.
        cursor.execute(
            "UPDATE territory_zone SET closed = current_date WHERE closed IS NULL AND NOT edited AND source LIKE 'osm:%%' "
            "AND NOT source = ANY(%s)",
            [[r[0] for r in rows]],
        )
    zones.forget()
    run.problems = [*run.problems, *topology()][:1000]
    return Zone.objects.filter(closed=None).count()


_PUT = """
INSERT INTO territory_zone AS z (source, name, names, level, code, geom, edited)
SELECT source, %(name)s, %(names)s, %(level)s, '', geom, false FROM boundary WHERE source = %(source)s
ON CONFLICT (source) DO UPDATE SET name = excluded.name, names = excluded.names, level = excluded.level, geom = excluded.geom,
    closed = NULL WHERE NOT z.edited
"""
# A redrawn zone closes the dated version in force and opens another; redrawn twice in a day, it is corrected in place.
_VERSIONS = """
WITH changed AS (
    SELECT z.id, z.geom FROM territory_zone z LEFT JOIN territory_zone_version v ON v.zone_id = z.id AND v.valid_to IS NULL
    WHERE z.source = ANY(%s) AND (v.id IS NULL OR NOT ST_OrderingEquals(v.geom, z.geom))
), same_day AS (
    UPDATE territory_zone_version v SET geom = c.geom FROM changed c
    WHERE v.zone_id = c.id AND v.valid_to IS NULL AND v.valid_from = current_date RETURNING v.zone_id
), ended AS (
    UPDATE territory_zone_version v SET valid_to = current_date FROM changed c
    WHERE v.zone_id = c.id AND v.valid_to IS NULL AND v.valid_from < current_date RETURNING v.zone_id
)
INSERT INTO territory_zone_version (zone_id, geom, valid_from)
SELECT id, geom, current_date FROM changed WHERE id NOT IN (SELECT zone_id FROM same_day)
  AND (SELECT count(*) FROM ended) >= 0
"""


def _town(cursor: Any, stage: str) -> str | None:
    cursor.execute(
        "SELECT source, name, names, admin_level FROM boundary ORDER BY admin_level DESC, ST_Area(geom) DESC"
    )
    rows = cursor.fetchall()
    wanted = text.fold(town.current().name)
    for source, name, names, level in rows:
        words = names if isinstance(names, dict) else json.loads(names)
        called = {text.fold(name), *(text.fold(w) for w in words.values())}
        if level <= 8 and any(f" {name} " in f" {wanted} " for name in called if name):  # "Ville de Monaco" is Monaco
            return str(source)
    cursor.execute(
        f"""
        SELECT b.source FROM boundary b
        LEFT JOIN (SELECT ST_SetSRID(ST_PointOnSurface(geom), 4326) AS p FROM {stage} WHERE layer = 'buildings' LIMIT 2000) f
            ON ST_Intersects(b.geom, f.p)
        GROUP BY b.source, b.admin_level, b.geom
        ORDER BY abs(b.admin_level - 8),
            (SELECT count(*) FROM boundary d WHERE d.admin_level > b.admin_level AND ST_Intersects(b.geom, ST_PointOnSurface(d.geom))) DESC,
            count(f.p) DESC, ST_Area(b.geom) DESC LIMIT 1
        """
    )
    row = cursor.fetchone()
    return row[0] if row else None


def _parents(cursor: Any) -> None:
    """Each zone's parent is the smallest zone of a wider level that holds most of it."""
    cursor.execute(
        """
        UPDATE territory_zone z SET parent_id = (
            SELECT p.id FROM territory_zone p
            WHERE p.closed IS NULL AND p.level < z.level AND p.geom && z.geom
              AND ST_Intersects(p.geom, ST_PointOnSurface(z.geom))
            ORDER BY p.level DESC, p.id LIMIT 1)
        WHERE z.closed IS NULL AND z.level > 0 AND NOT z.edited
        """
    )


def topology() -> list[dict[str, str]]:
    """How the zones in force fail to fit: overlaps of neighbours and parts outside the parent, over 1% of the smaller one,
    and holes of a parent that no child covers. Each {"line": zones, "reason": sentence}."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.name, b.name, ST_Area(ST_Intersection(a.geom, b.geom)::geography)
            FROM territory_zone a JOIN territory_zone b ON a.level = b.level AND a.id < b.id AND a.geom && b.geom
            WHERE a.closed IS NULL AND b.closed IS NULL
              AND ST_Area(ST_Intersection(a.geom, b.geom)) > 0.01 * LEAST(ST_Area(a.geom), ST_Area(b.geom))
            """
        )
        for one, other, area in cursor.fetchall():
            words = _("%(one)s and %(other)s overlap by %(area)d m².")
            found.append({"line": f"{one} / {other}", "reason": words % {"one": one, "other": other, "area": area}})
        cursor.execute(
            """
            SELECT z.name, p.name, ST_Area(ST_Difference(z.geom, p.geom)::geography)
            FROM territory_zone z JOIN territory_zone p ON p.id = z.parent_id
            WHERE z.closed IS NULL AND ST_Area(ST_Difference(z.geom, p.geom)) > 0.01 * ST_Area(z.geom)
            """
        )
        for one, other, area in cursor.fetchall():
            words = _("%(one)s goes %(area)d m² beyond %(other)s.")
            found.append({"line": one, "reason": words % {"one": one, "other": other, "area": area}})
        cursor.execute(
            """
            SELECT p.name, ST_Area(ST_Difference(p.geom, ST_Union(z.geom))::geography)
            FROM territory_zone p JOIN territory_zone z ON z.parent_id = p.id AND z.closed IS NULL
            WHERE p.closed IS NULL GROUP BY p.id
            HAVING ST_Area(ST_Difference(p.geom, ST_Union(z.geom))) > 0.01 * ST_Area(p.geom)
            """
        )
        for name, area in cursor.fetchall():
            words = _("%(area)d m² of %(name)s are in none of its zones.")
            found.append({"line": name, "reason": words % {"name": name, "area": area}})
    return found
