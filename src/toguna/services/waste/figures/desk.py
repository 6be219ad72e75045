"""The figures of waste, on one page for the head of service."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.indicators.api import charts
from toguna.kernel import access, text
from toguna.kernel.web import Request, staff
from toguna.services.waste.figures import reads
from toguna.services.waste.models import Material
from toguna.services.waste.orders import money as prices

MONTHS = 6


def months(today: date, many: int = MONTHS) -> list[date]:
    """The first days of the last months, the oldest first, this one last."""
    found = [today.replace(day=1)]
    while len(found) < many:
        first = found[0]
        found.insert(0, date(first.year - (first.month == 1), (first.month - 2) % 12 + 1, 1))
    return found


@staff("waste.read")
def figures(request: Request) -> HttpResponse:
    today = timezone.localdate()
    shown = months(today)
    zones = access.zones(request.actor, "waste.read")
    tonnes = reads.tonnes(shown[0], zones=zones)
    streams = []
    for pk, name in [*((row.pk, text.pick(row.names)) for row in Material.objects.all()), (None, _("Mixed"))]:
        values = [tonnes.get((pk, month), 0.0) for month in shown]
        if any(values):
            streams.append((name, [charts.number(value, 2) for value in values], charts.number(sum(values), 2)))
    totals: list[float | None] = [sum(value for (_m, month), value in tonnes.items() if month == one) for one in shown]
    unit = "t" if max(filter(None, totals), default=0) >= 1 else "kg"  # a small town's tonnes would all be 0.0
    if unit == "kg":
        totals = [1000 * value if value is not None else None for value in totals]
    sites = reads.sites(today, zones=zones)
    shown_values: dict[str, Any] = {
        "months": [charts.month_name(one, "LLL y") for one in shown], "streams": streams, "sites": sites,
        "drawing": charts.columns(shown, totals, [True] * (MONTHS - 1) + [False], title=unit, unit=unit) if any(totals) else "",
        "cost": sum(one.cost for one in sites), "hours": sum(one.minutes for one in sites) // 60, "owed": prices.owed_in_all(),
    }  # fmt: skip
    return render(request, "waste/desk_figures.html", shown_values)
