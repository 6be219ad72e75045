"""In which order a collector walks: street after street, each from one end to the other. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import cos, hypot, radians

Point = tuple[float, float]  # lon, lat in degrees
DEGREE = 111_195.0  # metres of one of latitude
CELL = 0.001  # degrees: things on no street are walked square by square of some hundred metres


def metres(a: Point, b: Point) -> float:
    """Within a town, where the ground is flat."""
    return hypot((a[0] - b[0]) * cos(radians((a[1] + b[1]) / 2)), a[1] - b[1]) * DEGREE


def walked(start: Point, places: Sequence[tuple[Hashable | None, Point | None]]) -> list[int]:
    """The indexes of the places, (street, point) of each, in the order of a walk that begins at `start`. Those without a point come
    last, as they were given."""
    streets: dict[Hashable, list[int]] = {}
    for n, (street, point) in enumerate(places):
        if point is not None:
            key = street if street is not None else ("cell", round(point[0] / CELL), round(point[1] / CELL))
            streets.setdefault(key, []).append(n)
    ways = [_along([(n, places[n][1] or start) for n in rows]) for rows in streets.values()]
    order: list[int] = []
    here = start
    while ways:  # the street of which an end is nearest, from that end
        nearest = min(range(len(ways)), key=lambda n: min(metres(here, ways[n][0][1]), metres(here, ways[n][-1][1])))
        way = ways.pop(nearest)
        if metres(here, way[-1][1]) < metres(here, way[0][1]):
            way.reverse()
        order += [n for n, _point in way]
        here = way[-1][1]
    return order + [n for n, (_street, point) in enumerate(places) if point is None]


def _along(rows: list[tuple[int, Point]]) -> list[tuple[int, Point]]:
    """From one end of the street to the other: along the line that its points lie on."""
    count = len(rows)
    x, y = sum(point[0] for _n, point in rows) / count, sum(point[1] for _n, point in rows) / count
    shrink = cos(radians(y))
    flat = [((point[0] - x) * shrink, point[1] - y) for _n, point in rows]
    across = sum(a * b for a, b in flat)
    spread = sum(a * a - b * b for a, b in flat)
    length = hypot(spread, 2 * across)
    east, north = (length + spread, 2 * across) if spread >= 0 else (2 * across, length - spread)
    if not (east or north):
        east = 1.0
    ranked = sorted(range(count), key=lambda n: (flat[n][0] * east + flat[n][1] * north, rows[n][0]))
    return [rows[n] for n in ranked]
