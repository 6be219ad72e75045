"""The ground of the fictional town: its river, flood plain, hills and streams. Lengths in metres, x east, y north."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The middle of an almost empty stretch of Sudan savannah. No town of this name, and none of any name, stands there.
LATITUDE, LONGITUDE = 13.95, -8.85
_METRES = 111_195.0 * np.array([np.cos(np.radians(LATITUDE)), 1.0])  # in a degree of longitude, of latitude
_PEOPLE_PER_KM2 = 6_500.0


def to_degrees(xy: Floats) -> Floats:
    """(n, 2) metres from the town's centre -> (n, 2) longitude and latitude, rounded to OSM's 1e-7 degree."""
    degrees: Floats = np.round(np.asarray(xy) / _METRES + np.array([LONGITUDE, LATITUDE]), 7)
    return degrees


def to_metres(lonlat: Floats) -> Floats:
    """(n, 2) longitude and latitude -> (n, 2) metres from the town's centre."""
    metres: Floats = (np.asarray(lonlat) - np.array([LONGITUDE, LATITUDE])) * _METRES
    return metres


@dataclass(frozen=True)
class Size:
    """How big a town of so many people is. radius: of what is built; commune: of its whole territory; metres."""

    people: int

    @property
    def radius(self) -> float:
        return max(350.0, 1000.0 * sqrt(self.people / _PEOPLE_PER_KM2 / pi))

    @property
    def commune(self) -> float:
        return 2.1 * self.radius + 700.0

    @property
    def half_side(self) -> float:
        """Half the side of the square that relief and river cover: the commune and a margin."""
        return 1.2 * self.commune + 200.0


class Noise:
    """Smooth noise at any points, of about -1..1 and mean 0: waves of a few lengths in every direction."""

    def __init__(self, rng: np.random.Generator, scale: float, octaves: int = 3) -> None:
        waves = 9
        lengths = np.repeat(scale / 2.0 ** np.arange(octaves), waves)
        angles = rng.uniform(0, 2 * pi, lengths.size)
        self._kx = 2 * pi * np.cos(angles) / lengths
        self._ky = 2 * pi * np.sin(angles) / lengths
        self._phase = rng.uniform(0, 2 * pi, lengths.size)
        amplitude = np.repeat(0.5 ** np.arange(octaves), waves)
        self._amplitude = amplitude / np.sqrt((amplitude**2).sum())

    def __call__(self, x: Floats, y: Floats) -> Floats:
        total = np.zeros(np.broadcast(x, y).shape)
        for kx, ky, phase, amplitude in zip(self._kx, self._ky, self._phase, self._amplitude, strict=True):
            total += amplitude * np.sin(kx * x + ky * y + phase)
        return total


@dataclass(frozen=True)
class Grid:
    """A field on a square of `half` metres each side of the centre. values[row, column], row 0 in the south."""

    half: float
    values: Floats

    def at(self, x: Floats, y: Floats) -> Floats:
        """Bilinear value at points, clamped to the square."""
        n = self.values.shape[0]
        column = np.clip((np.asarray(x) + self.half) / (2 * self.half) * (n - 1), 0, n - 1.001)
        row = np.clip((np.asarray(y) + self.half) / (2 * self.half) * (n - 1), 0, n - 1.001)
        c, r = column.astype(int), row.astype(int)
        fx, fy = column - c, row - r
        v = self.values
        low = v[r, c] * (1 - fx) + v[r, c + 1] * fx
        high = v[r + 1, c] * (1 - fx) + v[r + 1, c + 1] * fx
        return np.asarray(low * (1 - fy) + high * fy)


@dataclass(frozen=True)
class Terrain:
    """The ground. river: centre line, from source to mouth; water, flood: polygons of its bed and of its plain;
    streams: lines down to the river; height(x, y): metres above the sea."""

    size: Size
    river: shapely.LineString
    water: shapely.Geometry
    flood: shapely.Geometry
    streams: list[shapely.LineString]
    height: Callable[[Floats, Floats], Floats]


def smooth_line(points: Floats, rounds: int = 2) -> Floats:
    """Chaikin's corner cutting: the same ends, rounder between."""
    for _ in range(rounds):
        cut = np.empty((2 * len(points) - 2, 2))
        cut[0::2] = 0.75 * points[:-1] + 0.25 * points[1:]
        cut[1::2] = 0.25 * points[:-1] + 0.75 * points[1:]
        points = np.vstack([points[:1], cut, points[-1:]])
    return points


def _ramp(x: Floats) -> Floats:
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))


def _river(rng: np.random.Generator, size: Size) -> Floats:
    """A meandering line from west to east that leaves the centre on its northern bank."""
    step = size.radius / 40
    count = int(3.4 * size.half_side / step)
    s = (np.arange(count, dtype=np.float64) - count / 2) * step
    length = 1.75 * size.radius
    swell = Noise(rng, 5 * size.radius, 2)(s, 0 * s)
    heading = -0.12 + (0.85 + 0.25 * swell) * np.sin(2 * pi * s / length + 0.6 + 0.5 * swell)
    xy = np.cumsum(np.column_stack([np.cos(heading), np.sin(heading)]), axis=0) * step
    xy -= xy[count // 2]
    near = np.abs(xy[:, 0]) < 0.4 * size.radius
    xy[:, 1] -= xy[near, 1].max() + 0.30 * size.radius
    inside = np.flatnonzero((np.abs(xy) < size.half_side * 1.02).all(axis=1))
    middle = inside[np.abs(xy[inside, 0]).argmin()]
    breaks = np.flatnonzero(np.diff(inside) > 1)
    start = max((inside[b + 1] for b in breaks if inside[b + 1] <= middle), default=inside[0])
    end = min((inside[b] for b in breaks if inside[b] >= middle), default=inside[-1])
    return np.asarray(xy[start : end + 1])


def _drain(surface: Floats, sea: NDArray[np.bool_], threshold: int) -> list[list[int]]:
    """Streams on a grid, as lists of flat cell numbers from spring to river: every cell drains by the lowest way out."""
    rows, columns = surface.shape
    flat = surface.ravel()
    parent = np.full(flat.size, -1)
    seen = sea.ravel().copy()
    queue = [(float(flat[i]), int(i)) for i in np.flatnonzero(seen)]
    heapq.heapify(queue)
    order = []
    around = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    while queue:
        level, cell = heapq.heappop(queue)
        order.append(cell)
        r, c = divmod(cell, columns)
        for dr, dc in around:
            if 0 <= r + dr < rows and 0 <= c + dc < columns:
                other = cell + dr * columns + dc
                if not seen[other]:
                    seen[other] = True
                    parent[other] = cell
                    heapq.heappush(queue, (max(level, float(flat[other])), other))
    load = np.ones(flat.size, dtype=int)
    for cell in reversed(order):
        if parent[cell] >= 0:
            load[parent[cell]] += load[cell]
    wet = (load >= threshold) & ~sea.ravel()
    fed = np.zeros(flat.size, dtype=bool)
    fed[parent[np.flatnonzero(wet)]] = True
    springs = [int(i) for i in np.flatnonzero(wet & ~fed)]
    springs.sort(key=lambda i: -_steps(i, parent))
    taken: set[int] = set()
    streams = []
    for spring in springs:
        path = [spring]
        while parent[path[-1]] >= 0 and path[-1] not in taken:
            path.append(int(parent[path[-1]]))
        taken.update(path)
        if len(path) > 5:
            streams.append(path)
    return streams


def _steps(cell: int, parent: NDArray[np.int64]) -> int:
    count = 0
    while parent[cell] >= 0:
        cell, count = int(parent[cell]), count + 1
    return count


def make(rng: np.random.Generator, size: Size) -> Terrain:
    """The ground for a town of that size."""
    radius, half = size.radius, size.half_side
    middle = _river(rng, size)
    river = shapely.LineString(middle)
    s = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(middle, axis=0).T))])
    wide = 26.0 * (size.people / 20_000) ** 0.32
    width = wide * (1 + 0.25 * Noise(rng, 1.2 * radius)(s, 0 * s))
    fine = np.arange(0, s[-1], wide / 7)
    discs = shapely.buffer(shapely.line_interpolate_point(river, fine), np.interp(fine, s, width) / 2)
    water = shapely.union_all(discs).simplify(wide / 40)
    # The plain is wide above and below the town; the town stands where the banks are high and the crossing is short.
    away = _ramp((np.abs(middle[:, 0]) - 0.15 * radius) / (0.9 * radius))
    plain = radius * (0.09 + away * (0.12 + 0.05 * Noise(rng, 1.5 * radius)(s, 0 * s + 9e4)))
    flood = shapely.union_all(shapely.buffer(shapely.points(middle[::2]), plain[::2])).simplify(radius / 400)

    n = 192 if size.people < 300_000 else 320
    axis = np.linspace(-half, half, n)
    x, y = np.meshgrid(axis, axis)
    points = shapely.points(x.ravel(), y.ravel())
    distance = shapely.distance(river, points).reshape(x.shape)
    along = shapely.line_locate_point(river, points).reshape(x.shape)
    half_plain = np.interp(along, s, plain)
    level = 300.0 - 0.0006 * along
    above = distance - half_plain
    hills = Noise(rng, 2.2 * radius, 4)
    far = _ramp(above / (1.1 * radius))
    relief = (12 + 16 * min(radius / 1000, 4)) * far * (0.35 + 0.65 * _ramp(0.5 + 0.5 * hills(x, y)))
    in_plain = 2.0 * np.clip(distance / half_plain, 0, 1) ** 1.3
    surface = level + in_plain + 2.5 * _ramp(above / (0.12 * radius)) + 0.004 * np.clip(above, 0, None) + relief

    cells = _drain(surface, distance < half / n * 1.5, threshold=n * n // 90)
    streams: list[shapely.LineString] = []
    for path in cells:
        row, column = np.divmod(np.array(path), n)
        line = np.column_stack([axis[column], axis[row]])
        line[1:-1] += rng.normal(0, half / n * 0.35, line[1:-1].shape)
        mouth = shapely.Point(line[-1])
        into = min([river, *streams], key=mouth.distance)
        line[-1] = into.interpolate(into.project(mouth)).coords[0]
        streams.append(shapely.LineString(smooth_line(np.vstack([line[:-1:2], line[-1:]]))))
    if streams:
        gully = shapely.distance(shapely.union_all(streams), points).reshape(x.shape)
        surface = surface - np.minimum(4.0, 0.25 * (surface - level)) * np.exp(-((gully / (half / n * 1.2)) ** 2))
    ground = Grid(half, surface - level)
    levels = Grid(half, level)
    texture = Noise(rng, radius / 6, 3)
    nearness = Grid(half, distance)
    # Wide enough that every cell of a 30 m relief that the river runs through is its bed.
    trough = shapely.buffer(water, 16)
    shapely.prepare(trough)

    def height(px: Floats, py: Floats) -> Floats:
        """Metres above the sea. The river's bed is the lowest line of every cross-section."""
        up = ground.at(px, py)
        z = levels.at(px, py) + np.maximum(up, 0.2) + 0.35 * texture(px, py) * _ramp(up / 4 - 0.3)
        close = nearness.at(px, py) < wide * 2 + 60
        bed = np.zeros(z.shape, dtype=bool)
        bed[close] = shapely.intersects_xy(trough, px[close], py[close])
        return np.asarray(np.where(bed, levels.at(px, py) - 2.5, z))

    return Terrain(size, river, water, flood, streams, height)
