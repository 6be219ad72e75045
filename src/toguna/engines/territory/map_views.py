"""The public map: a drawing made here for everyone, and the interactive map for those who open it.

No outside call: tiles, style, pictograms and the library come from this site; letters are drawn by the browser.
"""

from __future__ import annotations

import json
from typing import Any

from csp.decorators import csp_replace
from django.db import connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt

from toguna.engines.territory import zones
from toguna.engines.territory.geocode import geocode, reverse
from toguna.engines.territory.kinds import Kind, kinds
from toguna.engines.territory.models import Feature, Layer
from toguna.engines.territory.points import plus_code, read_point
from toguna.engines.territory.tiles import TileLayer
from toguna.kernel import registry
from toguna.kernel.web import public

LIGHT = {
    "ground": "#f4ecdf", "green": "#dbe3c5", "field": "#ebe3b8", "built": "#eee2d3", "sand": "#f1e3bf", "water": "#a9cbdc",
    "building": "#d9c6ae", "edge": "#c4ad92", "road": "#ffffff", "major": "#f6cf87", "casing": "#cdb99e", "zone": "#7a4327",
    "ink": "#2b241e", "halo": "#fffdf9", "place": "#1f2a5c", "facility": "#33418a",
}  # fmt: skip
DARK = {
    "ground": "#1b1815", "green": "#232a1c", "field": "#2b2919", "built": "#231e19", "sand": "#2e2818", "water": "#1c3442",
    "building": "#3a3028", "edge": "#52453a", "road": "#4a4038", "major": "#7a5c2a", "casing": "#131110", "zone": "#d99a6f",
    "ink": "#efe6da", "halo": "#16130f", "place": "#c5ccfb", "facility": "#a9b5f5",
}  # fmt: skip
MAJOR = ["motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link"]
MIDDLE = [
    "tertiary",
    "tertiary_link",
    "unclassified",
    "residential",
    "living_street",
    "road",
    "pedestrian",
    "construction",
]
GREEN = [
    "forest",
    "wood",
    "park",
    "garden",
    "grass",
    "meadow",
    "scrub",
    "grassland",
    "cemetery",
    "nature_reserve",
    "village_green",
    "recreation_ground",
    "golf_course",
    "pitch",
    "playground",
    "stadium",
]
FIELD = ["farmland", "farmyard", "orchard", "allotments", "plant_nursery", "greenhouse_horticulture", "vineyard"]


@public
def style(request: HttpRequest) -> JsonResponse:
    """The MapLibre style of the town's own data. ?theme=dark"""
    c = DARK if request.GET.get("theme") == "dark" else LIGHT
    icons = {k.kind: k.icon for k in kinds().values()} | {"mosque": "mosque", "church": "church"}
    icon_of: list[Any] = ["match", ["get", "kind"]]
    for kind, icon in icons.items():
        icon_of += [kind, f"{icon}"]
    icon_of.append("pin")
    weights = {k.kind: k.weight for k in kinds().values()} | {"mosque": 75, "church": 70}
    weight_of: list[Any] = ["match", ["get", "kind"], *(v for kv in weights.items() for v in kv), 20]

    def layer(name: str, kind: str, source: str, paint: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"id": name, "type": kind, "source": "town", "source-layer": source, "paint": paint, **more}

    def wide(*stops: float) -> list[Any]:
        return ["interpolate", ["exponential", 1.5], ["zoom"], *stops]

    text = {"text-font": ["sans-serif"], "text-max-width": 8}
    halo = {"text-color": c["ink"], "text-halo-color": c["halo"], "text-halo-width": 1.4}
    layers = [
        {"id": "ground", "type": "background", "paint": {"background-color": c["ground"]}},
        layer("landuse", "fill", "landuse", {"fill-color": ["match", ["get", "kind"], GREEN, c["green"], FIELD, c["field"], ["sand", "beach", "wetland"], c["sand"], c["built"]], "fill-antialias": False}),
        layer("water", "fill", "water", {"fill-color": c["water"]}, filter=["==", ["geometry-type"], "Polygon"]),
        layer("streams", "line", "water", {"line-color": c["water"], "line-width": wide(8, 0.6, 18, 6)}, filter=["==", ["geometry-type"], "LineString"]),
        layer("buildings", "fill", "buildings", {"fill-color": c["building"], "fill-outline-color": c["edge"]}, minzoom=14),
        layer("paths", "line", "streets", {"line-color": c["casing"], "line-width": wide(13, 0.5, 18, 2), "line-dasharray": [2, 1.5]}, minzoom=13, filter=["!", ["in", ["get", "kind"], ["literal", MAJOR + MIDDLE]]]),
        layer("streets-edge", "line", "streets", {"line-color": c["casing"], "line-width": wide(11, 0.6, 14, 3, 18, 17)}, filter=["in", ["get", "kind"], ["literal", MIDDLE]], layout={"line-cap": "round", "line-join": "round"}),
        layer("major-edge", "line", "streets", {"line-color": c["casing"], "line-width": wide(8, 1.4, 14, 6, 18, 26)}, filter=["in", ["get", "kind"], ["literal", MAJOR]], layout={"line-cap": "round", "line-join": "round"}),
        layer("streets", "line", "streets", {"line-color": c["road"], "line-width": wide(11, 0.3, 14, 2, 18, 14)}, filter=["in", ["get", "kind"], ["literal", MIDDLE]], layout={"line-cap": "round", "line-join": "round"}),
        layer("major", "line", "streets", {"line-color": c["major"], "line-width": wide(8, 0.8, 14, 4.5, 18, 22)}, filter=["in", ["get", "kind"], ["literal", MAJOR]], layout={"line-cap": "round", "line-join": "round"}),
        layer("zones", "line", "zones", {"line-color": c["zone"], "line-width": ["match", ["get", "level"], 0, 2.2, 1.2], "line-dasharray": [4, 2], "line-opacity": 0.75}),
        layer("street-names", "symbol", "streets", halo, minzoom=14, filter=["!=", ["get", "name"], ""], layout={**text, "symbol-placement": "line", "text-field": ["get", "name"], "text-size": 12}),
        layer("facilities", "symbol", "facilities", {**halo, "text-color": c["facility"]}, minzoom=14, layout={
            **text, "icon-image": icon_of, "icon-size": 0.5, "text-field": ["step", ["zoom"], "", 15, ["get", "name"]], "text-size": 11.5,
            "text-offset": [0, 1.1], "text-anchor": "top", "text-optional": True, "symbol-sort-key": ["-", 100, weight_of]}),
        layer("house-numbers", "symbol", "addresses", halo, minzoom=17, layout={**text, "text-field": ["get", "name"], "text-size": 10}),
        layer("place-names", "symbol", "places", {**halo, "text-color": c["place"]}, maxzoom=16, layout={**text, "text-field": ["get", "name"], "text-size": 13}),
    ]  # fmt: skip
    for declared in registry.declared(TileLayer):
        if declared.permission:
            continue
        layers.append({"id": f"extra-{declared.name}", "type": "circle", "source": declared.name, "source-layer": declared.name, "layout": {"visibility": "none"}, "paint": {
            "circle-color": "#c8501e", "circle-stroke-color": "#fff", "circle-stroke-width": 1.5, "circle-opacity": 0.9,
            "circle-radius": ["case", ["has", "n"], ["interpolate", ["linear"], ["ln", ["+", 1, ["get", "n"]]], 0, 4, 7, 24], 6]}})  # fmt: skip
        layers.append({"id": f"extra-{declared.name}-n", "type": "symbol", "source": declared.name, "source-layer": declared.name, "filter": ["has", "n"], "layout": {
            "visibility": "none", "text-field": ["to-string", ["get", "n"]], "text-size": 11, "text-font": ["sans-serif"]}, "paint": {"text-color": "#fff"}})  # fmt: skip
    root = request.build_absolute_uri("/").rstrip("/")

    def source(name: str, most: int = 16) -> dict[str, Any]:
        return {"type": "vector", "tiles": [f"{root}/tiles/{name}/{{z}}/{{x}}/{{y}}.mvt"], "maxzoom": most}

    bounds = zones.town_bounds()
    town = {**source("basemap"), "attribution": _("© OpenStreetMap contributors")}
    value = {
        "version": 8,
        "name": "Toguna",
        "sources": {"town": town} | {d.name: source(d.name) for d in registry.declared(TileLayer) if not d.permission},
        "layers": layers,
        # For map.js: what MapLibre says and what a kind is called, in the reader's language.
        "metadata": {
            "toguna:words": {
                "Map.Title": _("Map. Arrow keys move it, plus and minus change its scale."),
                "NavigationControl.ZoomIn": _("Closer"),
                "NavigationControl.ZoomOut": _("Farther"),
                "GeolocateControl.FindMyLocation": _("Where I am"),
                "GeolocateControl.LocationNotAvailable": _("This device does not say where it is"),
                "AttributionControl.ToggleAttribution": _("Who made the data"),
                "Popup.Close": _("Close"),
                "Marker.Title": _("The place"),
                "CooperativeGesturesHandler.WindowsHelpText": _(
                    "Hold Ctrl while you turn the wheel, to change the scale"
                ),
                "CooperativeGesturesHandler.MacHelpText": _("Hold ⌘ while you turn the wheel, to change the scale"),
                "CooperativeGesturesHandler.MobileHelpText": _("Use two fingers to move the map"),
                "fails": _(
                    "The map cannot be drawn here: the network is cut, or this device cannot. The page says the same in words."
                ),
                "place": _("A place"),
            },
            "toguna:kinds": {kind: found.name for kind, found in kinds().items()},
        },
    }
    if bounds:
        value["center"] = [(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]
        value["zoom"] = 13
    return JsonResponse(value, json_dumps_params={"ensure_ascii": False})


def setup(request: HttpRequest) -> dict[str, Any]:
    """What map.js needs to know, as attributes."""
    bounds = zones.town_bounds()
    return {
        "maplibre": static("vendor/maplibre/maplibre-gl.mjs"),
        "worker": static("vendor/maplibre/maplibre-gl-worker.mjs"),
        "css": static("vendor/maplibre/maplibre-gl.css"),
        "bounds": json.dumps(bounds) if bounds else "",
    }


@public
def page(request: HttpRequest) -> HttpResponse:
    """?at=lat,lon marks a place; ?q= finds one. The address of the map (#zoom/lat/lon) can be kept and shared."""
    query = request.GET.get("q", "")[:200]
    at = read_point(request.GET.get("at", "")) if request.GET.get("at") else None
    hits = geocode(query, limit=5) if query else []
    if at is None and hits:
        at = (hits[0].lon, hits[0].lat)
    extra = [
        {"name": d.name, "title": d.title, "icon": d.icon} for d in registry.declared(TileLayer) if not d.permission
    ]
    own = [layer for layer in Layer.objects.filter(public=True).order_by("slug") if layer.slug not in DRAWN]
    values = {
        "query": query,
        "hits": hits,
        "at": at,
        "at_words": reverse(*at) if at else "",
        "plus": plus_code(*at) if at else "",
        "extra": extra,
        "own": own,
        "drawing": drawing(),
        "districts": zones.districts(),
        "facilities": facilities(),
        "today": timezone.localdate(),
        "embed_code": f'<iframe src="{request.build_absolute_uri("/map/embed")}" width="600" height="400" title="{escape(_("Map"))}"></iframe>',
        **setup(request),
    }
    return render(request, "territory/map.html", values)


def facilities() -> list[tuple[Kind, int]]:
    """(kind, how many) of what stands in the town, the best known first: a map in words. One statement."""
    counted = (
        Feature.objects.filter(layer__slug="facilities", layer__public=True, valid_to=None)
        .exclude(kind="")
        .values_list("kind")
        .annotate(n=Count("id"))
    )
    known = kinds()
    found = [(known[kind], n) for kind, n in counted if kind in known]
    return sorted(found, key=lambda item: (-item[0].weight, -item[1]))[:24]


DRAWN = {"landuse", "water", "buildings", "streets", "places", "addresses", "facilities"}


@public
@csp_replace({"frame-ancestors": ["*"]})
@xframe_options_exempt
def embed(request: HttpRequest) -> HttpResponse:
    """The map alone, for other sites."""
    at = read_point(request.GET.get("at", "")) if request.GET.get("at") else None
    return render(request, "territory/embed.html", {"drawing": drawing(), "at": at, **setup(request)})


_DRAWING = """
WITH b AS (SELECT ST_Extent(geom)::box2d AS e FROM territory_zone WHERE closed IS NULL AND level = (SELECT min(level) FROM territory_zone WHERE closed IS NULL)),
s AS (SELECT ST_XMin(e) AS w, ST_YMax(e) AS n, 1000 / GREATEST(1e-9, ST_XMax(e) - ST_XMin(e)) AS kx,
      1000 / GREATEST(1e-9, ST_XMax(e) - ST_XMin(e)) / cos(radians((ST_YMax(e) + ST_YMin(e)) / 2)) AS ky, ST_SetSRID(e::geometry, 4326) AS box,
      (ST_YMax(e) - ST_YMin(e)) * 1000 / GREATEST(1e-9, ST_XMax(e) - ST_XMin(e)) / cos(radians((ST_YMax(e) + ST_YMin(e)) / 2)) AS high
      FROM b WHERE e IS NOT NULL),
things AS (
    SELECT 'water' AS what, '' AS name, f.geom FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id, s
    WHERE l.slug = 'water' AND l.public AND f.valid_to IS NULL AND ST_Dimension(f.geom) = 2 AND f.geom && s.box AND ST_Area(f.geom) * s.kx * s.ky > 30
    UNION ALL
    SELECT 'road', '', ST_LineMerge(ST_Collect(f.geom)) FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id, s
    WHERE l.slug = 'streets' AND l.public AND f.valid_to IS NULL AND f.geom && s.box AND f.kind IN ('motorway', 'trunk', 'primary', 'secondary', 'tertiary')
    UNION ALL
    SELECT 'zone', z.name, z.geom FROM territory_zone z WHERE z.closed IS NULL AND z.level > 0
    UNION ALL
    SELECT 'town', z.name, z.geom FROM territory_zone z WHERE z.closed IS NULL AND z.level = 0
)
SELECT what, name, high, ST_AsSVG(g, 1, 0), (ST_X(c))::int, (-ST_Y(c))::int, ST_XMax(g) - ST_XMin(g) FROM (
    SELECT what, name, s.high, g, CASE WHEN what = 'zone' THEN ST_PointOnSurface(g) END AS c FROM things, s,
    LATERAL (SELECT ST_SimplifyPreserveTopology(ST_Affine(ST_SetSRID(geom, 0), s.kx, 0, 0, s.ky, -s.w * s.kx, -s.n * s.ky), 1.6) AS g) x
) y WHERE NOT ST_IsEmpty(g)
"""


def drawing() -> SafeString:
    """The town as an SVG of a few kilobytes: limits, water, main roads, names of districts. "" before any boundary is known."""
    with connection.cursor() as cursor:
        cursor.execute(_DRAWING)
        rows = cursor.fetchall()
    if not rows:
        return mark_safe("")
    high = int(rows[0][2]) + 1
    order = {"town": 0, "water": 1, "zone": 2, "road": 3}
    parts = [
        f'<svg class="drawing" viewBox="0 0 1000 {high}" role="img" aria-label="{escape(_("Map of the town and its districts"))}">'
    ]
    labels = []
    for what, name, _high, path, x, y, width in sorted(rows, key=lambda row: order[row[0]]):
        parts.append(f'<path class="d-{what}" d="{path}"/>')
        if what == "zone":
            size = max(13, min(26, int(width / max(4, len(name)) * 1.5)))
            labels.append(
                f'<text class="d-name" x="{x}" y="{y}" font-size="{size}" text-anchor="middle">{escape(name)}</text>'
            )
    return mark_safe("".join([*parts, *labels, "</svg>"]))  # noqa: S308 - names were escaped, paths are PostGIS's own
