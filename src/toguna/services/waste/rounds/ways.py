"""Times, distances and lines between places: by the town's roads, or, while these cannot be asked, as the crow flies and said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import numpy as np

from toguna.engines.territory import api as territory
from toguna.services.waste.rounds.ground import Point, apart, spot, straight
from toguna.services.waste.rounds.problem import NEVER, Matrix

__all__ = ["AT_ONCE", "Point", "Ways", "apart", "line", "matrices", "mode_of", "spot", "straight"]

AT_ONCE = 25  # places in one question for a line


@dataclass(frozen=True)
class Ways:
    """One matrix for each kind of vehicle; by_roads: whether all of them are of the town's roads."""

    matrices: dict[str, Matrix]
    by_roads: bool


def matrices(points: Sequence[Point], modes: Sequence[str], at: datetime | None = None) -> Ways:
    """at: when one drives; None: now, with what is closed and slow just now."""
    try:
        return Ways({mode: _by_roads(points, mode, at) for mode in modes}, by_roads=True)
    except territory.RoutingUnavailable:
        return Ways({mode: straight(points, mode) for mode in modes}, by_roads=False)


def _by_roads(points: Sequence[Point], mode: str, at: datetime | None) -> Matrix:
    try:
        found = territory.matrix(points, points, mode_of(mode), at)
    except territory.NoRoute:
        # One place that is near no road refuses the whole question: it is asked without such places, which nobody reaches.
        rows = [n for n, point in enumerate(points) if _reached(point, mode)]
        some = territory.matrix([points[n] for n in rows], [points[n] for n in rows], mode_of(mode), at)
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


def mode_of(mode: str) -> territory.Mode:
    return cast(territory.Mode, mode)


def _reached(point: Point, mode: str) -> bool:
    try:
        return territory.nearest_road(point, mode_of(mode)) is not None
    except territory.NoRoute:
        return False


def line(points: Sequence[Point], mode: str, *, by_roads: bool) -> list[Point]:
    """The way through all of these, for the map; straight where the roads cannot be asked."""
    if not by_roads or len(points) < 2:
        return list(points)
    found: list[Point] = []
    try:
        for first in range(0, len(points) - 1, AT_ONCE):
            found += territory.route(points[first : first + AT_ONCE + 1], mode_of(mode), steps=False).line
    except (territory.RoutingUnavailable, territory.NoRoute):
        return list(points)
    return found
