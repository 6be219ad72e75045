"""Points, and what is between them as the crow flies: used while the roads cannot be asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from toguna.services.waste.rounds.problem import Matrix

Point = tuple[float, float]  # longitude, latitude

SPEED = {"truck": 20.0, "tricycle": 16.0, "cart": 4.5}  # km/h, in town, where nothing better is known
DETOUR = 1.35  # metres of road for a metre as the crow flies


def straight(points: Sequence[Point], mode: str) -> Matrix:
    at = np.radians(np.array(points, dtype=float).reshape(-1, 2))
    east = (at[:, None, 0] - at[None, :, 0]) * np.cos(at[:, None, 1].mean() if len(at) else 0.0)
    north = at[:, None, 1] - at[None, :, 1]
    metres = np.hypot(east, north) * 6_371_000 * DETOUR
    return Matrix(np.rint(metres / (SPEED[mode] / 3.6)).astype(np.int64), np.rint(metres).astype(np.int64))


def spot(point: Any) -> Point:
    """Of a geometry that is a point."""
    return point.x, point.y


def apart(first: Point, second: Point) -> float:
    """Metres as the crow flies."""
    shrink = math.cos(math.radians((first[1] + second[1]) / 2))
    return math.hypot((first[0] - second[0]) * shrink, first[1] - second[1]) * 111_195
