"""The town's figures: for everyone, and for the back office within each one's zones."""

from __future__ import annotations

import csv
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format

from toguna.engines.indicators import charts
from toguna.engines.indicators.counting import Series, read
from toguna.engines.indicators.measures import Measure
from toguna.engines.territory import api as territory
from toguna.kernel import access, registry
from toguna.kernel.web import Request, public, staff

PERIODS = (6, 12, 18, 24)


def _asked(request: HttpRequest) -> dict[str, Any]:
    zone, months = request.GET.get("zone", ""), request.GET.get("months", "")
    known = territory.zone(int(zone)) if zone.isdigit() and len(zone) < 18 else None
    return {
        "zone": known.id if known else None,
        "months": int(months) if months.isdigit() and int(months) in PERIODS else 12,
    }


def _card(series: Series) -> dict[str, Any]:
    """A figure with its words: value, unit, how it moved, whether that is good."""
    measure, change, good = series.measure, None, ""
    if series.total is not None and series.before:
        change = (series.total - series.before) / series.before * 100
        if measure.better and abs(change) >= 1:
            good = "done" if (change > 0) == (measure.better == "up") else "late"
    unit = "%" if measure.kind == "ratio" else measure.unit
    return {
        "series": series,
        "value": charts.number(series.total),
        "unit": unit,
        "change": None
        if change is None
        else f"{'+' if change > 0 else '−' if change < 0 else ''}{charts.number(abs(change), 0)} %",
        "good": good,
        "spark": charts.spark(series.values),
    }


def _page(
    request: HttpRequest, measures: list[Measure], template: str, url_name: str, within: frozenset[int] | None
) -> HttpResponse:
    asked = _asked(request)
    cards = [_card(s) for s in read(sorted(measures, key=lambda m: m.order), **asked, within=within)]
    values = {
        "cards": cards,
        "districts": territory.districts(),
        "periods": PERIODS,
        "url_name": url_name,
        "frame": template,
        **asked,
    }
    return render(request, "indicators/index.html", values)


def _one(
    request: HttpRequest, measure: Measure | None, template: str, index: str, within: frozenset[int] | None
) -> HttpResponse:
    if measure is None:
        raise Http404
    asked = _asked(request)
    (series,) = read([measure], **asked, within=within)
    if request.GET.get("format") == "csv":
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{measure.name}.csv"'
        writer = csv.writer(response)
        writer.writerow(["month", "value"])
        writer.writerows(
            (m.isoformat()[:7], "" if v is None else v) for m, v in zip(series.months, series.values, strict=True)
        )
        return response
    unit = "%" if measure.kind == "ratio" else str(measure.unit)
    known = [v for _z, v in series.by_zone if v is not None]
    most = max(known, default=0) or 1
    values = {
        **_card(series),
        "measure": measure,
        "chart": charts.bars(series.months, series.values, title=str(measure.title), unit=unit),
        "rows": [(date_format(m, "F Y"), charts.number(v)) for m, v in zip(series.months, series.values, strict=True)],
        "zones": [(z, charts.number(v), round((v or 0) / most * 100)) for z, v in series.by_zone],
        "districts": territory.districts(),
        "periods": PERIODS,
        "frame": template,
        "index": index,
        **asked,
    }
    return render(request, "indicators/measure.html", values)


@public
def index(request: HttpRequest) -> HttpResponse:
    return _page(request, [m for m in registry.declared(Measure) if not m.permission], "base.html", "figure", None)


@public
def figure(request: HttpRequest, name: str) -> HttpResponse:
    found = registry.find(Measure, name)
    return _one(request, found if found and not found.permission else None, "base.html", "figures", None)


@staff("indicators.read")
def desk(request: Request) -> HttpResponse:
    """Every measure that the actor may read, within the zones where they may."""
    measures = [
        m
        for m in registry.declared(Measure)
        if not m.permission or access.can(request.actor, m.permission, anywhere=True)
    ]
    return _page(request, measures, "desk.html", "desk-figure", access.zones(request.actor, "indicators.read"))


@staff("indicators.read")
def desk_figure(request: Request, name: str) -> HttpResponse:
    found = registry.find(Measure, name)
    if found and found.permission:
        access.require(request.actor, found.permission, anywhere=True)
    return _one(request, found, "desk.html", "desk-figures", access.zones(request.actor, "indicators.read"))
