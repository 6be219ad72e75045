"""OGC API - Features (Part 1 core, GeoJSON, OpenAPI 3): the town's public layers and zones, for QGIS, GDAL and the like.

Pages go by key, never by offset: the `next` link holds the last id, so that the thousandth page is as quick as the first.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from toguna.engines.territory import zones
from toguna.engines.territory.layers import OSM_CREDIT, public_layers
from toguna.engines.territory.models import Zone
from toguna.kernel import town
from toguna.kernel.web import public

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMANCE = [
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
]
LIMIT, MOST = 100, 10_000


class Bad(Exception):
    """A parameter that cannot be understood: answered 400 with this sentence."""


@dataclass(frozen=True)
class Collection:
    """A public set of features. source: its table with a condition; attributes: SQL that makes its properties, as jsonb."""

    id: str
    title: str
    table: str
    condition: str
    values: tuple[Any, ...]
    properties: str
    count: str  # SQL of how many there are, with the same values
    credit: str = ""


def collections() -> list[Collection]:
    osm_zones = Zone.objects.filter(source__startswith="osm:", closed=None).exists()
    found = [
        Collection(
            "zones",
            _("Zones of the town"),
            "territory_zone",
            "closed IS NULL",
            (),
            "jsonb_build_object('name', name, 'level', level, 'parent', parent_id, 'source', source) || jsonb_build_object('names', names)",
            "SELECT count(*) FROM territory_zone WHERE closed IS NULL",
            OSM_CREDIT if osm_zones else "",
        )
    ]
    found += [
        Collection(
            layer.slug,
            layer.name,
            "territory_feature",
            "layer_id = %s::bigint AND valid_to IS NULL",
            (layer.id,),
            "attrs || jsonb_build_object('name', name, 'kind', kind, 'source', source)",
            # The grid of the tiles holds exact counts: some hundreds of cells to add up, not a million rows.
            "SELECT COALESCE(sum(n), 0) FROM territory_grid WHERE layer_id = %s",
            layer.attribution,
        )
        for layer in public_layers()
    ]
    return found


def _collection(name: str) -> Collection:
    found = next((c for c in collections() if c.id == name), None)
    if found is None:
        raise Http404
    return found


def _wants_html(request: HttpRequest) -> bool:
    asked = request.GET.get("f", "")
    return asked == "html" or (not asked and "text/html" in request.headers.get("Accept", ""))


def _answer(
    request: HttpRequest, values: dict[str, Any], title: str, content: str = "application/json"
) -> HttpResponse:
    if _wants_html(request):
        return render(
            request, "territory/ogc.html", {"title": title, "values": values, "links": values.get("links", [])}
        )
    response = JsonResponse(values, content_type=content, json_dumps_params={"ensure_ascii": False})
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _base(request: HttpRequest) -> str:
    return request.build_absolute_uri("/ogc")


def _link(href: str, rel: str, kind: str = "application/json", title: str = "") -> dict[str, str]:
    return {"href": href, "rel": rel, "type": kind, **({"title": title} if title else {})}


@public
def landing(request: HttpRequest) -> HttpResponse:
    base = _base(request)
    values = {
        "title": town.current().name,
        "description": _("The town's map data, as OGC API Features."),
        "links": [
            _link(f"{base}/", "self"),
            _link(f"{base}/?f=html", "alternate", "text/html"),
            _link(f"{base}/api", "service-desc", "application/vnd.oai.openapi+json;version=3.0"),
            _link(f"{base}/conformance", "conformance"),
            _link(f"{base}/collections", "data"),
        ],
    }
    return _answer(request, values, town.current().name)


@public
def conformance(request: HttpRequest) -> HttpResponse:
    return _answer(request, {"conformsTo": CONFORMANCE}, "Conformance")


def _describe(request: HttpRequest, c: Collection, extent: list[float] | None) -> dict[str, Any]:
    base = _base(request)
    values: dict[str, Any] = {
        "id": c.id,
        "title": c.title,
        "itemType": "feature",
        "crs": [CRS84],
        "links": [
            _link(f"{base}/collections/{c.id}", "self"),
            _link(f"{base}/collections/{c.id}/items", "items", "application/geo+json", c.title),
            _link(f"{base}/collections/{c.id}/items?f=html", "items", "text/html", c.title),
        ],
    }
    if c.credit:
        values["attribution"] = c.credit
    if OSM_CREDIT in c.credit:  # what the town drew itself has the town's own terms, under /data/
        values["links"].append(_link("https://opendatacommons.org/licenses/odbl/1-0/", "license", "text/html"))
    if extent:
        values["extent"] = {"spatial": {"bbox": [extent], "crs": CRS84}}
    return values


def _extent() -> list[float] | None:
    bounds = zones.town_bounds()
    return list(bounds) if bounds else None


@public
def collection_list(request: HttpRequest) -> HttpResponse:
    extent = _extent()
    values = {
        "collections": [_describe(request, c, extent) for c in collections()],
        "links": [_link(f"{_base(request)}/collections", "self")],
    }
    return _answer(request, values, _("Collections"))


@public
def collection(request: HttpRequest, name: str) -> HttpResponse:
    found = _collection(name)
    return _answer(request, _describe(request, found, _extent()), found.title)


def _bbox(text: str) -> tuple[float, float, float, float]:
    try:
        values = [float(v) for v in text.split(",")]
    except ValueError:
        values = []
    if len(values) == 6:
        values = [values[0], values[1], values[3], values[4]]
    if len(values) != 4 or not all(abs(v) <= 360 for v in values) or values[1] > values[3]:
        raise Bad(_("bbox is four numbers: west,south,east,north in degrees."))
    return (values[0], values[1], values[2], values[3])


def _number(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Bad(_("%(name)s is a whole number.") % {"name": name})
    return int(text)


_MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2}))?$")


def _datetime(text: str) -> None:
    """Checked only: these collections show what is in force and have no dates of their own, so that every feature is taken."""
    wrong = Bad(_("datetime is a date and time such as 2026-11-23T00:00:00Z, or two with / between them."))
    start, slash, end = text.partition("/")
    known = [moment for moment in ([start, end] if slash else [start]) if not (slash and moment in ("", ".."))]
    try:
        days = [date.fromisoformat(moment[:10]) for moment in known if _MOMENT.match(moment)]
    except ValueError:
        raise wrong from None
    if len(days) < len(known) or days != sorted(days):
        raise wrong


# What is no property filter.
_RESERVED = {"bbox", "bbox-crs", "crs", "limit", "after", "f", "datetime", "lang", "offset"}


@public
def items(request: HttpRequest, name: str) -> HttpResponse:
    """?bbox= &limit= &name= or any property &after= (opaque, from the `next` link)."""
    found = _collection(name)
    get = request.GET
    try:
        limit = min(MOST, _number(get.get("limit", str(LIMIT)), "limit"))
        if not limit:
            raise Bad(_("%(name)s is a whole number.") % {"name": "limit"})
        where, values = [found.condition], list(found.values)
        if box := get.get("bbox"):
            west, south, east, north = _bbox(box)
            if west > east:  # across the date line
                where.append(
                    "(geom && ST_MakeEnvelope(%s, %s, 180, %s, 4326) OR geom && ST_MakeEnvelope(-180, %s, %s, %s, 4326))"
                )
                values += [west, south, north, south, east, north]
            else:
                where.append("geom && ST_MakeEnvelope(%s, %s, %s, %s, 4326)")
                values += [west, south, east, north]
        for key in get:
            if key not in _RESERVED:
                where.append(f"({found.properties}) ->> %s = %s")
                values += [key, get[key]]
        if "datetime" in get:
            _datetime(get["datetime"])
        after = _number(get["after"], "after") if get.get("after") else 0
        if request.GET.get("crs", CRS84) != CRS84:
            raise Bad(_("Only the coordinate system CRS84 is offered."))
    except Bad as error:
        return JsonResponse({"code": "InvalidParameterValue", "description": str(error)}, status=400)
    statement = (
        f"SELECT id, ST_AsGeoJSON(geom, 7), ({found.properties})::text FROM {found.table} "
        f"WHERE {' AND '.join(where)} AND id > %s ORDER BY id LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, after, limit + 1])
        rows = cursor.fetchall()
        whole = not after and set(get) <= {"limit", "f", "crs", "lang", "datetime"}
        if whole:  # a count that costs nothing; filtered ones would cost more than the page
            cursor.execute(found.count, found.values)
            matched = {"numberMatched": int(cursor.fetchone()[0])}
        else:
            matched = {}
    more = len(rows) > limit
    rows = rows[:limit]
    kept = {k: v for k, v in get.items() if k != "after"}
    here = f"{_base(request)}/collections/{found.id}/items"
    links = [_link(f"{here}?{urlencode(get.dict())}" if get else here, "self", "application/geo+json")]
    if more:
        links.append(
            _link(f"{here}?{urlencode({**kept, 'limit': limit, 'after': rows[-1][0]})}", "next", "application/geo+json")
        )
    if _wants_html(request):
        features = [{"id": r[0], **json.loads(r[2])} for r in rows]
        return render(
            request,
            "territory/ogc_items.html",
            {"title": found.title, "features": features, "links": links, "more": more},
        )

    def body() -> Any:
        yield (
            json.dumps({"type": "FeatureCollection", **matched, "numberReturned": len(rows), "links": links})[:-1]
            + ', "features": ['
        )
        for index, (pk, geometry, properties) in enumerate(rows):
            comma = ",\n" if index else "\n"
            yield f'{comma}{{"type": "Feature", "id": {pk}, "geometry": {geometry}, "properties": {properties}}}'
        yield "\n]}"

    response = HttpResponse("".join(body()), content_type="application/geo+json")
    response["Content-Crs"] = f"<{CRS84}>"
    response["Access-Control-Allow-Origin"] = "*"
    return response


@public
def item(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    found = _collection(name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ST_AsGeoJSON(geom, 7), ({found.properties})::text FROM {found.table} WHERE {found.condition} AND id = %s",
            [*found.values, pk],
        )
        row = cursor.fetchone()
    if row is None:
        raise Http404
    base = f"{_base(request)}/collections/{found.id}"
    values = {
        "type": "Feature",
        "id": pk,
        "geometry": json.loads(row[0]),
        "properties": json.loads(row[1]),
        "links": [_link(f"{base}/items/{pk}", "self", "application/geo+json"), _link(base, "collection")],
    }
    return _answer(request, values, f"{found.title} {pk}", "application/geo+json")


@public
def api(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.0 definition."""

    def get(summary: str, *parameters: dict[str, Any]) -> dict[str, Any]:
        return {
            "get": {"summary": summary, "parameters": list(parameters), "responses": {"200": {"description": "OK"}}}
        }

    def parameter(name: str, kind: dict[str, Any], where: str = "query") -> dict[str, Any]:
        return {
            "name": name,
            "in": where,
            "required": where == "path",
            "schema": kind,
            "style": "form" if where == "query" else "simple",
            "explode": False,
        }

    which = parameter("collectionId", {"type": "string", "enum": [c.id for c in collections()]}, "path")
    values = {
        "openapi": "3.0.3",
        "info": {"title": town.current().name, "version": "1"},
        "servers": [{"url": _base(request)}],
        "paths": {
            "/": get("Landing page"),
            "/conformance": get("Conformance"),
            "/collections": get("Collections"),
            "/collections/{collectionId}": get("Collection", which),
            "/collections/{collectionId}/items": get(
                "Features",
                which,
                parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}),
                parameter("bbox", {"type": "array", "minItems": 4, "maxItems": 6, "items": {"type": "number"}}),
                parameter("datetime", {"type": "string"}),
            ),
            "/collections/{collectionId}/items/{featureId}": get(
                "Feature", which, parameter("featureId", {"type": "integer"}, "path")
            ),
        },
    }
    response = JsonResponse(values, content_type="application/vnd.oai.openapi+json;version=3.0")
    response["Access-Control-Allow-Origin"] = "*"
    return response
