"""Writes the fictional town as an ordinary OpenStreetMap file (PBF), with the tags that mappers use."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import numpy as np
import osmium
import osmium.osm.mutable as osm
import shapely
from numpy.typing import NDArray

from toguna.demo import words
from toguna.demo.fabric import Fabric
from toguna.demo.places import Places, Tags, names
from toguna.demo.plan import Plan
from toguna.demo.terrain import Floats, Terrain, to_degrees

FICTION = "Ville fictive de démonstration / fictional demo town / cidade fictícia"
_LONGEST = 1900  # nodes in a way; OpenStreetMap allows 2000


class _Draft:
    """Collects nodes, ways and relations, then writes them in OSM's order. Lines that touch share their nodes."""

    def __init__(self) -> None:
        self._chunks: list[Floats] = []
        self._count = 0
        self._shared: dict[tuple[int, int], int] = {}
        self._tagged: dict[int, Tags] = {}
        self._ways: list[tuple[NDArray[np.int64] | list[int], Tags]] = []
        self._relations: list[tuple[list[tuple[str, int, str]], Tags]] = []

    def nodes(self, xy: Floats) -> NDArray[np.int64]:
        """Numbers of new nodes at those points."""
        self._chunks.append(np.asarray(xy, dtype=float))
        first = self._count + 1
        self._count += len(xy)
        return np.arange(first, self._count + 1)

    def shared(self, xy: Floats) -> list[int]:
        """Numbers of the nodes at those points, the same as other lines' within ten centimetres."""
        keys = [(int(x), int(y)) for x, y in np.round(np.asarray(xy) * 10)]
        fresh: dict[tuple[int, int], int] = {}
        for n, key in enumerate(keys):
            if key not in self._shared:
                fresh.setdefault(key, n)
        if fresh:
            made = self.nodes(np.asarray(xy)[list(fresh.values())])
            self._shared.update(zip(fresh, made.tolist(), strict=True))
        numbers = [self._shared[key] for key in keys]
        return [n for i, n in enumerate(numbers) if i == 0 or n != numbers[i - 1]]

    def point(self, xy: tuple[float, float], tags: Tags) -> int:
        number = int(self.nodes(np.array([xy]))[0])
        self._tagged[number] = tags
        return number

    def way(self, numbers: NDArray[np.int64] | list[int], tags: Tags) -> int:
        self._ways.append((numbers, tags))
        return len(self._ways)

    def line(self, numbers: list[int], tags: Tags) -> list[int]:
        """One way, or several end to end when it is too long for one."""
        return [self.way(numbers[i : i + _LONGEST], tags) for i in range(0, max(len(numbers) - 1, 1), _LONGEST - 1)]

    def area(self, polygon: shapely.Polygon, tags: Tags) -> None:
        """A closed way, or a multipolygon when it has holes or is long."""
        rings = [np.array(r.coords)[:-1] for r in (polygon.exterior, *polygon.interiors)]
        if len(rings) == 1 and len(rings[0]) < _LONGEST:
            numbers = self.nodes(rings[0])
            self.way(np.append(numbers, numbers[0]), tags)
            return
        members: list[tuple[str, int, str]] = []
        for n, ring in enumerate(rings):
            numbers = self.nodes(ring)
            closed = np.append(numbers, numbers[0]).tolist()
            members.extend(("w", way, "inner" if n else "outer") for way in self.line(closed, {}))
        self.relation(members, {"type": "multipolygon", **tags})

    def relation(self, members: list[tuple[str, int, str]], tags: Tags) -> None:
        self._relations.append((members, tags))

    def write(self, path: Path, moment: datetime) -> dict[str, int]:
        lonlat = to_degrees(np.vstack(self._chunks))
        header = osmium.io.Header()
        header.set("generator", f"toguna demo: {FICTION}")
        (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
        header.add_box(osmium.osm.Box(west, south, east, north))
        path.unlink(missing_ok=True)
        with osmium.SimpleWriter(str(path), bufsz=4 * 1024 * 1024, header=header) as out:
            for number, place in enumerate(lonlat.tolist(), 1):
                tags = self._tagged.get(number)
                out.add_node(osm.Node(id=number, version=1, timestamp=moment, location=place, tags=tags))
            for number, (numbers, tags) in enumerate(self._ways, 1):
                nodes = numbers if isinstance(numbers, list) else numbers.tolist()
                out.add_way(osm.Way(id=number, version=1, timestamp=moment, nodes=nodes, tags=tags))
            for number, (members, tags) in enumerate(self._relations, 1):
                out.add_relation(osm.Relation(id=number, version=1, timestamp=moment, members=members, tags=tags))
        return {"nodes": len(lonlat), "ways": len(self._ways), "relations": len(self._relations)}


def _boundaries(draft: _Draft, plan: Plan, places: Places, people: NDArray[np.int64]) -> None:
    """Town (8), boroughs of a large town (9) and quarters (10), from lines that neighbours share."""
    lines = plan.outline(plan.district_of)
    ways: list[list[int]] = []
    borough_of_district = np.array([plan.borough_of[plan.district_of == d.number][0] for d in plan.districts])
    for line, around in lines:
        level = (
            "8"
            if len(around) == 1
            else "9"
            if places.boroughs and len({borough_of_district[d] for d in around}) > 1
            else "10"
        )
        ways.append(draft.line(draft.shared(plan.vertices[line]), {"boundary": "administrative", "admin_level": level}))

    def members(inside: set[int]) -> list[tuple[str, int, str]]:
        """Lines with that group of districts on one side only."""
        own = [
            n
            for n, (_, around) in enumerate(lines)
            if len(around & inside) == 1 and not (len(around) == 2 and around <= inside)
        ]
        return [("w", way, "outer") for n in own for way in ways[n]]

    def relation(inside: set[int], level: str, tags: Tags) -> None:
        total = str(int(people[sorted(inside)].sum()))
        base = {
            "type": "boundary",
            "boundary": "administrative",
            "admin_level": level,
            "population": total,
            "note": FICTION,
            "fictional": "yes",
        }
        draft.relation(members(inside), {**base, **tags})

    everyone = {d.number for d in plan.districts}
    centre = draft.point(
        (0.0, 0.0),
        {
            "place": "city" if people.sum() >= 100_000 else "town",
            "population": str(int(people.sum())),
            "note": FICTION,
            "fictional": "yes",
            **names(words.TOWN),
        },
    )
    total = {
        "type": "boundary",
        "boundary": "administrative",
        "admin_level": "8",
        "population": str(int(people.sum())),
        "note": FICTION,
        "fictional": "yes",
        **names(words.TOWN),
    }
    draft.relation(
        [*members(everyone), ("n", centre, "admin_centre")],
        {**total, "official_name": f"Commune de {words.TOWN} (ville fictive)"},
    )
    for n, name in enumerate(places.boroughs):
        inside = {d.number for d in plan.districts if borough_of_district[d.number] == n}
        relation(
            inside, "9", {"name": name, "name:fr": name, "name:en": f"Borough {n + 1}", "name:pt": f"Distrito {n + 1}"}
        )
    for d in plan.districts:
        relation({d.number}, "10", names(places.quarters[d.number]))


def write(
    path: Path, ground: Terrain, plan: Plan, fabric: Fabric, places: Places, people: NDArray[np.int64], until: date
) -> dict[str, int]:
    """Writes town.osm.pbf; people: inhabitants of each quarter. Returns how many nodes, ways and relations."""
    draft = _Draft()
    _boundaries(draft, plan, places, people)
    highway = {
        "primary": {"highway": "primary", "surface": "asphalt"},
        "secondary": {"highway": "secondary", "surface": "asphalt"},
        "tertiary": {"highway": "tertiary", "surface": "laterite"},
        "track": {"highway": "track", "tracktype": "grade3"},
    }
    for n, arc in enumerate(fabric.roads):
        tags = {
            **highway[arc.kind],
            **({"name": places.road_names[n]} if n in places.road_names else {}),
            **({"bridge": "yes", "layer": "1"} if arc.bridge else {}),
        }
        draft.line(draft.shared(arc.points), tags)
    lanes = {"residential": {"highway": "residential", "surface": "dirt"}, "path": {"highway": "path"}}
    for n, street in enumerate(fabric.streets):
        numbers = draft.shared(street.points)
        if len(numbers) > 1:
            name = places.street_names.get(n)
            draft.way(numbers, {**lanes[street.kind], "name": name} if name else lanes[street.kind])
    for points in fabric.tracks:
        draft.line(draft.shared(points), {"highway": "track"})
    # The river flows along its line: OSM draws water downstream.
    draft.line(
        draft.shared(np.array(ground.river.coords)),
        {"waterway": "river", "name": "Sankaraba", "name:fr": "le Sankaraba"},
    )
    for polygon in shapely.get_parts(ground.water):
        draft.area(polygon, {"natural": "water", "water": "river", "name": "Sankaraba"})
    for stream in ground.streams:
        draft.line(draft.shared(np.array(stream.coords)), {"waterway": "stream", "intermittent": "yes"})
    for polygon, tags in places.areas:
        draft.area(polygon, tags)
    for b, tags in places.of_block.items():
        draft.area(fabric.blocks[b], tags)
    for spot, tags in places.points:
        draft.point(spot, tags)
    plain: Tags = {"building": "yes"}
    house: Tags = {"building": "house"}
    hut: Tags = {"building": "hut"}
    rings, of = shapely.get_coordinates(shapely.get_exterior_ring(fabric.buildings), return_index=True)
    last = np.append(of[1:] != of[:-1], True)
    corners = draft.nodes(rings[~last])
    starts = np.searchsorted(of[~last], np.arange(len(fabric.buildings) + 1))
    for b in range(len(fabric.buildings)):
        own = corners[starts[b] : starts[b + 1]].tolist()
        own.append(own[0])
        usual = hut if fabric.building_block[b] < 0 else house if b % 3 else plain
        draft.way(own, places.of_building.get(b, usual))
    return draft.write(path, datetime.combine(until, time(), UTC))
