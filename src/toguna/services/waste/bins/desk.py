"""How full bins are, when each will be, and how much that can be trusted. Thin."""

from __future__ import annotations

import json

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from toguna.engines.indicators.api import charts
from toguna.engines.territory import api as territory
from toguna.kernel import access
from toguna.kernel.web import Request, staff
from toguna.services.waste.bins import reads
from toguna.services.waste.models import Forecast, WastePlace

PAGE = 50


def _shade(level: int) -> tuple[str, str]:
    """(class of its tag, words)."""
    return {
        "full": ("late", _("full")), "nearly": ("waiting", _("nearly full")), "half": ("", _("half full")), "low": ("done", _("room left")),
    }[reads.shade_of(level)]  # fmt: skip


@staff("waste.read")
def bins(request: Request) -> HttpResponse:
    """The bins that are full first, and the methods compared. ?after=n"""
    typed = request.GET.get("after", "0")
    after = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 7 else 0
    zones = access.zones(request.actor, "waste.read")
    rows = reads.soonest(zones, after, PAGE + 1)
    known = reads.levels([row.place_id for row in rows])
    day, methods = reads.methods()
    values = {
        "rows": [(row, level, _shade(level)) for row in rows[:PAGE] for level in [known.get(row.place_id, round(row.level))]],
        "early": reads.early(zones), "bounds": json.dumps(territory.town_bounds()) if territory.town_bounds() else "",
        "after": after + PAGE if len(rows) > PAGE else None, "day": day, "methods": methods,
        "spark": charts.spark(reads.errors()),
    }  # fmt: skip
    return render(request, "waste/bins/bins.html", values)


@staff("waste.read")
def bin_(request: Request, code: str) -> HttpResponse:
    """What was found of one bin, and what is expected."""
    place = get_object_or_404(WastePlace, code=code.upper())
    access.require(request.actor, "waste.read", zone=place.zone_id)
    values = {"place": place, "forecast": Forecast.objects.filter(place=place).first(), "fills": reads.of(place.pk)}
    return render(request, "waste/bins/bin.html", values)
