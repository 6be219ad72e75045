"""The figures of equipment, on one page for the head of service. Thin."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from toguna.engines.assets import api as assets
from toguna.engines.indicators.api import charts
from toguna.kernel.web import Request, staff

MONTHS = 12
MOST = 5000
SHOWN = 40  # those that cost the most


def months(today: date, many: int = MONTHS) -> list[date]:
    """The first days of the last months, the oldest first, this one last."""
    first = today.year * 12 + today.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(first - many + 1, first + 1)]


@staff(assets.READ)
def figures(request: Request) -> HttpResponse:
    """?kind: of that kind only. What each costs and serves in the last twelve months, and by month."""
    today, now = timezone.localdate(), timezone.now()
    kind = request.GET.get("kind", "")
    rows = {row.pk: row for row in assets.found(request.actor, kind=kind)[:MOST]}
    shown = months(today)
    start = timezone.make_aware(datetime.combine(shown[0], time()))
    by_month = assets.by_month(list(rows), shown[0])
    costs = assets.costs(list(rows), start, now)
    share = assets.availability(list(rows), start, now)
    litres: list[float | None] = [by_month.get(month, (0.0, 0, 0))[0] for month in shown]
    spent = [by_month.get(month, (0.0, 0, 0)) for month in shown]
    settled = [True] * (MONTHS - 1) + [False]
    kinds: dict[str, list[float]] = {}
    for pk, row in rows.items():
        if pk in share:
            kinds.setdefault(str(row.get_kind_display()), []).append(share[pk])
    dear = sorted(rows, key=lambda pk: -costs[pk].whole)[:SHOWN]
    values: dict[str, Any] = {
        "kinds": assets.Asset.Kind.choices, "kind": kind,
        "drawing": charts.columns(shown, litres, settled, title="l", unit="l") if any(litres) else "",
        "months": [
            (charts.month_name(month), charts.number(one[0], 0), one[1], one[2])
            for month, one in zip(shown, spent, strict=True)
            if any(one)
        ],
        "served": [(name, len(ones), charts.number(100 * sum(ones) / len(ones), 1), charts.share(sum(ones) / len(ones), 1)) for name, ones in sorted(kinds.items())],
        "dear": [(rows[pk], costs[pk], share.get(pk)) for pk in dear if costs[pk].whole],
    }  # fmt: skip
    return render(request, "equipment/figures.html", values)
