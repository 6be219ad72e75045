"""/api/v1/routing: a way from place to place, what is reached in so many minutes, and which roads are closed, for programs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

from django.contrib.gis.geos import GEOSGeometry
from django.http import HttpRequest, JsonResponse
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from toguna.engines.territory.points import read_point
from toguna.engines.territory.routing import desk_views, routes
from toguna.engines.territory.routing.client import NoRoute, RoutingUnavailable
from toguna.engines.territory.routing.modes import Mode
from toguna.kernel import limits

router = Router(tags=["routing"])
# A whole town may share one address: wide for it, and a ceiling for all.
A_MINUTE, ALL_A_MINUTE, MINUTE = 300, 1500, timedelta(minutes=1)
MOST_POINTS = 20


class StepOut(Schema):
    words: str = Field(description="what to do, in the language of the request")
    metres: int
    seconds: int
    point: tuple[float, float] = Field(description="lon, lat where it is done")


class RouteOut(Schema):
    seconds: int
    metres: int
    geometry: dict[str, Any] = Field(description="GeoJSON LineString")
    steps: list[StepOut]


def _point(words: str) -> routes.Point:
    found = read_point(words)
    if found is None:
        raise HttpError(422, f"no point: {words[:60]}")
    return found


def _limit(request: HttpRequest) -> None:
    try:
        limits.hit("routing", str(request.META.get("REMOTE_ADDR", "")), at_most=A_MINUTE, per=MINUTE)
        limits.hit("routing", "everyone", at_most=ALL_A_MINUTE, per=MINUTE)
    except limits.TooMany as error:
        raise HttpError(429, str(error)) from error


@router.get("/route", response=RouteOut, summary="The quickest way through two to twenty places")
def route(request: HttpRequest, through: str, mode: Mode = "car", at: datetime | None = None) -> RouteOut:
    """through: "lat,lon;lat,lon...", or places in any form that people type a point in; at: when one sets off (with its offset from UTC),
    now when left out: what is closed and slow just now is then looked at."""
    places = [_point(words) for words in through.split(";") if words.strip()]
    if not 2 <= len(places) <= MOST_POINTS:
        raise HttpError(422, "two to twenty places")
    if at is not None and at.tzinfo is None:
        raise HttpError(422, "at: say the offset from UTC")
    _limit(request)
    try:
        found = routes.route(places, mode, at)
    except NoRoute as error:
        raise HttpError(404, str(error)) from error
    except RoutingUnavailable as error:
        raise HttpError(503, str(error)) from error
    steps = [
        StepOut(words=s.words, metres=s.metres, seconds=s.seconds, point=leg.line[s.begin])
        for leg in found.legs
        for s in leg.steps
    ]
    geometry = {"type": "LineString", "coordinates": found.line}
    return RouteOut(seconds=round(found.seconds), metres=found.metres, geometry=geometry, steps=steps)


@router.get("/isochrone", summary="What is reached within so many minutes (GeoJSON)")
def isochrone(
    request: HttpRequest, point: str, minutes: Annotated[int, Field(ge=1, le=120)] = 15, mode: Mode = "foot"
) -> JsonResponse:
    place = _point(point)
    _limit(request)
    try:
        found = routes.isochrone(place, minutes, mode)
    except NoRoute as error:
        raise HttpError(404, str(error)) from error
    except RoutingUnavailable as error:
        raise HttpError(503, str(error)) from error
    return JsonResponse(found, content_type="application/geo+json")


@router.get("/closures", summary="Roads that are closed, now or soon (GeoJSON)")
def closures(request: HttpRequest) -> JsonResponse:
    features = [_feature(c) for c in desk_views.open_or_to_come().filter(public=True)[: desk_views.MOST]]
    return JsonResponse({"type": "FeatureCollection", "features": features}, content_type="application/geo+json")


def _feature(c: Any) -> dict[str, Any]:
    geom: GEOSGeometry = c.geom
    properties = {
        "reason": c.reason, "words": c.words, "starts": c.starts.isoformat(), "ends": c.ends.isoformat() if c.ends else None, "modes": c.modes,
        "height_m": c.height_m, "weight_t": c.weight_t,
    }  # fmt: skip
    return {"type": "Feature", "id": c.pk, "geometry": json.loads(geom.geojson), "properties": properties}
