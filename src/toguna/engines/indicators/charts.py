"""Charts as SVG, made on the server: no script, readable on paper, in the dark and at 320 px. A table stands beside each.

Bars start at zero. A month with nothing to show is marked as such, never drawn as zero; a month whose figure still moves
is pale. Colours come from the page (CSS classes), so that the dark and the printed page have theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from babel.dates import format_date
from django.utils.formats import number_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.territory import api as territory

CLASSES = 5  # shades of a map that the eye still tells apart


def number(value: float | None, decimals: int | None = None) -> str:
    """As people write it in their language: "1 234", "12,5"; a dash where nothing is known."""
    if value is None:
        return "–"
    if decimals is None:
        decimals = 0 if abs(value) >= 99.95 or value == int(value) else 1
    return str(number_format(value, decimals, force_grouping=True))


def month_name(month: date, pattern: str = "LLLL y") -> str:
    """A month in the reader's language: "juillet 2026"; "LLL" gives "juil."."""
    return format_date(month, pattern, locale=(get_language() or "en").split("-")[0])


def ticks(top: float, about: int = 4) -> list[float]:
    """Round numbers from 0 to at least `top`.

    >>> ticks(87)
    [0.0, 25.0, 50.0, 75.0, 100.0]
    """
    if top < 1e-9:
        return [0.0, 1.0]
    step = _round_step(top / about)
    return [round(step * n, 10) for n in range(math.ceil(top / step * 0.9999) + 1)]


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)


@dataclass(frozen=True)
class _Frame:
    """A size of drawing, in units that are pixels at that size. most_labels: months that are named below."""

    css: str
    width: int
    height: int
    font: int
    most_labels: int


# The page shows the one that fits (see the stylesheet): a single drawing would have letters of 5 pixels on a phone.
_FRAMES = (_Frame("wide", 640, 270, 13, 13), _Frame("slim", 270, 190, 11, 5))


def columns(
    months: Sequence[date], values: Sequence[float | None], settled: Sequence[bool], *, title: str, unit: str = ""
) -> SafeString:
    """Columns by month, for wide and for narrow screens. "" when nothing at all is known."""
    if all(v is None for v in values):
        return mark_safe("")
    return mark_safe("".join(_columns(frame, months, values, settled, title, unit) for frame in _FRAMES))  # noqa: S308 - escaped


def _columns(
    frame: _Frame,
    months: Sequence[date],
    values: Sequence[float | None],
    settled: Sequence[bool],
    title: str,
    unit: str,
) -> str:
    scale = ticks(max(v for v in values if v is not None))
    most, font = scale[-1], frame.font
    left = max(len(number(t)) for t in scale) * font * 0.62 + 8
    top, bottom = font * 2, font * 2.4
    across, up = frame.width - left - 2, frame.height - bottom - top
    step = across / len(months)
    parts = [
        f'<svg class="chart {frame.css}" viewBox="0 0 {frame.width} {frame.height}" font-size="{font}" role="img" '
        f'aria-label="{escape(title)}">'
    ]
    for tick in scale:
        y = top + up * (1 - tick / most)
        css = "grid-line" if tick else "base-line"
        parts.append(f'<line class="{css}" x1="{left:.1f}" x2="{frame.width}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="axis" x="{left - 6:.1f}" y="{y + font / 3:.1f}" text-anchor="end">{number(tick)}</text>'
        )
    peak = max(range(len(values)), key=lambda i: values[i] if values[i] is not None else -1.0)  # type: ignore[arg-type, return-value]
    # Each bar has its figure where there is room for all of them, else the highest alone.
    roomy = max(len(number(v)) for v in values) * font * 0.6 < step
    every = math.ceil(len(months) / frame.most_labels)
    for index, (month, value) in enumerate(zip(months, values, strict=True)):
        x, middle = left + step * index, left + step * (index + 0.5)
        words = f"{month_name(month)}: {number(value)} {unit if value is not None else ''}".strip()
        if value is None:
            parts.append(
                f'<text class="axis" x="{middle:.1f}" y="{top + up - 4:.1f}" text-anchor="middle">–<title>{escape(words)}</title></text>'
            )
        else:
            tall = max(up * value / most, 1)
            css = "bar" if settled[index] else "bar soft"
            parts.append(
                f'<rect class="{css}" x="{x + step * 0.12:.1f}" y="{top + up - tall:.1f}" width="{step * 0.76:.1f}" '
                f'height="{tall:.1f}"><title>{escape(words)}</title></rect>'
            )
            shown = number(value)
            if roomy or index == peak:
                parts.append(
                    f'<text class="value" x="{middle:.1f}" y="{top + up - tall - 4:.1f}" text-anchor="middle">{shown}</text>'
                )
        if (len(months) - 1 - index) % every == 0:
            label = month_name(month, "LLL").rstrip(".")
            parts.append(
                f'<text class="axis" x="{middle:.1f}" y="{top + up + font * 1.3:.1f}" text-anchor="middle">{escape(label)}</text>'
            )
        if index == 0 or month.month == 1:
            anchor, at = ("start", x) if step < font * 3 else ("middle", middle)
            if index == 0 or index * step > font * 3:
                parts.append(
                    f'<text class="axis year" x="{at:.1f}" y="{frame.height - 2}" text-anchor="{anchor}">{month.year}</text>'
                )
    return "".join([*parts, "</svg>"])


def spark(values: Sequence[float | None]) -> SafeString:
    """A small line beside a figure, from zero, its last point marked; gaps stay gaps. "" for fewer than two points."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return mark_safe("")
    most, step = max(known) or 1, 112 / (len(values) - 1)
    pieces: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((4 + index * step, 36 - 30 * value / most))
    drawn = []
    for piece in (p for p in pieces if p):
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in piece)
        drawn.append(
            f'<polygon points="{piece[0][0]:.1f},38 {line} {piece[-1][0]:.1f},38"/><polyline points="{line}"/>'
        )
    x, y = next(p for p in reversed(pieces) if p)[-1]
    dot = f'<path d="M{x:.1f} {y:.1f}h.01"/>'
    return mark_safe(  # noqa: S308 - numbers only
        f'<svg class="spark" viewBox="0 0 120 40" preserveAspectRatio="none" aria-hidden="true">{"".join(drawn)}{dot}</svg>'
    )


def share(value: float | None, most: float) -> SafeString:
    """A bar in a table, from zero to `most`; empty where nothing is known."""
    if value is None:
        return mark_safe("")
    width = 100 * value / most if most > 0 else 0
    return mark_safe(  # noqa: S308 - numbers only
        '<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="bar" width="{max(width, 0.4):.1f}" height="10"/></svg>'
    )


@dataclass(frozen=True)
class Shade:
    """A line of a map's key: css class, words."""

    css: str
    words: str


def shades(values: Sequence[float]) -> list[float]:
    """Round limits, equally spaced, that hold all values: CLASSES steps or one more. None when all are the same.

    >>> shades([83.8, 93.8])
    [82.0, 84.0, 86.0, 88.0, 90.0, 92.0, 94.0]
    """
    low, high = min(values), max(values)
    if high - low < 1e-6 * max(1, high):  # as good as the same
        return []
    step = _round_step((high - low) / CLASSES)
    first = math.floor(low / step)
    return [round(step * n, 10) for n in range(first, math.floor(high / step * 1.0000001) + 2)]


def zone_map(
    high: int, outlines: Sequence[territory.Outline], values: Mapping[int, float | None], *, title: str, unit: str = ""
) -> tuple[SafeString, list[Shade]]:
    """A map of the districts, darker where there is more, and its key. high: units of height for 1000 of width."""
    known = [v for o in outlines if (v := values.get(o.zone)) is not None]
    if len(outlines) < 2 or not known:
        return mark_safe(""), []
    limits = shades(known)
    steps = max(1, len(limits) - 1)

    def css(value: float | None) -> str:
        if value is None:
            return "none"
        return f"q{max(i for i in range(steps) if not limits or value >= limits[i])}"

    parts = [f'<svg class="zones n{steps}" viewBox="-6 -6 1012 {high + 12}" role="img" aria-label="{escape(title)}">']
    labels = []
    for outline in outlines:
        value = values.get(outline.zone)
        name = territory.zone(outline.zone)
        words = f"{name}: {number(value)} {unit if value is not None else ''}".strip()
        parts.append(f'<path class="{css(value)}" d="{outline.path}"><title>{escape(words)}</title></path>')
        if outline.width > len(number(value)) * 30:
            labels.append(
                f'<text x="{outline.x}" y="{outline.y + 14}" font-size="42" text-anchor="middle">{number(value)}</text>'
            )
    key = [
        Shade(f"q{i}", f"{number(a)} – {number(b)} {unit}".strip()) for i, (a, b) in enumerate(pairwise(limits))
    ] or [Shade("q0", f"{number(known[0])} {unit}".strip())]
    if len(known) < len(outlines):
        key.append(Shade("none", _("Nothing to show")))
    return mark_safe("".join([*parts, *labels, "</svg>"])), key  # noqa: S308 - names were escaped, paths are PostGIS's own
