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
    rows, label, unknown = [], "", False
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
    return render(
        request,
        "waste/rounds/truck_comes.html",
        {"typed": typed, "rows": rows, "label": label, "unknown": unknown, "picture": coming.picture(rows)},
    )


@public
def at_place(request: Request, code: str) -> HttpResponse:
    """One bin, as its QR code may lead to it."""
    place = get_object_or_404(WastePlace, code=code.upper(), kind__in=("bin", "point"), public=True)
    rows = coming.coming([place])
    return render(
        request,
        "waste/rounds/truck_comes.html",
        {"typed": place.code, "rows": rows, "label": "", "unknown": False, "picture": coming.picture(rows)},
    )
