"""`/search?q=`: a place, for people (HTML) and for programs (GeoJSON)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from toguna.engines.territory.geocode import geocode
from toguna.engines.territory.kinds import kind
from toguna.engines.territory.points import plus_code, read_point
from toguna.kernel import text
from toguna.kernel.web import public


@public
def search(request: HttpRequest) -> HttpResponse:
    """?q= what is looked for; &near=lat,lon; &format=json (or Accept: application/json) answers a GeoJSON FeatureCollection."""
    query = text.clean(request.GET.get("q", ""))[:200]
    near = read_point(request.GET.get("near", "")) if request.GET.get("near") else None
    hits = geocode(query, near=near, limit=12)
    wants_json = request.GET.get("format") == "json" or "json" in request.headers.get("Accept", "").split(",")[0]
    if wants_json:
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [hit.lon, hit.lat]},
                "properties": {
                    "label": hit.label,
                    "detail": hit.detail,
                    "kind": hit.kind,
                    "score": hit.score,
                    "sure": hit.sure,
                },
            }
            for hit in hits
        ]
        return JsonResponse(
            {"type": "FeatureCollection", "features": features}, json_dumps_params={"ensure_ascii": False}
        )
    rows = [
        {
            "hit": hit,
            "icon": (
                found.icon
                if (found := kind(hit.kind))
                else {"zone": "zone", "mosque": "mosque", "church": "church"}.get(hit.kind, "pin")
            ),
            "plus": plus_code(hit.lon, hit.lat),
            "at": f"{hit.lat:.6f},{hit.lon:.6f}",
        }
        for hit in hits
    ]
    return render(request, "territory/search.html", {"query": query, "rows": rows})
