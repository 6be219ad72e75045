"""What planners ask of layers: buffer, intersect, within, nearest, count and density by zone. Set-based; the answer is a
layer like any other. Metres are metres on the ground (geography), never degrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.territory.models import Layer
from toguna.kernel import access, audit
from toguna.kernel.access import Actor

MOST_METRES = 50_000
TIMEOUT = "120s"


class Refused(Exception):
    """The analysis is not made; str() is a sentence for the person."""


@dataclass(frozen=True)
class Analysis:
    """sql: SELECT source, name, kind, attrs, geom; %(a)s, %(b)s: layers' ids, %(metres)s. needs: "b", "metres"."""

    name: str
    title: Any
    sql: str
    needs: frozenset[str] = frozenset()


_A = "territory_feature a WHERE a.layer_id = %(a)s::bigint AND a.valid_to IS NULL"
_JOIN = "territory_feature a JOIN territory_feature b ON b.layer_id = %(b)s::bigint AND b.valid_to IS NULL AND {on} WHERE a.layer_id = %(a)s::bigint AND a.valid_to IS NULL"

ANALYSES: dict[str, Analysis] = {
    a.name: a
    for a in (
        Analysis(
            "buffer",
            gettext_lazy("All that is within some metres of each feature"),
            f"SELECT a.source, a.name, a.kind, a.attrs, ST_Buffer(a.geom::geography, %(metres)s)::geometry AS geom FROM {_A}",
            frozenset({"metres"}),
        ),
        Analysis(
            "intersect",
            gettext_lazy("The parts that two layers have in common"),
            "SELECT a.source || '∩' || b.source AS source, a.name, a.kind, a.attrs || jsonb_build_object('with', b.name) AS attrs, "
            "ST_Intersection(a.geom, b.geom) AS geom FROM " + _JOIN.format(on="ST_Intersects(a.geom, b.geom)"),
            frozenset({"b"}),
        ),
        Analysis(
            "within",
            gettext_lazy("The features of the first layer that lie inside one of the second"),
            "SELECT DISTINCT ON (a.source) a.source, a.name, a.kind, a.attrs, a.geom FROM "
            + _JOIN.format(on="ST_Covers(b.geom, a.geom)")
            + " ORDER BY a.source",
            frozenset({"b"}),
        ),
        Analysis(
            "near",
            gettext_lazy("The features of the first layer within some metres of one of the second"),
            "SELECT DISTINCT ON (a.source) a.source, a.name, a.kind, a.attrs, a.geom FROM "
            # The degrees of the first test are generous; the second measures on the ground.
            + _JOIN.format(
                on="ST_Expand(b.geom, %(metres)s / 111320.0 / GREATEST(0.01, cos(radians(LEAST(89, abs(ST_YMax(b.geom))))))) && a.geom "
                "AND ST_DWithin(a.geom::geography, b.geom::geography, %(metres)s)"
            )
            + " ORDER BY a.source",
            frozenset({"b", "metres"}),
        ),
        Analysis(
            "nearest",
            gettext_lazy("For each feature of the first layer, the nearest of the second and how far it is"),
            "SELECT a.source, a.name, a.kind, a.attrs || jsonb_build_object('nearest', n.name, 'metres', round(n.metres)) AS attrs, a.geom "
            "FROM territory_feature a CROSS JOIN LATERAL (SELECT b.name, ST_Distance(a.geom::geography, b.geom::geography) AS metres "
            "FROM territory_feature b WHERE b.layer_id = %(b)s::bigint AND b.valid_to IS NULL ORDER BY b.geom <-> a.geom LIMIT 1) n "
            "WHERE a.layer_id = %(a)s::bigint AND a.valid_to IS NULL",
            frozenset({"b"}),
        ),
        Analysis(
            "count",
            gettext_lazy("How many in each district, and how many to the square kilometre"),
            "SELECT 'zone:' || z.id AS source, z.name, 'zone' AS kind, jsonb_build_object('count', count(a.id), "
            "'per_km2', round((count(a.id) / NULLIF(ST_Area(z.geom::geography) / 1e6, 0))::numeric, 2)) AS attrs, z.geom "
            "FROM territory_zone z LEFT JOIN territory_feature a ON a.layer_id = %(a)s::bigint AND a.valid_to IS NULL "
            "AND ST_Intersects(z.geom, a.geom) AND ST_Intersects(z.geom, ST_PointOnSurface(a.geom)) "
            "WHERE z.closed IS NULL AND z.level = (SELECT max(level) FROM territory_zone WHERE closed IS NULL AND level <= 2) GROUP BY z.id",
        ),
    )
}


@transaction.atomic
def run(name: str, title: str, a: Layer, *, by: Actor, b: Layer | None = None, metres: float | None = None) -> Layer:
    """Makes a new layer, not public, with the answer. Raises Refused when something is missing or it takes over two minutes."""
    access.require(by, "territory.edit", anywhere=True)
    analysis = ANALYSES.get(name)
    if analysis is None:
        raise Refused(_("There is no such analysis."))
    if "b" in analysis.needs and b is None:
        raise Refused(_("Choose the second layer."))
    if "metres" in analysis.needs and not (metres and 0 < metres <= MOST_METRES):
        raise Refused(_("Give a distance from 1 to %(most)d metres.") % {"most": MOST_METRES})
    title = title.strip() or str(analysis.title)
    layer = Layer.objects.create(
        slug=_free(slugify(title)[:50] or name),
        names={"": title},
        geometry=Layer.Geometry.MIXED,
        public=False,
        icon="layers",
    )
    values = {"a": a.pk, "b": b.pk if b else None, "metres": metres, "layer": layer.pk}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [TIMEOUT])
            cursor.execute(
                f"""
                INSERT INTO territory_feature (layer_id, source, name, names, kind, attrs, geom, edited)
                SELECT %(layer)s, left(source, 120), name, '{{}}', kind, attrs, geom, false FROM ({analysis.sql}) q
                WHERE NOT ST_IsEmpty(geom) ON CONFLICT DO NOTHING
                """,
                values,
            )
            cursor.execute("SET LOCAL statement_timeout = 0")
    except OperationalError as error:
        raise Refused(_("This takes too long on these layers: choose a smaller distance or smaller layers.")) from error
    audit.record(by, "territory.analyse", f"territory.layer:{layer.pk}", analysis=name)
    return layer


def _free(slug: str) -> str:
    taken = set(Layer.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
    return next(s for s in (slug, *(f"{slug}-{n}" for n in range(2, 10_000))) if s not in taken)
