"""/api/v1/places: finding a place by what people say, and saying where a point is, for programs."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from toguna.engines.territory.geocode import geocode, reverse
from toguna.engines.territory.points import plus_code, read_point
from toguna.kernel import text

router = Router(tags=["places"])


class PlaceOut(Schema):
    label: str = Field(description="in the language of the request")
    detail: str = Field(description="what it is, and its district")
    kind: str
    lon: float = Field(description="degrees, WGS 84")
    lat: float
    plus_code: str
    score: float = Field(description="0 to 1")
    sure: bool = Field(description="good enough to be taken without asking")


class WhereOut(Schema):
    words: str = Field(description='such as "near Marché central, 120 m, Zongo"; empty when nothing is known around')
    plus_code: str


@router.get(
    "", response=list[PlaceOut], summary="Find a place: a landmark, a street, a district, a plus code, coordinates"
)
def places(
    request: HttpRequest, q: str, near: str = "", limit: Annotated[int, Field(ge=1, le=50)] = 8
) -> list[PlaceOut]:
    """near: "lat,lon", or a point in any form that people type."""
    return [
        PlaceOut(
            label=hit.label, detail=hit.detail, kind=hit.kind, lon=hit.lon, lat=hit.lat, plus_code=plus_code(hit.lon, hit.lat),
            score=hit.score, sure=hit.sure,
        )
        for hit in geocode(text.clean(q), near=read_point(near) if near else None, limit=limit)
    ]  # fmt: skip


@router.get("/at", response=WhereOut, summary="Say where a point is, in words")
def at(
    request: HttpRequest, lon: Annotated[float, Field(ge=-180, le=180)], lat: Annotated[float, Field(ge=-90, le=90)]
) -> WhereOut:
    return WhereOut(words=reverse(lon, lat), plus_code=plus_code(lon, lat))
