"""The weeks of a campaign as a drawing: where it was, where it was not, and when it began. A table beside it says the same."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from toguna.engines.indicators.api import charts
from toguna.services.waste.sorting.reads import Effect


@dataclass(frozen=True)
class _Frame:
    """A size of drawing, in units that are pixels at that size; the page shows the one that fits (see the stylesheet)."""

    css: str
    wide: int
    high: int
    left: int
    font: int
    days: int  # that are named below


FRAMES = (_Frame("wide", 720, 300, 46, 14, 6), _Frame("slim", 270, 200, 34, 11, 3))


def lines(found: Effect) -> SafeString:
    """An SVG for wide screens and one for narrow ones."""
    return mark_safe("".join(_drawn(found, frame) for frame in FRAMES))  # noqa: S308 - our own numbers, our own words escaped


def _drawn(found: Effect, frame: _Frame) -> str:
    ours = [one for _week, one, _other in found.by_week]
    theirs = [other for _week, _one, other in found.by_week if other is not None]
    ticks = charts.ticks(max([*ours, *theirs, 0.1]))
    top, right, bottom = frame.font, frame.wide - 10, frame.high - 2 * frame.font - 4
    step = (right - frame.left) / max(1, len(ours) - 1)

    def x(n: float) -> float:
        return frame.left + n * step

    def y(value: float) -> float:
        return top + (bottom - top) * (1 - value / ticks[-1])

    def line(values: list[float], css: str) -> str:
        return f'<polyline class="{css}" fill="none" points="{" ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in enumerate(values))}"/>'

    begin, begins = x(found.weeks_before - 0.5), escape(_("it begins"))
    after = begin < frame.wide * 0.75  # else the words would leave the drawing
    parts = [
        f'<line class="grid-line" x1="{frame.left}" x2="{right}" y1="{y(t):.1f}" y2="{y(t):.1f}"/><text class="axis" x="{frame.left - 6}" y="{y(t) + frame.font / 3:.1f}" text-anchor="end">{escape(charts.number(t))}</text>'
        for t in ticks
    ]
    parts.append(
        f'<line class="base-line" x1="{begin:.1f}" x2="{begin:.1f}" y1="{top}" y2="{bottom}" stroke-dasharray="5 4"/>'
    )
    parts.append(
        f'<text class="axis" x="{begin + (6 if after else -6):.1f}" y="{top + frame.font}" text-anchor="{"start" if after else "end"}">{begins}</text>'
    )
    if theirs:
        parts.append(line(theirs, "line-other"))
    parts.append(line(ours, "line-ours"))
    for n in range(0, len(found.by_week), max(1, -(-len(found.by_week) // frame.days))):
        day = found.by_week[n][0]
        parts.append(
            f'<text class="axis" x="{x(n):.1f}" y="{frame.high - frame.font / 2:.1f}" text-anchor="middle">{day:%d/%m}</text>'
        )
    title = escape(_("Kilogrammes a household sorts in a week"))
    return (
        f'<svg class="chart {frame.css}" viewBox="0 0 {frame.wide} {frame.high}" font-size="{frame.font}" role="img" aria-label="{title}">'
        f"{''.join(parts)}</svg>"
    )
