"""What fills the fictional town's cells: blocks, lanes and buildings, a grid where it was planned and not elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString

from toguna.demo.plan import Arc, Plan, chain
from toguna.demo.terrain import Floats, Noise, Terrain

Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

# Metres, by character: block length and width, disorder 0..1, half a lane, frontage of a house, rows of houses.
_PATTERNS = {
    "centre": (92.0, 62.0, 0.0, 5.5, 17.0, 2),
    "planned": (84.0, 52.0, 0.0, 5.0, 14.5, 2),
    "old": (58.0, 46.0, 0.62, 2.2, 10.5, 2),
    "organic": (66.0, 50.0, 0.45, 2.8, 12.0, 2),
}
# What public compounds are built of: frontage, depth and rows of their buildings.
_COMPOUNDS = {
    "school": (27.0, 8.0, 1),
    "college": (34.0, 9.0, 2),
    "hospital": (26.0, 11.0, 2),
    "health": (20.0, 10.0, 1),
    "market": (5.6, 4.2, 5),
    "townhall": (36.0, 15.0, 1),
    "station": (22.0, 6.0, 1),
    "office": (28.0, 13.0, 1),
}


@dataclass(frozen=True)
class Street:
    """kind: residential, service or path; character: of the cell it runs through."""

    kind: str
    character: str
    points: Floats


@dataclass(frozen=True)
class Fabric:
    """blocks: polygons within their lanes, block_cell and use one per block; buildings: footprints, building_block
    (-1 in a hamlet) one per building; hamlets: (n, 2) centres; roads: the plan's roads with the lanes' junctions in them."""

    blocks: Geometries
    block_cell: Ints
    use: NDArray[np.object_]
    streets: list[Street]
    roads: list[Arc]
    tracks: list[Floats]
    buildings: Geometries
    building_block: Ints
    hamlets: Floats


def _pieces(rng: np.random.Generator, cell: shapely.Polygon, character: str, angle: float, warp: Noise) -> Geometries:
    """Blocks that cover a cell and more: rectangles where the town was planned, the neighbourhoods of loose points elsewhere."""
    long, short, disorder, *_ = _PATTERNS[character]
    cx, cy = cell.centroid.coords[0]
    west, south, east, north = cell.bounds
    reach = float(np.hypot(east - west, north - south)) / 2 + 2 * long
    u, v = np.meshgrid(np.arange(-reach, reach, long), np.arange(-reach, reach, short))
    if disorder:
        u = u + long / 2 * (np.arange(u.shape[0]) % 2)[:, None] * min(1.0, 1.5 * disorder)
        u = u + rng.normal(0, long * 0.30 * disorder, u.shape)
        v = v + rng.normal(0, short * 0.30 * disorder, v.shape)
    u, v = u.ravel(), v.ravel()
    x = cx + u * cos(angle) - v * sin(angle)
    y = cy + u * sin(angle) + v * cos(angle)
    if not disorder:
        same = np.ones(len(x))
        return rectangles(np.column_stack([x, y]), angle * same, long * same, short * same, same == 0)
    x, y = x + 45 * disorder * warp(x, y), y + 45 * disorder * warp(y + 1e4, x)
    near = shapely.voronoi_polygons(shapely.multipoints(np.column_stack([x, y])), extend_to=cell)
    return np.array(shapely.get_parts(near))


def _orientation(cell: shapely.Polygon) -> float:
    box = shapely.get_coordinates(shapely.minimum_rotated_rectangle(cell))
    dx, dy = max(box[1] - box[0], box[2] - box[1], key=lambda d: float(np.hypot(*d)))
    return float(np.arctan2(dy, dx))


def spread(rng: np.random.Generator, xy: Floats, count: int, allowed: NDArray[np.bool_]) -> Ints:
    """Numbers of `count` of the allowed points, evenly spread: one for each square of a mesh, in random order."""
    pool = rng.permutation(np.flatnonzero(allowed))
    if len(pool) <= count:
        return np.asarray(pool)
    area = np.ptp(xy[pool], axis=0).prod()
    side = max(float(np.sqrt(area / max(count, 1))) * 0.8, 1.0)
    square = np.floor(xy[pool] / side + rng.random(2)).astype(np.int64)
    _, first = np.unique(square, axis=0, return_index=True)
    first = rng.permutation(first)
    rest = rng.permutation(np.setdiff1d(np.arange(len(pool)), first))
    return np.asarray(pool[np.concatenate([first, rest])[:count]])


def rectangles(xy: Floats, angle: Floats, width: Floats, depth: Floats, ells: NDArray[np.bool_]) -> Geometries:
    """Footprints about points: rectangles `width` along the angle and `depth` across, or L shapes."""
    c, s = np.cos(angle), np.sin(angle)
    out = np.empty(len(xy), dtype=object)
    full = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]) / 2
    ell = np.array([(-1, -1), (1, -1), (1, -0.1), (-0.1, -0.1), (-0.1, 1), (-1, 1), (-1, -1)]) / 2
    for shape, those in ((full, ~ells), (ell, ells)):
        u = shape[None, :, 0] * width[those, None]
        v = shape[None, :, 1] * depth[those, None]
        x = xy[those, 0, None] + u * c[those, None] - v * s[those, None]
        y = xy[those, 1, None] + u * s[those, None] + v * c[those, None]
        if those.any():
            out[those] = shapely.polygons(np.round(np.stack([x, y], axis=2), 2))
    return out


def _houses(
    rng: np.random.Generator, blocks: Geometries, characters: NDArray[np.object_], use: NDArray[np.object_]
) -> tuple[Geometries, Ints]:
    """Every footprint that the blocks can hold, in rows along their sides; (polygons, block of each)."""
    rings = shapely.get_exterior_ring(shapely.orient_polygons(shapely.simplify(blocks, 0.5)))
    xy, of = shapely.get_coordinates(rings, return_index=True)
    same = of[1:] == of[:-1]
    start, end, block = xy[:-1][same], xy[1:][same], of[:-1][same]
    length = np.hypot(*(end - start).T)
    front = np.array(
        [_COMPOUNDS[u][0] if u in _COMPOUNDS else _PATTERNS[c][4] for u, c in zip(use, characters, strict=True)]
    )
    deep = np.array([_COMPOUNDS[u][1] if u in _COMPOUNDS else 0.0 for u in use])
    rows = np.array(
        [
            _COMPOUNDS[u][2] if u in _COMPOUNDS else (0 if u else _PATTERNS[c][5])
            for u, c in zip(use, characters, strict=True)
        ]
    )
    loose = np.array([_PATTERNS[c][2] for c in characters])
    shapes: list[Geometries] = []
    owners: list[Ints] = []
    shapely.prepare(blocks)
    for row in range(int(rows.max(initial=0))):
        places = np.where(rows[block] > row, np.floor(length / front[block]), 0).astype(int)
        edge = np.repeat(np.arange(len(length)), places)
        if not edge.size:
            continue
        nth = np.arange(len(edge)) - np.repeat(np.cumsum(places) - places, places)
        b = block[edge]
        tangent = (end - start)[edge] / length[edge, None]
        inward = np.column_stack([-tangent[:, 1], tangent[:, 0]])
        share = length[edge] / places[edge]
        house = deep[b] == 0
        width = np.where(house, share * rng.uniform(0.62, 0.92, len(b)), np.minimum(share, front[b]) * 0.82)
        depth = np.where(house, rng.uniform(0.55, 0.85, len(b)) * front[b], deep[b])
        step = np.where(house, front[b] * 1.02, deep[b] * 1.7)
        back = np.where(house, rng.uniform(0.3, 1.6, len(b)), 1.5) + depth / 2 + row * step
        along = (nth + 0.5 + np.where(house, rng.uniform(-0.06, 0.06, len(b)), 0)) * share
        middle = start[edge] + tangent * along[:, None] + inward * back[:, None]
        angle = np.arctan2(tangent[:, 1], tangent[:, 0]) + loose[b] * rng.normal(0, 0.07, len(b))
        made = rectangles(middle, angle, width, depth, house & (rng.random(len(b)) < 0.28))
        fits = shapely.contains(blocks[b], made)
        shapes.append(made[fits])
        owners.append(b[fits])
    if not shapes:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.int64)
    return np.concatenate(shapes), np.concatenate(owners)


def _apart(shapes: Geometries) -> NDArray[np.bool_]:
    """Which shapes to keep so that none overlaps one before it."""
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    keep = np.ones(len(shapes), dtype=bool)
    later = b[a < b]
    keep[later] = False
    return keep


def strokes(vertices: Floats, edges: Ints, widest: float) -> list[list[int]]:
    """Joins edges that run on nearly straight through crossings (turning less than `widest` radians) into long lines."""
    around: dict[int, list[int]] = {}
    for n, (a, b) in enumerate(edges.tolist()):
        around.setdefault(a, []).append(n)
        around.setdefault(b, []).append(n)
    delta = vertices[edges[:, 1]] - vertices[edges[:, 0]]
    heading = np.arctan2(delta[:, 1], delta[:, 0]).tolist()
    firsts = edges[:, 0].tolist()
    onward: dict[tuple[int, int], int] = {}
    for vertex, meeting in around.items():
        pairs = []
        for i, one in enumerate(meeting):
            out_one = heading[one] + (0 if firsts[one] == vertex else pi)
            for other in meeting[i + 1 :]:
                out_other = heading[other] + (0 if firsts[other] == vertex else pi)
                turn = abs((out_one - out_other) % (2 * pi) - pi)
                if turn < widest:
                    pairs.append((turn, one, other))
        used: set[int] = set()
        for _, one, other in sorted(pairs):
            if one not in used and other not in used:
                used |= {one, other}
                onward[vertex, one] = other
                onward[vertex, other] = one
    ends = edges.tolist()
    done = [False] * len(ends)
    lines: list[list[int]] = []

    def follow(edge: int, vertex: int) -> list[int]:
        line = []
        while not done[edge]:
            done[edge] = True
            a, b = ends[edge]
            vertex = b if vertex == a else a
            line.append(vertex)
            following = onward.get((vertex, edge))
            if following is None:
                break
            edge = following
        return line

    for n, (a, _) in enumerate(ends):
        if not done[n]:
            ahead = follow(n, a)
            before = []
            back = onward.get((a, n))
            if back is not None and not done[back]:
                before = follow(back, a)
            line = [*before[::-1], a, *ahead]
            lines.extend(line[i : i + 81] for i in range(0, len(line) - 1, 80))
    return lines


def _junctions(roads: list[Arc], points: Floats) -> list[Arc]:
    """The roads, with a vertex wherever a lane's point lies on them."""
    lines = [LineString(arc.points) for arc in roads]
    if not len(points) or not lines:
        return roads
    at, found = shapely.STRtree(lines).query(shapely.points(points), predicate="dwithin", distance=0.35)
    extra: dict[int, list[int]] = {}
    for point, line in zip(at.tolist(), found.tolist(), strict=True):
        extra.setdefault(line, []).append(point)
    out = []
    for n, arc in enumerate(roads):
        if n not in extra:
            out.append(arc)
            continue
        own = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(arc.points, axis=0).T))])
        new = points[extra[n]]
        where = shapely.line_locate_point(lines[n], shapely.points(new))
        clear = np.abs(where[:, None] - own[None, :]).min(axis=1) > 0.3
        new, where = new[clear], where[clear]
        order = np.argsort(np.concatenate([own, where]), kind="stable")
        merged = np.vstack([arc.points, new])[order]
        out.append(Arc(arc.kind, arc.name, merged, arc.bridge))
    return out


def _hamlets(
    rng: np.random.Generator, ground: Terrain, plan: Plan, count: int
) -> tuple[Geometries, Floats, list[Floats]]:
    """Round and square huts in clusters out in the fields, and the tracks that lead to them."""
    size = ground.size
    number = int(np.clip(count / 45, 3, 40))
    rural = plan.cells[np.array([c == "rural" for c in plan.characters])]
    roads = [LineString(a.points) for a in plan.roads]
    tree = shapely.STRtree(roads)
    centres: list[Floats] = []
    shapely.prepare(ground.flood)
    tries = 0
    while len(centres) < number and tries < 4000 and len(rural):
        tries += 1
        angle, r = rng.uniform(0, 2 * pi), rng.uniform(1.35 * size.radius, 0.88 * size.commune)
        spot = np.array([r * cos(angle), r * sin(angle)])
        point = shapely.Point(spot)
        if ground.flood.distance(point) < 60 or not shapely.contains(rural, point).any():
            continue
        gap = float(point.distance(roads[int(tree.nearest(point))]))
        if 40 < gap < 0.35 * size.radius and all(np.hypot(*(spot - c)) > 0.35 * size.radius for c in centres):
            centres.append(spot)
    if not centres:
        return np.empty(0, dtype=object), np.empty((0, 2)), []
    middle = np.array(centres)
    home = np.sort(rng.integers(0, len(middle), int(count * 1.5)))
    spread = 8 * np.sqrt(count / len(middle))
    xy = middle[home] + rng.normal(0, spread, (len(home), 2)) * np.array([1.2, 0.8])
    round_hut = rng.random(len(xy)) < 0.45
    width = rng.uniform(5, 11, len(xy))
    shapes = rectangles(
        xy, rng.uniform(0, pi, len(xy)), width, width * rng.uniform(0.6, 0.9, len(xy)), rng.random(len(xy)) < 0.15
    )
    shapes[round_hut] = shapely.buffer(shapely.points(xy[round_hut]), width[round_hut] / 2.6, quad_segs=3)
    wet = shapely.intersects(ground.flood, shapes)
    close, _ = tree.query(shapes, predicate="dwithin", distance=7)
    wet[close] = True
    shapes = shapes[~wet]
    shapes = shapes[_apart(shapely.buffer(shapes, 1.2, quad_segs=1))]
    shapes = shapes[np.sort(rng.permutation(len(shapes))[:count])]
    tracks = []
    for spot in middle:
        road = roads[int(tree.nearest(shapely.Point(spot)))]
        foot = np.array(road.interpolate(road.project(shapely.Point(spot))).coords[0])
        t = np.linspace(0, 1, 9)[:, None]
        side = np.array([-(foot - spot)[1], (foot - spot)[0]])
        tracks.append(np.round(spot + (foot - spot) * t + side * rng.normal(0, 0.08) * np.sin(t * pi), 1))
    return shapes, middle, tracks


def make(rng: np.random.Generator, ground: Terrain, plan: Plan) -> Fabric:
    """Blocks, streets and buildings: about one building for five people (six in a very large town)."""
    size = ground.size
    radius = size.radius
    target = size.people // 5 if size.people < 1_000_000 else size.people // 6
    warp = Noise(rng, 420.0, 2)
    sprawl = Noise(rng, 0.9 * radius, 3)
    road_lines = [LineString(a.points) for a in plan.roads]
    half = {"primary": 11.0, "secondary": 8.0, "tertiary": 6.0, "track": 5.0}
    verges = shapely.buffer(road_lines, [half[a.kind] for a in plan.roads], quad_segs=2)
    verge_tree = shapely.STRtree(verges)
    bank = ground.water.buffer(9)
    gullies = shapely.buffer(shapely.union_all(ground.streams), 5) if ground.streams else shapely.Point()
    shapely.prepare(ground.flood)
    town_angle = -0.12

    raw: list[Geometries] = []
    inner: list[Geometries] = []
    owners: list[int] = []
    for number, cell in enumerate(plan.cells):
        character = plan.characters[number]
        if character == "rural":
            continue
        angle = town_angle if character == "centre" else _orientation(cell)
        pieces = _pieces(rng, cell, character, angle, warp)
        pieces = pieces[shapely.intersects(cell, pieces)]
        pieces = shapely.get_parts(shapely.intersection(pieces, cell, grid_size=0.01))
        pieces = pieces[shapely.get_type_id(pieces) == 3]
        near = verge_tree.query(cell, predicate="intersects")
        free = shapely.difference(
            cell,
            shapely.union_all([*verges[near], bank, gullies])
            if cell.intersects(gullies)
            else shapely.union_all([*verges[near], bank]),
        )
        lots = shapely.intersection(shapely.buffer(pieces, -_PATTERNS[character][3], join_style="mitre"), free)
        parts, of = shapely.get_parts(lots, return_index=True)
        good = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) > 180)
        raw.append(pieces[of[good]])
        inner.append(shapely.simplify(parts[good], 0.3))
        owners.extend([number] * int(good.sum()))
    whole, blocks, cell_of = np.concatenate(raw), np.concatenate(inner), np.array(owners)

    characters = np.array(plan.characters, dtype=object)[cell_of]
    middle = shapely.get_coordinates(shapely.centroid(blocks))
    r = np.hypot(*middle.T) / radius
    roads_near = [line for line, a in zip(road_lines, plan.roads, strict=True) if a.kind in ("primary", "secondary")]
    _, gap = shapely.STRtree(roads_near).query_nearest(shapely.points(middle), return_distance=True, all_matches=False)
    flooded = shapely.intersects_xy(ground.flood, *middle.T)
    depth = shapely.distance(shapely.boundary(ground.flood), shapely.points(middle)) / radius
    reach = r - 0.16 * np.exp(-gap / 160) + 0.13 * sprawl(*middle.T) + np.where(plan.south[cell_of], 0.22, 0.0)
    reach += np.where(flooded, 0.35 + 12 * depth, 0.0) + np.where(flooded & (characters != "organic"), 1.5, 0.0)
    rank = np.argsort(reach, kind="stable")
    # Square metres of block to a house when every plot is built on (measured), and the share of plots that are.
    room = {"centre": 440.0, "planned": 275.0, "old": 178.0, "organic": 235.0}
    full = {"centre": 0.82, "planned": 0.62, "old": 1.0, "organic": 0.86}
    settled = np.array([full[c] for c in characters]) * np.clip(1.15 - 0.8 * np.clip(reach, 0, 1) ** 3, 0.3, 1)
    capacity = settled * shapely.area(blocks) / np.array([room[c] for c in characters])
    enough = int(np.searchsorted(np.cumsum(capacity[rank]), target * 1.08)) + 1
    built = np.sort(rank[:enough])
    edge = float(reach[rank[min(enough, len(rank)) - 1]])
    whole, blocks, cell_of, characters = whole[built], blocks[built], cell_of[built], characters[built]
    reach, middle, flooded, settled = reach[built], middle[built], flooded[built], settled[built]

    use = _uses(rng, size.people, blocks, characters, middle, reach / edge, flooded)
    streets, roads = _streets(rng, plan, whole, cell_of, characters, use)
    shapes, of_block = _houses(rng, blocks, characters, use)
    keep = _apart(shapes)
    shapes, of_block = shapes[keep], of_block[keep]
    homes = np.array([not u for u in use])[of_block]
    far, hamlets, tracks = _hamlets(rng, ground, plan, max(12, target // 30))
    key = np.where(homes, rng.random(len(shapes)) / settled[of_block], -1.0)
    wanted = max(target - len(far), 0)
    chosen = np.sort(np.argsort(key, kind="stable")[:wanted])
    buildings = np.concatenate([shapes[chosen], far])
    return Fabric(
        blocks, cell_of, use, streets, roads, tracks, buildings,
        np.concatenate([of_block[chosen], np.full(len(far), -1)]), hamlets,
    )  # fmt: skip


def _uses(
    rng: np.random.Generator, people: int, blocks: Geometries, characters: NDArray[np.object_],
    middle: Floats, out: Floats, flooded: NDArray[np.bool_],
) -> NDArray[np.object_]:  # fmt: skip
    """Which blocks are not houses but a school, a market, a hospital...: "" for houses."""
    use = np.array([""] * len(blocks), dtype=object)
    area = shapely.area(blocks)
    dry = ~flooded
    centre = characters == "centre"

    def take(name: str, count: int, allowed: NDArray[np.bool_], least: float) -> None:
        free = (use == "") & dry & allowed
        room = free & (area > least)
        pool = room if room.sum() >= count else free
        use[spread(rng, middle, count, pool)] = name

    take(
        "townhall",
        1 + (people >= 100_000) * round((people / 60_000) ** 0.7),
        centre if people < 100_000 else out < 0.7,
        2800,
    )
    take("square", max(1, people // 60_000), out < 0.45, 1500)
    take("hospital", max(1, people // 150_000), (out > 0.3) & (out < 0.9), 2800)
    take("market", max(1, people // 9_000), out < 0.8, 2400)
    take("station", max(1, people // 150_000), (out > 0.25) & (out < 0.95), 2400)
    take("college", max(1, people // 22_000), (out > 0.2) & (out < 0.98), 2600)
    take("school", max(2, people // 2_800), out < 1.0, 2000)
    take("health", max(1, people // 8_000), out < 0.98, 900)
    take("office", max(1, people // 10_000), out < 0.5, 1500)
    take("cemetery", max(1, people // 20_000), (out > 0.5) & (out < 1.1), 2500)
    take("pitch", max(2, people // 5_000), out < 1.1, 2400)
    take("park", max(1, people // 25_000), out < 0.7, 1500)
    return use


def _streets(
    rng: np.random.Generator,
    plan: Plan,
    whole: Geometries,
    cell_of: Ints,
    characters: NDArray[np.object_],
    use: NDArray[np.object_],
) -> tuple[list[Street], list[Arc]]:
    """The lanes between blocks, joined into streets, and the main roads with their junctions."""
    xy, of = shapely.get_coordinates(shapely.get_exterior_ring(whole), return_index=True)
    points, numbers = np.unique(np.round(xy * 10).astype(np.int64), axis=0, return_inverse=True)
    vertices = points / 10
    same = (of[1:] == of[:-1]) & (numbers[1:] != numbers[:-1])
    pairs = np.sort(np.column_stack([numbers[:-1], numbers[1:]])[same], axis=1)
    block = of[:-1][same]
    edges, first = np.unique(pairs, axis=0, return_index=True)
    cell = cell_of[block[first]]
    middle = shapely.points((vertices[edges[:, 0]] + vertices[edges[:, 1]]) / 2)
    inside = shapely.distance(shapely.get_exterior_ring(plan.cells)[cell], middle) > 0.4
    edges, cell, block = edges[inside], cell[inside], block[first][inside]
    character = characters[block]
    draw = rng.random(len(edges))
    loose = np.isin(character, ["old", "organic"])
    streets: list[Street] = []
    for name in ("centre", "planned", "old", "organic"):
        own = character == name
        for kind, those in (("residential", own & (~loose | (draw > 0.2))), ("path", own & loose & (draw <= 0.2))):
            if not those.any():
                continue
            picked = edges[those]
            lines = (
                strokes(vertices, picked, 0.45)
                if kind == "residential"
                else chain([(a, b) for a, b in picked.tolist()])
            )
            streets.extend(Street(kind, name, vertices[line]) for line in lines)
    # A road laid out beyond the last houses is still a track.
    tree = shapely.STRtree(whole)
    lines = [LineString(a.points) for a in plan.roads]
    near = np.unique(tree.query(lines, predicate="dwithin", distance=120)[0])
    close = set(near.tolist())
    roads = [
        Arc("track", a.name, a.points, a.bridge) if a.kind == "tertiary" and n not in close else a
        for n, a in enumerate(plan.roads)
    ]
    return streets, _junctions(roads, vertices[np.unique(edges)])
