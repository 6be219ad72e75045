"""In which order to visit places: a short round from a starting point. Pure; a day is at most some sixty stops."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

Point = tuple[float, float]  # lon, lat in degrees
EARTH_M = 6_371_000.0
LEAST_M = 0.01  # a gain smaller than this is rounding, and would turn for ever


def metres(a: Point, b: Point) -> float:
    """As the crow flies, on a sphere."""
    west, east = radians(a[0]), radians(b[0])
    south, north = radians(a[1]), radians(b[1])
    half = sin((north - south) / 2) ** 2 + cos(south) * cos(north) * sin((east - west) / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(half)))


def length(start: Point, stops: Sequence[Point], order: Sequence[int]) -> float:
    """Metres from the start through the stops, without the way back."""
    way = [start, *(stops[i] for i in order)]
    return sum(metres(a, b) for a, b in pairwise(way))


def ordered(start: Point, stops: Sequence[Point]) -> list[int]:
    """The indexes of the stops in a good order: the nearest one each time, or the order as given when that is shorter, then
    parts turned round as long as it gets shorter (2-opt). Never longer than the order as given."""
    given = list(range(len(stops)))
    best = min(_nearest(start, stops), given, key=lambda order: length(start, stops, order))
    return _turned(start, stops, best)


def _nearest(start: Point, stops: Sequence[Point]) -> list[int]:
    left, here, order = set(range(len(stops))), start, []
    while left:
        following = min(left, key=lambda i: (metres(here, stops[i]), i))
        left.remove(following)
        order.append(following)
        here = stops[following]
    return order


def _turned(start: Point, stops: Sequence[Point], order: list[int]) -> list[int]:
    way = [start, *(stops[i] for i in order)]
    order = [-1, *order]
    shorter = True
    while shorter:
        shorter = False
        for i in range(1, len(way) - 1):
            for j in range(i + 1, len(way)):
                before = metres(way[i - 1], way[i])
                after = metres(way[i - 1], way[j])
                if j + 1 < len(way):
                    before += metres(way[j], way[j + 1])
                    after += metres(way[i], way[j + 1])
                if after < before - LEAST_M:
                    way[i : j + 1] = way[i : j + 1][::-1]
                    order[i : j + 1] = order[i : j + 1][::-1]
                    shorter = True
    return order[1:]
