"""The fictional town's public places: names of streets and quarters, schools, mosques, wells, lamps, bins, fields."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString

from toguna.demo import words
from toguna.demo.fabric import Fabric, spread
from toguna.demo.plan import Plan
from toguna.demo.terrain import Floats, Noise, Terrain

Tags = dict[str, str]


@dataclass(frozen=True)
class Landmark:
    """A place that people steer by. kind: mosque, church, school, college, health, hospital, market, pharmacy, fuel,
    station, townhall, water; xy in metres."""

    kind: str
    name: str
    xy: tuple[float, float]


@dataclass(frozen=True)
class Places:
    """Tags of blocks and buildings by number, points and areas with theirs, names by street and road number."""

    quarters: list[str]
    boroughs: list[str]
    of_block: dict[int, Tags]
    of_building: dict[int, Tags]
    points: list[tuple[tuple[float, float], Tags]]
    areas: list[tuple[shapely.Polygon, Tags]]
    street_names: dict[int, str]
    road_names: dict[int, str]
    landmarks: list[Landmark]
    building_district: NDArray[np.int64]


_BLOCK_TAGS: dict[str, Tags] = {
    "townhall": {"amenity": "townhall"},
    "square": {"place": "square", "highway": "pedestrian", "area": "yes"},
    "hospital": {"amenity": "hospital", "healthcare": "hospital", "emergency": "yes"},
    "market": {"amenity": "marketplace"},
    "station": {"amenity": "bus_station", "public_transport": "station"},
    "college": {"amenity": "school", "isced:level": "3"},
    "school": {"amenity": "school", "isced:level": "1;2"},
    "health": {"amenity": "clinic", "healthcare": "centre"},
    "office": {"office": "government"},
    "cemetery": {"landuse": "cemetery", "religion": "muslim"},
    "pitch": {"leisure": "pitch", "sport": "soccer", "surface": "earth"},
    "park": {"leisure": "park"},
}
_INSIDE = {
    "school": "school",
    "college": "school",
    "hospital": "hospital",
    "health": "hospital",
    "market": "kiosk",
    "townhall": "public",
    "station": "transportation",
    "office": "public",
}
_OFFICES = [
    "Tribunal",
    "Trésor public",
    "Direction de l'hydraulique",
    "Inspection de l'éducation",
    "Bureau de poste",
    "Gendarmerie",
]


def _names(
    rng: np.random.Generator, plan: Plan, fabric: Fabric, radius: float
) -> tuple[dict[int, str], dict[int, str]]:
    """Names of the planned centre's longer streets and of the main roads; most streets have none."""
    lengths = np.array([LineString(s.points).length for s in fabric.streets])
    centre = np.array([s.character == "centre" for s in fabric.streets])
    planned = np.array([s.character == "planned" and s.kind == "residential" for s in fabric.streets])
    streets: dict[int, str] = {}
    ranked = [int(i) for i in np.argsort(-lengths * centre, kind="stable")[: centre.sum()] if lengths[i] > 120]
    for n, i in enumerate(ranked[: len(words.STREETS)]):
        streets[i] = words.STREETS[n]
    number = 1
    for i in [
        *ranked[len(words.STREETS) :],
        *np.flatnonzero(planned & (lengths > 220) & (rng.random(len(lengths)) < 0.3)).tolist(),
    ]:
        streets[int(i)] = f"Rue {number}"
        number += 1
    roads: dict[int, str] = {}
    avenue: dict[str, str] = {}
    route: dict[str, str] = {}
    ring: dict[str, str] = {}
    for i, arc in enumerate(fabric.roads):
        mid = arc.points[len(arc.points) // 2]
        out = float(np.hypot(*mid)) / radius
        if arc.kind in ("primary", "secondary") and int(arc.name) < plan.radials:
            if out < 0.68:
                roads[i] = avenue.setdefault(arc.name, words.AVENUES[len(avenue) % len(words.AVENUES)])
            else:
                roads[i] = "Route de " + route.setdefault(
                    arc.name, words.NEIGHBOURS[len(route) % len(words.NEIGHBOURS)]
                )
        elif arc.kind == "secondary":
            roads[i] = ring.setdefault(arc.name, words.BOULEVARDS[len(ring) % len(words.BOULEVARDS)])
    return streets, roads


def _land(rng: np.random.Generator, ground: Terrain, plan: Plan, fabric: Fabric) -> list[tuple[shapely.Polygon, Tags]]:
    """Residential areas, rice fields, market gardens, millet fields, the classified forest and the flood plain."""
    size = ground.size
    commune = shapely.union_all(plan.cells, grid_size=0.01)
    areas: list[tuple[shapely.Geometry, Tags]] = []
    parts = []
    for cell in np.unique(fabric.block_cell):
        own = fabric.blocks[fabric.block_cell == cell]
        town = shapely.intersection(
            shapely.buffer(shapely.union_all(shapely.buffer(own, 9, join_style="mitre")), -3), plan.cells[cell]
        ).simplify(1)
        parts.append(town)
        areas.append((town, {"landuse": "residential"}))
    built = shapely.union_all(parts, grid_size=0.1).buffer(12)
    dry = shapely.union_all(
        [shapely.buffer(LineString(a.points), 8) for a in fabric.roads if np.hypot(*a.points[0]) > 0.5 * size.radius]
    )
    angle = rng.uniform(0, pi)
    far = np.array([cos(angle), sin(angle)]) * 1.72 * size.radius
    theta = np.linspace(0, 2 * pi, 48, endpoint=False)
    edge = 0.42 * size.radius * (1 + 0.16 * Noise(rng, 1.4, 3)(np.cos(theta), np.sin(theta)))
    blob = shapely.Polygon(far + np.column_stack([edge * np.cos(theta), edge * np.sin(theta)]))
    hamlets = (
        shapely.union_all(shapely.buffer(shapely.points(fabric.hamlets), 0.06 * size.radius + 90))
        if len(fabric.hamlets)
        else shapely.Point()
    )
    forest = shapely.difference(
        shapely.intersection(blob, commune), shapely.union_all([ground.flood, built, dry, hamlets])
    )
    areas.append(
        (
            forest,
            {
                "landuse": "forest",
                "boundary": "forest",
                "leaf_type": "broadleaved",
                "name": f"Forêt classée de {words.NEIGHBOURS[0]}",
            },
        )
    )
    plain = shapely.intersection(shapely.difference(ground.flood, ground.water.buffer(4)), commune)
    areas.append(
        (plain, {"natural": "wetland", "wetland": "wet_meadow", "flood_prone": "yes", "name": "Plaine inondable"})
    )

    def plots(within: shapely.Geometry, side: float, share: float, loose: float, tags: Tags) -> None:
        shapely.prepare(within)
        u, v = np.meshgrid(
            np.arange(-size.commune, size.commune, side * 1.4), np.arange(-size.commune, size.commune, side)
        )
        turn = rng.uniform(0, pi)
        xy = np.column_stack([u.ravel(), v.ravel()]) + rng.normal(0, side * loose, (u.size, 2))
        xy = np.column_stack([xy[:, 0] * cos(turn) - xy[:, 1] * sin(turn), xy[:, 0] * sin(turn) + xy[:, 1] * cos(turn)])
        xy = xy[shapely.contains_xy(within.envelope, *xy.T)]
        if len(xy) < 4:
            return
        pieces = np.array(shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(xy))))
        spot = shapely.get_coordinates(shapely.point_on_surface(pieces))
        picked = shapely.contains_xy(within, *spot.T) & (Noise(rng, side * 9, 2)(*spot.T) > 1 - 2 * share)
        fields = shapely.intersection(shapely.buffer(pieces[picked], -side * 0.02, join_style="mitre"), within)
        areas.extend((field, tags) for field in fields)

    wet = shapely.difference(plain, shapely.union_all([built, dry]))
    gardens = shapely.intersection(
        wet,
        shapely.intersection(
            ground.water.buffer(0.09 * size.radius + 25), shapely.Point(0, 0).buffer(1.2 * size.radius)
        ),
    )
    plots(
        gardens,
        max(38.0, size.radius / 40),
        0.62,
        0.08,
        {"landuse": "farmland", "produce": "vegetable", "description": "Maraîchage"},
    )
    plots(
        shapely.difference(wet, gardens),
        max(85.0, size.radius / 14),
        0.62,
        0.05,
        {"landuse": "farmland", "crop": "rice"},
    )
    open_land = shapely.difference(commune, shapely.union_all([ground.flood, built, dry, hamlets, forest]))
    plots(open_land, max(150.0, size.radius / 9), 0.6, 0.25, {"landuse": "farmland", "crop": "millet"})
    # Snapped so that rounding to OSM's precision cannot make an edge cross itself.
    return [
        (p, tags)
        for shape, tags in areas
        for p in shapely.get_parts(shapely.set_precision(shape, 0.1))
        if p.geom_type == "Polygon" and p.area > 60
    ]


def _furniture(
    rng: np.random.Generator, fabric: Fabric, people: int, radius: float, centres: Floats
) -> list[tuple[tuple[float, float], Tags]]:
    """Lamps, trees and bins along the lit streets; skips at the markets and here and there among the houses."""
    main = [a.points for a in fabric.roads if a.kind in ("primary", "secondary")]
    lit = [points for points in main if np.hypot(*points[len(points) // 2]) < 0.75 * radius]
    lit += [s.points for s in fabric.streets if s.character == "centre"]
    posts: list[tuple[float, float]] = []
    for line in map(LineString, lit):
        for n, along in enumerate(np.arange(15, line.length, 38)):
            p, q = line.interpolate(along), line.interpolate(along + 1)
            side = 4.2 if n % 2 else -4.2
            posts.append((p.x - (q.y - p.y) * side, p.y + (q.x - p.x) * side))
    things: list[tuple[tuple[float, float], Tags]] = []
    for count, dx, dy, tags in (
        (max(60, people // 60), 0.0, 0.0, {"highway": "street_lamp"}),
        (max(15, people // 450), 1.5, 1.5, {"amenity": "waste_basket"}),
        (max(60, people // 150), -2.5, -1.0, {"natural": "tree"}),
    ):
        chosen = np.sort(rng.permutation(len(posts))[:count])
        things.extend(((posts[i][0] + dx, posts[i][1] + dy), tags) for i in chosen)
    among = spread(rng, centres, max(6, people // 1_800), fabric.use == "")
    for b in [*np.flatnonzero(fabric.use == "market"), *among]:
        x, y = shapely.get_coordinates(fabric.blocks[b])[0]
        things.append(((float(x), float(y)), {"amenity": "waste_disposal", "waste": "trash"}))
    return things


def _addresses(fabric: Fabric, street_names: dict[int, str], xy: Floats, homes: NDArray[np.int64]) -> dict[int, Tags]:
    """House numbers along the named streets of the planned centre; there are none elsewhere."""
    named = [n for n in street_names if fabric.streets[n].character == "centre"]
    if not named:
        return {}
    tree = shapely.STRtree([LineString(fabric.streets[n].points) for n in named])
    at, found = tree.query_nearest(shapely.points(xy[homes]), max_distance=28, all_matches=False)
    last: dict[int, int] = {}
    tags: dict[int, Tags] = {}
    for home, street in zip(homes[at].tolist(), found.tolist(), strict=True):
        last[street] = last.get(street, 0) + 1
        name = street_names[named[street]]
        tags[home] = {"building": "house", "addr:housenumber": str(last[street]), "addr:street": name}
    return tags


def make(rng: np.random.Generator, ground: Terrain, plan: Plan, fabric: Fabric) -> Places:
    """Gives the town its public places and its names."""
    people, radius = ground.size.people, ground.size.radius
    quarters = words.quarters(rng, len(plan.districts))
    count = int(plan.borough_of.max()) + 1
    boroughs = [f"Arrondissement {n + 1}" for n in range(count)] if count > 1 else []
    of_block: dict[int, Tags] = {}
    of_building: dict[int, Tags] = {}
    points: list[tuple[tuple[float, float], Tags]] = []
    landmarks: list[Landmark] = []
    seen: dict[str, int] = {}

    xy = shapely.get_coordinates(shapely.centroid(fabric.buildings))
    block = fabric.building_block
    cell = np.where(block >= 0, fabric.block_cell[block], -1)
    tree = shapely.STRtree(plan.cells)
    lost = np.flatnonzero(cell < 0)
    at, found = tree.query(shapely.points(xy[lost]), predicate="intersects")
    cell[lost[at]] = found
    cell[cell < 0] = tree.nearest(shapely.points(xy[cell < 0])) if (cell < 0).any() else 0
    district = plan.district_of[cell]

    def unique(name: str) -> str:
        seen[name] = seen.get(name, 0) + 1
        return name if seen[name] == 1 else f"{name} {'I' * seen[name] if seen[name] < 4 else seen[name]}"

    centres = shapely.get_coordinates(shapely.point_on_surface(fabric.blocks))
    order: dict[str, int] = {}
    for b in np.flatnonzero(fabric.use != ""):
        use = str(fabric.use[b])
        quarter = quarters[plan.district_of[fabric.block_cell[b]]]
        n = order[use] = order.get(use, 0) + 1
        name = {
            "townhall": "Mairie" if n == 1 else unique(f"Mairie annexe de {quarter}"),
            "square": "Place de l'Indépendance" if n == 1 else unique(f"Place de {quarter}"),
            "hospital": "Hôpital régional" if n == 1 else unique(f"Hôpital de {quarter}"),
            "market": "Grand Marché" if n == 1 else unique(f"Marché de {quarter}"),
            "station": "Gare routière" if n == 1 else unique(f"Gare routière de {quarter}"),
            "college": f"Lycée {words.person(rng)}",
            "school": unique(f"École fondamentale de {quarter}"),
            "health": unique(f"CSCOM de {quarter}"),
            "office": _OFFICES[n - 1] if n <= len(_OFFICES) else unique(f"Service technique de {quarter}"),
            "cemetery": unique(f"Cimetière de {quarter}"),
            "pitch": unique(f"Terrain de {quarter}"),
            "park": unique(f"Jardin public de {quarter}"),
        }[use]
        tags = {**_BLOCK_TAGS[use], "name": name}
        if name in ("Mairie", "Grand Marché", "Gare routière", "Hôpital régional"):
            tags["name:fr"] = name
            tags["name:en"] = {
                "Mairie": "Town Hall",
                "Grand Marché": "Central Market",
                "Gare routière": "Bus Station",
            }.get(name, "Regional Hospital")
            tags["name:pt"] = {
                "Mairie": "Câmara Municipal",
                "Grand Marché": "Mercado Central",
                "Gare routière": "Estação rodoviária",
            }.get(name, "Hospital Regional")
        of_block[int(b)] = tags
        if use in ("townhall", "hospital", "market", "station", "college", "school", "health"):
            landmarks.append(Landmark(use, name, (float(centres[b, 0]), float(centres[b, 1]))))
    inside = fabric.use[block]
    for b in np.flatnonzero((block >= 0) & (inside != "")):
        if inside[b] in _INSIDE:
            of_building[int(b)] = {"building": _INSIDE[inside[b]]}

    house = (block >= 0) & (inside == "")
    size = shapely.area(fabric.buildings)
    free = house.copy()
    out = np.hypot(*xy.T) / radius

    def settle(number: int, allowed: NDArray[np.bool_]) -> list[int]:
        chosen = [int(i) for i in spread(rng, xy, number, free & allowed)]
        free[chosen] = False
        return chosen

    def build(kind: str, number: int, allowed: NDArray[np.bool_], tags: Tags, name: str) -> None:
        for n, b in enumerate(settle(number, allowed)):
            quarter = quarters[district[b]]
            text = {
                "mosque": "Grande Mosquée" if n == 0 else unique(f"Mosquée de {quarter}"),
                "church": words.SAINTS[n] if n < len(words.SAINTS) else unique(f"Église de {quarter}"),
                "pharmacy": unique(f"Pharmacie {words.PHARMACIES[n % len(words.PHARMACIES)]}"),
                "fuel": unique(f"Station {words.FUEL[n % len(words.FUEL)]}"),
            }.get(kind, unique(f"{name} {quarter}") if name else "")
            of_building[b] = {"building": "yes", **tags, **({"name": text} if text else {})}
            if text and kind in ("mosque", "church", "pharmacy", "fuel"):
                landmarks.append(Landmark(kind, text, (float(xy[b, 0]), float(xy[b, 1]))))

    large = size > np.quantile(size[house], 0.6)
    build(
        "mosque",
        max(3, people // 1_400),
        large,
        {"building": "mosque", "amenity": "place_of_worship", "religion": "muslim"},
        "",
    )
    build(
        "church",
        max(1, people // 12_000),
        large & (out < 0.9),
        {"building": "church", "amenity": "place_of_worship", "religion": "christian"},
        "",
    )
    build("pharmacy", max(2, people // 4_000), house, {"amenity": "pharmacy", "healthcare": "pharmacy"}, "")
    build("fuel", max(1, people // 6_000), house, {"amenity": "fuel"}, "")
    build("bank", max(1, people // 10_000), out < 0.6, {"amenity": "bank"}, "Caisse d'épargne de")
    build("police", max(1, people // 25_000), house, {"amenity": "police"}, "Commissariat de")
    build("bakery", max(1, people // 4_000), house, {"shop": "bakery"}, "Boulangerie de")
    build("hotel", max(1, people // 15_000), large, {"tourism": "hotel"}, "Auberge de")
    build("toilets", max(2, people // 5_000), ~large, {"building": "toilets", "amenity": "toilets"}, "")
    build("shop", people // 220, house & (out < 0.9), {"building": "retail", "shop": "convenience"}, "")

    for n, b in enumerate(spread(rng, xy, max(8, people // 330), (block < 0) | house)):
        angle = rng.uniform(0, 2 * pi)
        spot = (float(xy[b, 0] + 9 * cos(angle)), float(xy[b, 1] + 9 * sin(angle)))
        quarter = quarters[district[b]]
        if n % 3 == 0:
            points.append(
                (
                    spot,
                    {
                        "man_made": "water_well",
                        "drinking_water": "yes",
                        "pump": "manual",
                        "name": unique(f"Puits de {quarter}"),
                    },
                )
            )
        else:
            points.append(
                (
                    spot,
                    {
                        "amenity": "drinking_water",
                        "man_made": "water_tap",
                        "name": unique(f"Borne-fontaine de {quarter}"),
                    },
                )
            )
        landmarks.append(Landmark("water", points[-1][1]["name"], spot))

    points.extend(_furniture(rng, fabric, people, radius, centres))
    street_names, road_names = _names(rng, plan, fabric, radius)
    numbered = house & free & (np.array(plan.characters, dtype=object)[cell] == "centre")
    of_building.update(_addresses(fabric, street_names, xy, np.flatnonzero(numbered)))
    for d in plan.districts:
        homes = xy[district == d.number]
        x, y = homes.mean(axis=0) if len(homes) else d.shape.representative_point().coords[0]
        points.append(
            (
                (float(x), float(y)),
                {"place": "suburb" if count > 1 else "quarter", **names(quarters[d.number])},
            )
        )
    spare = words.quarters(rng, len(quarters) + len(fabric.hamlets))[len(quarters) :]
    points.extend(
        ((float(x), float(y)), {"place": "hamlet", "name": name})
        for (x, y), name in zip(fabric.hamlets, spare, strict=True)
    )
    return Places(
        quarters,
        boroughs,
        of_block,
        of_building,
        points,
        _land(rng, ground, plan, fabric),
        street_names,
        road_names,
        landmarks,
        district,
    )


def names(quarter: str) -> Tags:
    """A quarter's name in the town's languages."""
    return {"name": quarter, "name:fr": quarter, "name:en": quarter, "name:pt": quarter}
