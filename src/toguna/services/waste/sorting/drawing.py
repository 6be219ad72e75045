"""The weeks of a campaign as a drawing: where it was, where it was not, and when it began. A table beside it says the same."""

from __future__ import annotations

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from toguna.engines.indicators.api import charts
from toguna.services.waste.sorting.reads import Effect

WIDE, HIGH, LEFT, BOTTOM, TOP = 720, 300, 46, 34, 14


def lines(found: Effect) -> SafeString:
    """An SVG, "" when there is nothing to draw."""
    ours = [one for _week, one, _other in found.by_week]
    theirs = [other for _week, _one, other in found.by_week if other is not None]
    top = max([*ours, *theirs, 0.1])
    ticks = charts.ticks(top)
    step = (WIDE - LEFT - 10) / max(1, len(ours) - 1)

    def x(n: float) -> float:
        return LEFT + n * step

    def y(value: float) -> float:
        return TOP + (HIGH - TOP - BOTTOM) * (1 - value / ticks[-1])

    def line(values: list[float], css: str) -> str:
        return f'<polyline class="{css}" fill="none" points="{" ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in enumerate(values))}"/>'

    begin, begins = x(found.weeks_before - 0.5), escape(_("it begins"))
    parts = [
        f'<line class="grid-line" x1="{LEFT}" x2="{WIDE - 10}" y1="{y(t):.1f}" y2="{y(t):.1f}"/><text class="axis" x="{LEFT - 6}" y="{y(t) + 5:.1f}" text-anchor="end" font-size="14">{escape(charts.number(t))}</text>'
        for t in ticks
    ]
    parts.append(
        f'<line class="base-line" x1="{begin:.1f}" x2="{begin:.1f}" y1="{TOP}" y2="{HIGH - BOTTOM}" stroke-dasharray="5 4"/>'
    )
    parts.append(f'<text class="axis" x="{begin + 6:.1f}" y="{TOP + 12}" font-size="14">{begins}</text>')
    if theirs:
        parts.append(line(theirs, "line-other"))
    parts.append(line(ours, "line-ours"))
    for n in range(0, len(found.by_week), max(1, len(found.by_week) // 6)):
        day = found.by_week[n][0]
        parts.append(
            f'<text class="axis" x="{x(n):.1f}" y="{HIGH - 10}" text-anchor="middle" font-size="14">{day:%d/%m}</text>'
        )
    title = escape(_("Kilogrammes a household sorts in a week"))
    return mark_safe(  # noqa: S308 - our own numbers, our own words escaped
        f'<svg class="chart" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{title}">{"".join(parts)}</svg>'
    )
