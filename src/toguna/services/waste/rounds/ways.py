"""Times, distances and lines between places: by the town's roads, or, while these cannot be asked, as the crow flies and said so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from toguna.services.waste.rounds.problem import Matrix

Point = tuple[float, float]  # longitude, latitude

SPEED = {"truck": 20.0, "tricycle": 16.0, "cart": 4.5}  # km/h, in town, where nothing better is known
DETOUR = 1.35  # metres of road for a metre as the crow flies


@dataclass(frozen=True)
class Ways:
    """One matrix for each kind of vehicle; by_roads: whether all of them are of the town's roads."""

    matrices: dict[str, Matrix]
    by_roads: bool


def matrices(points: Sequence[Point], modes: Sequence[str], at: datetime | None = None) -> Ways:
    return Ways({mode: straight(points, mode) for mode in modes}, by_roads=False)


def line(points: Sequence[Point], mode: str, *, by_roads: bool) -> list[Point]:
    """The way through all of these, for the map."""
    return list(points)


def straight(points: Sequence[Point], mode: str) -> Matrix:
    at = np.radians(np.array(points, dtype=float).reshape(-1, 2))
    east = (at[:, None, 0] - at[None, :, 0]) * np.cos(at[:, None, 1].mean() if len(at) else 0.0)
    north = at[:, None, 1] - at[None, :, 1]
    metres = np.hypot(east, north) * 6_371_000 * DETOUR
    return Matrix(np.rint(metres / (SPEED[mode] / 3.6)).astype(np.int64), np.rint(metres).astype(np.int64))


def apart(first: Point, second: Point) -> float:
    """Metres as the crow flies."""
    shrink = math.cos(math.radians((first[1] + second[1]) / 2))
    return math.hypot((first[0] - second[0]) * shrink, first[1] - second[1]) * 111_195
