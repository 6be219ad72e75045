"""When the truck comes, for everybody. Thin."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from toguna.engines.territory import api as territory
from toguna.kernel.web import Request, public
from toguna.services.waste.models import WastePlace
from toguna.services.waste.rounds import coming


@public
def truck(request: Request) -> HttpResponse:
    """?at=: a landmark, coordinates or a plus code; or the code of a bin."""
    typed = request.GET.get("at", "").strip()[:200]
    rows: list[coming.Coming] = []
    label, unknown = "", False
    if typed:
        exact = (
            WastePlace.objects.filter(code=typed.upper(), kind__in=("bin", "point"), public=True)
            .exclude(state="closed")
            .first()
        )
        if exact is not None:
            rows = coming.coming([exact])
        elif hits := territory.geocode(typed, limit=1):
            label, point = hits[0].label, (hits[0].lon, hits[0].lat)
            rows = coming.coming(coming.near(point), point)
        else:
            unknown = True
    return _shown(request, rows, typed=typed, label=label, unknown=unknown)


@public
def at_place(request: Request, code: str) -> HttpResponse:
    """One bin, as its QR code may lead to it."""
    place = get_object_or_404(WastePlace, code=code.upper(), kind__in=("bin", "point"), public=True)
    return _shown(request, coming.coming([place]), typed=place.code)


def _shown(
    request: Request, rows: list[coming.Coming], *, typed: str, label: str = "", unknown: bool = False
) -> HttpResponse:
    """The first truck that is under way is shown on its way."""
    live = next((one for one in rows if one.live), None)
    values = {
        "typed": typed, "rows": rows, "label": label, "unknown": unknown, "live": live, "followed": live and coming.followed(live),
    }  # fmt: skip
    return render(request, "waste/rounds/truck_comes.html", values)
