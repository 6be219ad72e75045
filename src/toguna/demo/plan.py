"""How the fictional town is laid out: main roads, the cells between them, and the districts made of those cells.

Every cell comes from one planar subdivision (river, roads, town limit), so districts share their edges exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Polygon
from shapely.ops import substring

from toguna.demo.terrain import Floats, Noise, Terrain, smooth_line

Edge = tuple[int, int]
_GRID = 0.01  # metres to which lines are noded
_ROADS = {"primary": 0, "secondary": 1, "tertiary": 2, "track": 3}


@dataclass(frozen=True)
class Arc:
    """A piece of road, river or limit between two junctions. kind: primary, secondary, tertiary, track, river, limit."""

    kind: str
    name: str
    points: Floats
    bridge: bool = False


@dataclass(frozen=True)
class District:
    """A quarter: some cells of the plan, one polygon."""

    number: int
    cells: tuple[int, ...]
    shape: shapely.Geometry


@dataclass(frozen=True)
class Plan:
    """The layout.

    radials: a road whose name is a lower number leads out of town; cells: polygons that tile the commune; characters:
    centre, old, planned, organic or rural, one per cell; south: which cells lie beyond the river; vertices and edges:
    the shared outline of the cells, an edge being (from, to) -> the cells on either side.
    """

    radials: int
    cells: NDArray[np.object_]
    characters: list[str]
    south: NDArray[np.bool_]
    roads: list[Arc]
    vertices: Floats
    edges: dict[Edge, list[int]]
    district_of: NDArray[np.int64]
    borough_of: NDArray[np.int64]
    districts: list[District]

    def outline(self, groups: NDArray[np.int64]) -> list[tuple[list[int], set[int]]]:
        """Boundary lines of grouped cells, each with the groups it bounds (one group: the town's own limit).

        Lines end where three groups meet, so that neighbours share the whole of each line.
        """
        sides: dict[frozenset[int], list[Edge]] = {}
        for edge, owners in self.edges.items():
            around = frozenset(int(groups[o]) for o in owners)
            if len(around) == 2 or len(owners) == 1:
                sides.setdefault(around, []).append(edge)
        return [
            (line, set(around))
            for around, edges in sorted(sides.items(), key=lambda item: sorted(item[0]))
            for line in chain(edges)
        ]


def chain(edges: list[Edge]) -> list[list[int]]:
    """Joins edges into lines that end where other than two of them meet; closed lines repeat their first vertex."""
    near: dict[int, list[int]] = {}
    for a, b in edges:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    left = {(min(e), max(e)) for e in edges}
    lines: list[list[int]] = []

    def walk(start: int, following: int) -> list[int]:
        line = [start, following]
        left.discard((min(line), max(line)))
        while len(near[line[-1]]) == 2 and line[-1] != start:
            here = line[-1]
            onward = next((v for v in near[here] if (min(v, here), max(v, here)) in left), None)
            if onward is None:
                break
            left.discard((min(onward, here), max(onward, here)))
            line.append(onward)
        return line

    for vertex in sorted(near):
        if len(near[vertex]) != 2:
            lines.extend(
                walk(vertex, other) for other in near[vertex] if (min(vertex, other), max(vertex, other)) in left
            )
    while left:
        lines.append(walk(*min(left)))
    return lines


def _radials(rng: np.random.Generator, ground: Terrain, rings: list[float]) -> list[tuple[str, LineString]]:
    size = ground.size
    reach = size.commune * 1.12
    starts: list[tuple[float, float, bool]] = [
        (12, 0, False),
        (62, 0, False),
        (114, 0, False),
        (166, 0, False),
        (-84, 0, True),
    ]
    if size.people >= 60_000:
        starts += [(38, rings[1], False), (140, rings[1], False), (-48, rings[1], True)]
    if size.people >= 500_000:
        starts += [
            (88, rings[1], False),
            (-132, rings[1], True),
            (25, rings[2], False),
            (75, rings[2], False),
            (152, rings[2], False),
        ]
    lines = []
    for degrees, start, crosses in starts:
        angle = degrees + rng.uniform(-4, 4)
        sway = Noise(rng, 3.5 * size.radius, 2)
        for _ in range(30):
            r = np.arange(start, reach, size.radius / 9)
            a = np.radians(angle) + 0.13 * sway(r, 0 * r) * np.clip(r / size.radius, 0, 1)
            points = smooth_line(np.column_stack([r * np.cos(a), r * np.sin(a)]), 1)
            line = LineString(points)
            if crosses or not line.intersects(ground.water.buffer(size.radius * 0.03)):
                break
            angle += 2.5 if cos(angle * pi / 180) > 0 else -2.5
        lines.append(("primary" if start == 0 else "secondary", line))
    return lines


def _rings(rng: np.random.Generator, ground: Terrain, shares: list[float]) -> list[LineString]:
    theta = np.linspace(0, 2 * pi, 120, endpoint=False)
    lines = []
    for r in shares:
        swell = Noise(rng, 1.5, 3)(np.cos(theta), np.sin(theta))
        radius = r * (1 + 0.11 * swell)
        points = np.column_stack([radius * np.cos(theta) * 1.06, radius * np.sin(theta) * 0.96])
        lines.append(LineString(np.vstack([points, points[:1]])))
    return lines


def _limit(rng: np.random.Generator, ground: Terrain) -> LineString:
    theta = np.linspace(0, 2 * pi, 90, endpoint=False)
    swell = Noise(rng, 1.1, 3)(np.cos(theta), np.sin(theta))
    radius = ground.size.commune * np.clip(1 + 0.07 * swell, 0.8, 1.14)
    points = np.column_stack([radius * np.cos(theta), radius * np.sin(theta) * 0.92])
    return LineString(np.vstack([points, points[:1]]))


def _cells(lines: list[LineString], commune: Polygon) -> NDArray[np.object_]:
    noded = shapely.union_all(lines, grid_size=_GRID)
    cells = np.array(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))
    inside = shapely.contains_xy(commune, *shapely.get_coordinates(shapely.point_on_surface(cells)).T)
    cells = cells[inside]
    centre = shapely.get_coordinates(shapely.centroid(cells))
    ordered: NDArray[np.object_] = cells[np.lexsort((centre[:, 1], centre[:, 0]))]
    return ordered


def _cut(rng: np.random.Generator, cell: Polygon) -> LineString | None:
    """A gently bent line across the middle of a cell, from side to side of its long axis."""
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(cell))[:4]
    sides = np.diff(np.vstack([box, box[:1]]), axis=0)[:2]
    lengths = np.hypot(*sides.T)
    along = sides[lengths.argmin()] / lengths.min()
    middle = np.array(cell.centroid.coords[0]) + rng.uniform(-0.1, 0.1) * sides[lengths.argmax()]
    reach = lengths.max()
    bend = rng.normal(0, 0.035) * lengths.min()
    t = np.linspace(-1, 1, 81)
    across = np.array([-along[1], along[0]])
    points = middle + reach * t[:, None] * along + bend * np.sin(t * reach / lengths.min() * pi)[:, None] * across
    pieces = shapely.get_parts(shapely.intersection(LineString(points), cell))
    pieces = [p for p in pieces if p.geom_type == "LineString"]
    if not pieces:
        return None
    points = np.array(max(pieces, key=lambda p: p.length).coords)
    if len(points) > 6:
        points = np.vstack([points[:1], points[3:-3:4], points[-1:]])
    # A few centimetres past both ends, so that the node falls on the neighbour's line; what sticks out is no cell.
    first, last = points[0] - points[1], points[-1] - points[-2]
    points[0] += first / max(np.hypot(*first), 1e-9) * 0.05
    points[-1] += last / max(np.hypot(*last), 1e-9) * 0.05
    return LineString(points)


def _group(
    weights: Floats, touching: dict[Edge, float], sides: NDArray[np.int64], count: int, cross: bool
) -> NDArray[np.int64]:
    """Merges cells, lightest first, each with the neighbour it shares most of its edge with, until `count` are left.

    Cells on different sides of the river merge only when `cross`, or when there is nobody else.
    """
    owner = np.arange(len(weights))
    mass = {i: float(w) for i, w in enumerate(weights)}
    border: dict[int, dict[int, float]] = {i: {} for i in mass}
    for (a, b), length in touching.items():
        border[a][b] = border[b][a] = length
    side = {i: int(s) for i, s in enumerate(sides)}
    while len(mass) > count:
        light = min(mass, key=lambda i: (mass[i], i))
        own = {o: w for o, w in border[light].items() if side[o] == side[light]}
        choice = own or (border[light] if cross or mass[light] < 0.15 * sum(mass.values()) / count else {})
        if not choice:
            mass[light] = float("inf")  # An island of its own: stays a group.
            if all(m == float("inf") for m in mass.values()):
                break
            continue
        best = max(choice, key=lambda o: (choice[o] / (mass[o] + 0.3 * sum(weights) / count), -o))
        mass[best] += mass.pop(light)
        owner[owner == light] = best
        for other, length in border.pop(light).items():
            del border[other][light]
            if other != best:
                border[best][other] = border[other][best] = border[best].get(other, 0.0) + length
    _, numbers = np.unique(owner, return_inverse=True)
    return np.asarray(numbers)


def make(rng: np.random.Generator, ground: Terrain) -> Plan:
    """Lays the town out on its ground."""
    size = ground.size
    radius = size.radius
    count = 3 if size.people < 200_000 else 5
    shares = (
        [0.30 * radius, 0.66 * radius, 1.08 * radius]
        if count == 3
        else [radius * s for s in (0.11, 0.25, 0.45, 0.72, 1.06)]
    )
    limit = _limit(rng, ground)
    commune = Polygon(limit)
    sources: list[tuple[str, LineString]] = [("limit", limit), ("river", ground.river)]
    sources += _radials(rng, ground, shares)
    radials = len(sources)
    sources += [("secondary", line) for line in _rings(rng, ground, shares)]
    inner = min(max(0.09 * radius**2, 6e4), 4.5e5)
    for _ in range(9):
        cells = _cells([line for _, line in sources], commune)
        centre = shapely.get_coordinates(shapely.centroid(cells))
        r = np.hypot(*centre.T)
        allowed = np.where(r < 1.25 * radius, inner, 0.5 * radius**2)
        large = np.flatnonzero(shapely.area(cells) > 1.5 * allowed)
        if not large.size:
            break
        for i in large.tolist():
            cut = _cut(rng, cells[i])
            if cut is not None:
                sources.append(("tertiary" if r[i] < 1.12 * radius else "track", cut))

    coordinates, of_cell = shapely.get_coordinates(shapely.get_exterior_ring(cells), return_index=True)
    whole = np.round(coordinates / _GRID).astype(np.int64)
    unique, numbers = np.unique(whole, axis=0, return_inverse=True)
    vertices = unique * _GRID
    edges: dict[Edge, list[int]] = {}
    same = of_cell[1:] == of_cell[:-1]
    for a, b, cell in zip(
        numbers[:-1][same].tolist(), numbers[1:][same].tolist(), of_cell[1:][same].tolist(), strict=True
    ):
        edges.setdefault((min(a, b), max(a, b)), []).append(cell)

    keys = list(edges)
    ends = np.array(keys)
    middles = (vertices[ends[:, 0]] + vertices[ends[:, 1]]) / 2
    lines = [line for _, line in sources]
    at, found = shapely.STRtree(lines).query_nearest(shapely.points(middles), return_distance=False)
    source = np.full(len(keys), len(lines))
    np.minimum.at(source, at, found)
    kinds = np.array([kind for kind, _ in sources], dtype=object)[source]
    lengths = np.hypot(*(vertices[ends[:, 0]] - vertices[ends[:, 1]]).T)

    centre = shapely.get_coordinates(shapely.point_on_surface(cells))
    bank = shapely.line_locate_point(ground.river, shapely.points(centre))
    here = shapely.get_coordinates(shapely.line_interpolate_point(ground.river, bank - 1))
    there = shapely.get_coordinates(shapely.line_interpolate_point(ground.river, bank + 1))
    flow, out = there - here, centre - here
    south = flow[:, 0] * out[:, 1] - flow[:, 1] * out[:, 0] < 0

    centroid = shapely.get_coordinates(shapely.centroid(cells))
    r = np.hypot(*centroid.T)
    wet = shapely.area(shapely.intersection(cells, ground.flood)) / shapely.area(cells)
    characters = []
    draw = rng.random(len(cells))
    for i in range(len(cells)):
        if r[i] > 1.3 * radius:
            characters.append("rural")
        elif r[i] < shares[0] * 1.02 and not south[i]:
            characters.append("centre")
        elif r[i] < shares[1] and not south[i] and -0.9 < np.arctan2(centroid[i, 1], centroid[i, 0]) < 0.75:
            characters.append("old")
        elif wet[i] > 0.3 or south[i]:
            characters.append("organic" if draw[i] < 0.75 else "planned")
        else:
            characters.append("planned" if draw[i] < 0.48 else "organic")

    touching: dict[Edge, float] = {}
    for (_edge, owners), kind, length in zip(edges.items(), kinds, lengths, strict=True):
        if len(owners) == 2:
            pair = (min(owners), max(owners))
            soft = {"primary": 0.25, "secondary": 0.5, "river": 0.1}.get(kind, 1.0)
            touching[pair] = touching.get(pair, 0.0) + soft * float(length)
    density = 1 / (1 + (r / radius) ** 5) * (1 - 0.8 * wet) * np.where(south, 0.7, 1.0)
    weights = shapely.area(cells) * (density + 0.02)
    wanted = max(4, round(11 * (size.people / 20_000) ** 0.42))
    district_of = _group(weights, touching, south.astype(int), wanted, cross=False)
    # The old planned centre comes first, then outward: numbers that a person could guess.
    order = np.array(
        [np.average(r[district_of == d], weights=weights[district_of == d]) for d in range(district_of.max() + 1)]
    )
    district_of = np.argsort(np.argsort(order))[district_of]
    many = district_of.max() + 1
    if size.people >= 100_000:
        between: dict[Edge, float] = {}
        for (a, b), length in touching.items():
            da, db = int(district_of[a]), int(district_of[b])
            if da != db:
                between[(min(da, db), max(da, db))] = between.get((min(da, db), max(da, db)), 0.0) + length
        mass = np.bincount(district_of, weights).astype(np.float64)
        banks = np.array([round(float(south[district_of == d].mean())) for d in range(many)])
        borough = _group(mass, between, banks, max(3, round(many / 7)), cross=False)
    else:
        borough = np.zeros(many, dtype=int)
    districts = [
        District(
            d,
            tuple(np.flatnonzero(district_of == d).tolist()),
            shapely.union_all(cells[district_of == d], grid_size=_GRID),
        )
        for d in range(many)
    ]

    roads = []
    wet_middle = shapely.intersects_xy(ground.flood.buffer(-1), *middles.T)
    by_source: dict[int, list[Edge]] = {}
    for n, key in enumerate(keys):
        # Only the roads out of town are carried over the flood plain.
        if kinds[n] in _ROADS and (source[n] < radials or not wet_middle[n]):
            by_source.setdefault(int(source[n]), []).append(key)
    for number, pieces in sorted(by_source.items()):
        for line in chain(pieces):
            roads.extend(_bridged(Arc(sources[number][0], str(number), vertices[line]), ground.water))
    return Plan(radials, cells, characters, south, roads, vertices, edges, district_of, borough[district_of], districts)


def _bridged(arc: Arc, water: shapely.Geometry) -> list[Arc]:
    """The road in up to three pieces: before, over and after the river."""
    line = LineString(arc.points)
    over = shapely.intersection(line, water.buffer(12))
    if over.is_empty or over.length < 5:
        return [arc]
    ends = [line.project(shapely.Point(p)) for p in shapely.get_coordinates(over)]
    return [
        Arc(arc.kind, arc.name, np.round(np.array(piece.coords), 2), bridge)
        for start, end, bridge in ((0, min(ends), False), (min(ends), max(ends), True), (max(ends), line.length, False))
        if end - start > 0.5
        for piece in [substring(line, start, end)]
    ]
