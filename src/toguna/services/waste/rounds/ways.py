"""Times, distances and lines between places: by the town's roads, or, while these cannot be asked, as the crow flies and said so."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np

from toguna.engines.territory import api as territory
from toguna.services.waste.models import Truck
from toguna.services.waste.rounds.ground import Point, apart, spot, straight
from toguna.services.waste.rounds.problem import NEVER, Matrix

__all__ = ["AT_ONCE", "Point", "Ways", "apart", "kind_of", "line", "matrices", "mode_of", "seconds", "spot", "straight"]

AT_ONCE = 25  # places in one question for a line


@dataclass(frozen=True)
class Ways:
    """One matrix for each kind of vehicle (`kind_of`); by_roads: whether all of them are of the town's roads."""

    matrices: dict[str, Matrix]
    by_roads: bool


def matrices(points: Sequence[Point], kinds: Sequence[str], at: datetime | None = None) -> Ways:
    """kinds: of `kind_of`; at: when one drives; None: now, with what is closed and slow just now."""
    try:
        return Ways({kind: _by_roads(points, kind, at) for kind in kinds}, by_roads=True)
    except territory.RoutingUnavailable:
        return Ways({kind: straight(points, kind.split(":")[0]) for kind in kinds}, by_roads=False)


def _by_roads(points: Sequence[Point], kind: str, at: datetime | None) -> Matrix:
    try:
        found = territory.matrix(points, points, mode_of(kind), at)
    except territory.NoRoute:
        # One place that is near no road refuses the whole question: it is asked without such places, which nobody reaches.
        rows = [n for n, point in enumerate(points) if _reached(point, kind)]
        some = territory.matrix([points[n] for n in rows], [points[n] for n in rows], mode_of(kind), at)
        seconds = np.full((len(points), len(points)), np.nan)
        metres = seconds.copy()
        grid = np.ix_(rows, rows)
        seconds[grid], metres[grid] = some.seconds, some.metres
    else:
        seconds, metres = found.seconds, found.metres
    none = np.isnan(seconds) | np.isnan(metres)
    np.fill_diagonal(none, False)
    seconds, metres = (
        np.rint(np.where(none, NEVER, np.nan_to_num(seconds))),
        np.rint(np.where(none, NEVER, np.nan_to_num(metres))),
    )
    np.fill_diagonal(seconds, 0)
    np.fill_diagonal(metres, 0)
    return Matrix(seconds.astype(np.int64), metres.astype(np.int64))


def kind_of(truck: Truck) -> str:
    """What goes the same ways: "cart", or "truck:16000:350" with kilograms and centimetres where they are known."""
    if truck.mode != Truck.Mode.TRUCK or not (truck.gross or truck.height):
        return truck.mode
    return f"{truck.mode}:{truck.gross or ''}:{truck.height or ''}"


def mode_of(kind: str) -> territory.Mode | territory.Vehicle:
    mode, *size = kind.split(":")
    if not size:
        return cast(territory.Mode, mode)
    kilograms, centimetres = size
    return territory.Vehicle(
        cast(territory.Mode, mode),
        weight_t=int(kilograms) / 1000 if kilograms else None,
        height_m=int(centimetres) / 100 if centimetres else None,
    )


def _reached(point: Point, kind: str) -> bool:
    try:
        return territory.nearest_road(point, mode_of(kind)) is not None
    except territory.NoRoute:
        return False


def seconds(legs: Sequence[tuple[Point, Point, datetime]], kind: str) -> list[int]:
    """Of each leg of one way (from, to, when it sets off), at its hour: one question for each hour. Raises territory.RoutingUnavailable and
    territory.NoRoute."""
    found: list[int] = []
    for _hour, same in itertools.groupby(legs, key=lambda leg: leg[2].replace(minute=0, second=0, microsecond=0)):
        together = list(same)
        for first in range(0, len(together), AT_ONCE):
            some = together[first : first + AT_ONCE]
            points = [some[0][0], *(to for _from, to, _at in some)]
            answer = territory.route(points, mode_of(kind), some[0][2], steps=False)
            found += [round(leg.seconds) for leg in answer.legs]
    return found


def line(points: Sequence[Point], kind: str, *, by_roads: bool) -> list[Point]:
    """The way through all of these, for the map; straight where the roads cannot be asked."""
    if not by_roads or len(points) < 2:
        return list(points)
    found: list[Point] = []
    try:
        for first in range(0, len(points) - 1, AT_ONCE):
            found += territory.route(points[first : first + AT_ONCE + 1], mode_of(kind), steps=False).line
    except (territory.RoutingUnavailable, territory.NoRoute):
        return list(points)
    return found
