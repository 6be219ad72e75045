"""What pages show of how full bins are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from toguna.services.waste.models import Fill, Forecast, ForecastTrial

METHODS = ("ours", "last", "line")


def methods() -> tuple[Any, list[dict[str, Any]]]:
    """(the day of the last trial, each method's figures on the visits of the 30 days before it)."""
    last = ForecastTrial.objects.order_by("-day").values_list("day", flat=True).first()
    found = {t.method: t for t in ForecastTrial.objects.filter(day=last)} if last else {}
    names = {
        "ours": _("Ours: recent visits, outliers held, the quarter's habit"),
        "last": _("The last visit alone"),
        "line": _("A line through all visits"),
    }
    rows = [
        {"name": names[m], "error": t.error, "near": round(100 * t.near), "bias": t.bias, "visits": t.visits}
        for m in METHODS
        if (t := found.get(m))
    ]
    return last, rows


def errors() -> list[float]:
    """The error of our forecasts, each day that it was tried, oldest first."""
    return list(ForecastTrial.objects.filter(method="ours").order_by("day").values_list("error", flat=True))[-60:]


def soonest(zones: frozenset[int] | None, after: int = 0, many: int = 50) -> Sequence[Forecast]:
    """The bins that are full first."""
    found = Forecast.objects.select_related("place").filter(place__state="open").order_by("full", "pk")
    if zones is not None:
        found = found.filter(place__zone__in=zones)
    return list(found[after : after + many])


def of(place: int, many: int = 12) -> list[Fill]:
    return list(Fill.objects.filter(place=place).order_by("-at")[:many])
