"""Charts as SVG, made on the server: no script, readable on paper, in the dark and at 320 px. A table stands beside each.

Bars start at zero. A month with nothing to show is left empty, never drawn as zero. Colours come from the page (CSS
classes), so that the dark and the printed page have theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from django.utils.formats import date_format, number_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe


def number(value: float | None, decimals: int | None = None) -> str:
    """As people write it in their language: "1 234", "12,5"."""
    if value is None:
        return "–"
    if decimals is None:
        decimals = 0 if abs(value) >= 100 or value == int(value) else 1
    return str(number_format(value, decimals, force_grouping=True))


def ticks(top: float, about: int = 4) -> list[float]:
    """Round numbers from 0 to at least `top`.

    >>> ticks(87)
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    """
    if top < 1e-9:
        return [0.0, 1.0]
    raw = top / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    return [round(step * n, 10) for n in range(math.ceil(top / step * 0.9999) + 1)]


def bars(months: Sequence[date], values: Sequence[float | None], *, title: str, unit: str = "") -> SafeString:
    """Columns by month. width 640 x 260 units, drawn as wide as its place."""
    width, height, left, bottom, top = 640, 260, 46, 34, 14
    scale = ticks(max((v for v in values if v is not None), default=0))
    most = scale[-1]
    across, up = width - left - 6, height - bottom - top
    step = across / max(1, len(months))
    parts = [f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">']
    for tick in scale:
        y = top + up * (1 - tick / most)
        parts.append(f'<line class="grid-line" x1="{left}" x2="{width - 6}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="axis" x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{number(tick)}</text>')
    every = 1 if len(months) <= 8 else 2 if len(months) <= 13 else 3
    for index, (month, value) in enumerate(zip(months, values, strict=True)):
        x = left + step * index
        if value is not None:
            tall = up * value / most
            last = ' class="bar last"' if index == len(months) - 1 else ' class="bar"'
            words = f"{date_format(month, 'F Y')}: {number(value)} {unit}".strip()
            parts.append(
                f'<rect{last} x="{x + step * 0.14:.1f}" y="{top + up - tall:.1f}" width="{step * 0.72:.1f}" '
                f'height="{max(tall, 0.5):.1f}" rx="2"><title>{escape(words)}</title></rect>'
            )
        if (len(months) - 1 - index) % every == 0:
            label = date_format(month, "M") if month.month != 1 else f"{month.year}"
            parts.append(
                f'<text class="axis" x="{x + step / 2:.1f}" y="{height - 12}" text-anchor="middle">{escape(label)}</text>'
            )
    parts.append("</svg>")
    return mark_safe("".join(parts))  # noqa: S308 - every word was escaped


def spark(values: Sequence[float | None]) -> SafeString:
    """A small line beside a figure; gaps stay gaps."""
    known = [v for v in values if v is not None]
    if len(known) < 2:
        return mark_safe("")
    most = max(known) or 1
    step = 116 / max(1, len(values) - 1)
    pieces: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{2 + index * step:.1f},{34 - 30 * value / most:.1f}")
    lines = "".join(f'<polyline points="{" ".join(p)}"/>' for p in pieces if p)
    return mark_safe(f'<svg class="spark" viewBox="0 0 120 36" aria-hidden="true">{lines}</svg>')  # noqa: S308 - numbers only
