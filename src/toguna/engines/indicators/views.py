"""The town's figures: for everyone, and for the back office within each one's zones."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from toguna.engines.indicators import charts
from toguna.engines.indicators.counting import Scope, Series, read
from toguna.engines.indicators.measures import Measure
from toguna.engines.territory import api as territory
from toguna.kernel import access, registry, tables
from toguna.kernel.web import Request, public, staff

PERIODS = (6, 12, 18, 24)
READ = "indicators.read"


def _asked(request: HttpRequest) -> dict[str, Any]:
    """zone and months of the address; what cannot be read is as if it were not there."""
    zone, months = request.GET.get("zone", ""), request.GET.get("months", "")
    known = territory.zone(int(zone)) if zone.isascii() and zone.isdigit() and len(zone) < 18 else None
    return {
        "zone": known.id if known else None,
        "months": next((p for p in PERIODS if str(p) == months), 12),
    }


def _card(series: Series) -> dict[str, Any]:
    """A figure with its words: value, unit, how it moved, whether that is good."""
    measure, trend = series.measure, series.trend
    moved = trend is not None and abs(trend) >= 1
    good = ""
    if trend is not None and moved and measure.better:
        good = "done" if (trend > 0) == (measure.better == "up") else "late"
    return {
        "series": series,
        "value": charts.number(series.total),
        "unit": measure.shown_unit if series.total is not None else "",
        "trend": "" if trend is None else _moved(trend if moved else 0, points=measure.kind == "ratio"),
        "arrow": "=" if trend is None or not moved else "▲" if trend > 0 else "▼",
        "good": good,
        "spark": charts.spark(series.values),
    }


def _moved(trend: float, *, points: bool) -> str:
    """How a figure moved, in words. A share of 40 % that becomes 44 % has 4 points more, not 10 % more."""
    n, shown = round(abs(trend)), {"n": charts.number(abs(trend), 0)}
    if not n:
        return _("Steady")
    if points and trend > 0:
        return ngettext("%(n)s point more", "%(n)s points more", n) % shown
    if points:
        return ngettext("%(n)s point less", "%(n)s points less", n) % shown
    return (_("%(n)s %% more") if trend > 0 else _("%(n)s %% less")) % shown


def _page(
    request: HttpRequest, measures: Sequence[Measure], frame: str, url_name: str, scope: Callable[[Measure], Scope]
) -> HttpResponse:
    asked = _asked(request)
    cards = [_card(s) for s in read(sorted(measures, key=lambda m: m.order), **asked, scope=scope)]
    values = {
        "cards": cards,
        "districts": territory.districts(),
        "periods": PERIODS,
        "url_name": url_name,
        "frame": frame,
        **asked,
    }
    return render(request, "indicators/index.html", values)


def _one(
    request: HttpRequest, measure: Measure | None, frame: str, index: str, scope: Callable[[Measure], Scope]
) -> HttpResponse:
    if measure is None:
        raise Http404
    asked = _asked(request)
    (series,) = read([measure], **asked, scope=scope)
    if request.GET.get("format") == "csv":
        return _csv(series)
    unit, title, ranked = measure.shown_unit, str(measure.title), series.by_zone()
    drawing, key = charts.zone_map(
        *territory.outlines(),
        {z.id: v for z, v in ranked},
        title=f"{title}: {territory.zone(asked['zone']) or ''}",
        unit=unit,
    )
    most = max((v for _z, v in ranked if v is not None), default=0)
    settled = series.settled
    values = {
        "card": _card(series),
        "unit": unit,
        "measure": measure,
        "chart": charts.columns(series.months, series.values, settled, title=title, unit=unit),
        "moving": not all(ok or v is None for ok, v in zip(settled, series.values, strict=True)),
        "rows": [
            (charts.month_name(m), charts.number(v), not ok and v is not None)
            for m, v, ok in zip(series.months, series.values, settled, strict=True)
        ],
        "zones": [(z, charts.number(v), charts.share(v, most)) for z, v in ranked],
        "map": drawing,
        "key": key,
        "steps": max(1, sum(shade.css != "none" for shade in key)),
        "districts": territory.districts(),
        "periods": PERIODS,
        "frame": frame,
        "index": index,
        **asked,
    }
    return render(request, "indicators/measure.html", values)


def _csv(series: Series) -> HttpResponse:
    """Month by month, everything together (no district) and each district. What was not counted yet is left out."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{series.measure.name}.csv"'
    writer = csv.writer(response)
    writer.writerow(["month", "zone", "district", "value", "numerator", "denominator"])
    for month in (m for m in series.months if series.first and m >= series.first):
        lines: list[tuple[int | str, str, Any]] = [("", "", series.by_month[month])]
        lines += [(z.id, z.name, series.by_district[z.id, month]) for z in series.districts]
        for zone, name, tally in lines:
            value = series.over([tally])
            writer.writerow(
                [
                    f"{month:%Y-%m}",
                    zone,
                    tables.safe(name),
                    "" if value is None else value,
                    tally.numerator,
                    tally.denominator,
                ]
            )
    return response


def _everywhere(measure: Measure) -> Scope:
    return None


@public
def index(request: HttpRequest) -> HttpResponse:
    measures = [m for m in registry.declared(Measure) if not m.permission]
    return _page(request, measures, "base.html", "figure", _everywhere)


@public
def figure(request: HttpRequest, name: str) -> HttpResponse:
    found = registry.find(Measure, name)
    return _one(request, found if found and not found.permission else None, "base.html", "figures", _everywhere)


def _scope(actor: access.Actor) -> Callable[[Measure], Scope]:
    """Where the actor sees a measure of the back office: within their zones, by each permission that it asks for."""

    def of(measure: Measure) -> Scope:
        where = access.zones(actor, READ)
        if measure.permission:
            narrower = access.zones(actor, measure.permission)
            where = narrower if where is None else where if narrower is None else where & narrower
        return where

    return of


@staff(READ)
def desk(request: Request) -> HttpResponse:
    """Every measure that the actor may read, within the zones where they may."""
    measures = [
        m
        for m in registry.declared(Measure)
        if not m.permission or access.can(request.actor, m.permission, anywhere=True)
    ]
    return _page(request, measures, "desk.html", "desk-figure", _scope(request.actor))


@staff(READ)
def desk_figure(request: Request, name: str) -> HttpResponse:
    found = registry.find(Measure, name)
    if found and found.permission:
        access.require(request.actor, found.permission, anywhere=True)
    return _one(request, found, "desk.html", "desk-figures", _scope(request.actor))
