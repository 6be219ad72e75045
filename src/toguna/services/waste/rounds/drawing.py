"""Rounds as a drawing: no tiles and no script, the table beside it says the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from toguna.engines.territory import api as territory
from toguna.services.waste.rounds.ways import Point

WIDTH = 1000
# Dark enough on white for 3:1, and told apart by their dashes where colours are not.
COLOURS = ("#1f2a5c", "#b3470f", "#1a6b4a", "#8a1f5e", "#5a4a00", "#0b6a8a", "#7a2e2e", "#444444")
DASHES = ("", "14 6", "4 5", "18 5 4 5", "9 4", "2 4", "22 6", "6 8")


@dataclass(frozen=True)
class Mark:
    """words: its title; label: what is written in it; done: paler."""

    point: Point
    words: str
    label: str = ""
    done: bool = False


@dataclass(frozen=True)
class Track:
    """A round: its name, its line, its stops, where its truck is."""

    name: str
    line: Sequence[Point]
    stops: Sequence[Mark] = ()
    truck: Mark | None = None


_TRUCK = "M0 2h15v13h-15zM17 6h5l4 5v4h-9zM3 17a3 3 0 1 0 6 0zM17 17a3 3 0 1 0 6 0z"


def colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def dash(number: int) -> list[float]:
    """Of a line on the map, in widths of the line."""
    return [round(int(part) / 3.5, 1) for part in DASHES[number % len(DASHES)].split()]


def sample(number: int) -> SafeString:
    """A round's line, for the key."""
    dash = DASHES[number % len(DASHES)]
    return mark_safe(  # noqa: S308 - constants
        f'<svg viewBox="0 0 48 10" aria-hidden="true"><line x1="0" y1="5" x2="48" y2="5" stroke-width="4" stroke="{colour(number)}"'
        + (f' stroke-dasharray="{dash}"/></svg>' if dash else "/></svg>")
    )


def drawn(tracks: Sequence[Track], squares: Sequence[Mark], *, title: str, large: float = 1) -> SafeString:
    """squares: depots and dumps; large: how much larger than on a page of the office, where a truck shows the number of its track; there it
    shows that it is a truck. "" when there is nothing to draw."""
    points = [p for t in tracks for p in (*t.line, *(m.point for m in t.stops))] + [m.point for m in squares]
    points += [t.truck.point for t in tracks if t.truck]
    if not points:
        return mark_safe("")
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    narrow = math.cos(math.radians((south + north) / 2)) or 1.0
    edge = round(30 * large)
    scale = (WIDTH - 2 * edge) / max((east - west) * narrow, (north - south) * 0.8, 1e-4)
    height = round((north - south) * scale + 2 * edge)

    def at(point: Sequence[float]) -> tuple[float, float]:
        return round(edge + (point[0] - west) * narrow * scale, 1), round(edge + (north - point[1]) * scale, 1)

    parts = [
        f'<svg class="rounds" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    ]
    for name, shape in territory.zone_shapes([z.id for z in territory.districts()]) if territory.districts() else ():
        simple: Any = shape.simplify(max(east - west, 1e-4) / 300, preserve_topology=True)
        rings = simple.coords if simple.geom_type == "MultiPolygon" else (simple.coords,)
        path = "".join(
            "M" + "L".join(f"{x},{y}" for x, y in map(at, ring)) + "Z" for polygon in rings for ring in polygon
        )
        parts.append(
            f'<path d="{path}" fill="#f4efe6" stroke="#c9bfae" stroke-width="1.5"><title>{escape(name)}</title></path>'
        )
    for number, track in enumerate(tracks):
        line = " ".join(f"{x},{y}" for x, y in map(at, track.line))
        dash = DASHES[number % len(DASHES)]
        parts.append(
            f'<polyline points="{line}" fill="none" stroke="{colour(number)}" stroke-width="3.5" stroke-linejoin="round"'
            + (f' stroke-dasharray="{dash}"' if dash else "")
            + f"><title>{escape(track.name)}</title></polyline>"
        )
    for mark in squares:
        x, y = at(mark.point)
        parts.append(
            f'<rect x="{x - 9}" y="{y - 9}" width="18" height="18" fill="#111"><title>{escape(mark.words)}</title></rect>'
        )
    for number, track in enumerate(tracks):
        parts += [_stop(mark, at(mark.point), number, large) for mark in track.stops]
    for number, track in enumerate(tracks):
        if track.truck:
            x, y = at(track.truck.point)
            parts.append(
                f'<g><circle cx="{x}" cy="{y}" r="{20 * large:g}" fill="{colour(number)}" stroke="#fff" stroke-width="4"/>'
                + (
                    f'<text x="{x}" y="{y + 7}" text-anchor="middle" font-size="20" font-weight="bold" fill="#fff">{number + 1}</text>'
                    if large == 1
                    else f'<path d="{_TRUCK}" transform="translate({x - 13 * large:g} {y - 10 * large:g}) scale({large:g})" fill="#fff"/>'
                )
                + f"<title>{escape(track.truck.words)}</title></g>"
            )
    return mark_safe("".join([*parts, "</svg>"]))  # noqa: S308 - names are escaped, the rest are numbers


def _stop(mark: Mark, at: tuple[float, float], number: int, large: float) -> str:
    fill = "#fff" if mark.done else colour(number)
    ink = colour(number) if mark.done else "#fff"
    x, y = at
    return (
        f'<g><circle cx="{x}" cy="{y}" r="{10 * large:g}" fill="{fill}" stroke="{colour(number)}" stroke-width="2"/>'
        f'<text x="{x}" y="{y + 4 * large:g}" text-anchor="middle" font-size="{11 * large:g}" fill="{ink}">{escape(mark.label)}</text>'
        f"<title>{escape(mark.words)}</title></g>"
    )
