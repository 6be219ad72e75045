"""Taxes and fees at a glance, and where to go next."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.indicators import api as indicators
from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import access, money, town
from toguna.kernel.web import Request, staff
from toguna.services.revenue.overview import counting, reads

MONTHS = 12


def _months() -> list[Any]:
    """The first days of the last twelve months, the oldest first."""
    day, found = timezone.localdate().replace(day=1), []
    for _n in range(MONTHS):
        found.append(day)
        day = day.replace(year=day.year - 1, month=12) if day.month == 1 else day.replace(month=day.month - 1)
    return found[::-1]


@staff(reads.READ)
def overview(request: Request) -> HttpResponse:
    actor = request.actor
    totals, at = reads.totals(actor)
    bases, districts = reads.by_base(actor), reads.by_district(actor)
    months = _months()
    came = reads.by_channel(actor, months[0])
    methods = sorted(
        {name for month in came.values() for name in month},
        key=lambda name: -sum(m.get(name, 0) for m in came.values()),
    )
    one = 10 ** money.exponent(town.current().currency)
    values = [sum(came.get(month, {}).values()) / one for month in months]
    ages = reads.by_age(actor)
    oldest = max((amount for _count, amount in ages), default=0)
    titles = [_("up to 30 days"), _("up to 90 days"), _("up to a year"), _("more than a year")]
    most = max((row.potential for row in bases), default=0)
    most_late = max((row.late for _zone, row in districts), default=0)
    drawing, key = indicators.charts.zone_map(
        *territory.outlines(),
        {zone: row.share for zone, row in districts if zone},
        title=_("Paid of what was billed"),
        unit="%",
    )
    return render(request, "revenue/overview.html", {
        "totals": totals, "share": indicators.charts.number(totals.share), "at": at,
        "bases": [(row, indicators.charts.number(row.share), indicators.charts.share(row.potential, most)) for row in bases],
        "districts": [(row, indicators.charts.number(row.share), indicators.charts.share(row.late, most_late)) for _zone, row in districts],
        "chart": indicators.charts.columns(months, values, [True] * (MONTHS - 1) + [False], title=_("Collected"), unit=town.current().currency) if any(values) else "",
        "methods": [ledger.way_title(name) for name in methods],
        "months": [(indicators.charts.month_name(month), [(ledger.way_title(name), came.get(month, {}).get(name, 0)) for name in methods], sum(came.get(month, {}).values())) for month in months[::-1]],
        "ages": [(title, count, amount, indicators.charts.share(amount, oldest)) for title, (count, amount) in zip(titles, ages, strict=True)],
        "map": drawing, "key": key, "steps": max(1, sum(shade.css != "none" for shade in key)),
        "bounds": json.dumps(territory.town_bounds()) if territory.town_bounds() else "",
        "may_run": access.can(actor, "revenue.campaign", anywhere=True), "may_visit": access.can(actor, "revenue.collect", anywhere=True),
    })  # fmt: skip


@require_POST
@staff(reads.READ)
def recount(request: Request) -> HttpResponse:
    """Counted now, for whoever does not want to wait for the next quarter of an hour."""
    access.require(request.actor, "revenue.supervise", anywhere=True)
    counting.count()
    return redirect("desk-revenue")


@staff(reads.READ)
def streets(request: Request) -> HttpResponse:
    """Where a visit brings most."""
    typed = request.GET.get("zone", "")
    zone = territory.zone(int(typed)) if typed.isascii() and typed.isdigit() and len(typed) < 18 else None
    rows = reads.next_streets(request.actor, zones=territory.zone_tree_ids(zone.id) if zone else None)
    most = max((row.an_hour for row in rows), default=0)
    shown = [
        (
            row,
            indicators.charts.number(row.km, 1),
            indicators.charts.number(100 * row.chance, 0),
            indicators.charts.share(row.an_hour, most),
        )
        for row in rows
    ]
    values = {
        "rows": shown,
        "zone": zone.id if zone else None,
        "districts": territory.districts(),
        "minutes": reads.MINUTES,
        "speed": round(reads.SPEED),
    }
    return render(request, "revenue/streets.html", values)
