"""The fictional town's people at work: quarters, teams, staff, residents and eighteen months of reports, as CSV files."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString

from toguna.demo import speech, words
from toguna.demo.fabric import Fabric
from toguna.demo.places import Places
from toguna.demo.plan import Plan
from toguna.demo.terrain import Floats, Terrain, to_degrees

Ints = NDArray[np.int64]
MONTHS = 18
_DAYS = 548
_PER_PERSON_AND_YEAR = 1 / 12

# slug: share of all reports, factor in the rains (June-September), factor in the dry heat (February-May), where, team.
_CATEGORIES: dict[str, tuple[float, float, float, str, str]] = {
    "pothole": (13, 2.2, 0.7, "road", "Voirie"),
    "street-light": (9, 1.0, 1.0, "lamp", "Éclairage public"),
    "waste-pile": (14, 1.1, 1.2, "home", "Propreté"),
    "full-bin": (7, 1.0, 1.1, "bin", "Propreté"),
    "blocked-drain": (9, 2.6, 0.7, "road", "Assainissement"),
    "flooding": (6, 4.5, 0.04, "flood", "Assainissement"),
    "water-point": (9, 0.6, 2.0, "water", "Eau"),
    "broken-pipe": (5, 0.8, 1.4, "road", "Eau"),
    "fallen-tree": (2, 2.6, 0.7, "road", "Urbanisme et espaces verts"),
    "dangerous-building": (2, 2.2, 0.6, "home", "Urbanisme et espaces verts"),
    "noise": (4, 0.7, 1.2, "home", "Police municipale"),
    "stray-animals": (4, 0.8, 1.2, "home", "Police municipale"),
    "abandoned-vehicle": (1.5, 1.0, 1.0, "road", "Voirie"),
    "damaged-sign": (1.5, 1.2, 1.0, "road", "Voirie"),
    "public-toilet": (2, 1.0, 1.0, "market", "Propreté"),
    "market-stall": (3, 1.0, 1.0, "market", "Police municipale"),
    "road-obstruction": (3, 0.9, 1.2, "road", "Voirie"),
    "street-name": (1, 1.0, 1.0, "home", "Urbanisme et espaces verts"),
    "dead-animal": (2, 1.0, 1.3, "home", "Propreté"),
    "other": (2, 1.0, 1.2, "road", "Police municipale"),
}
# team: median hours to acknowledge, to assign after that, to finish after that, factor of all in the rains.
_TEAMS = {
    "Voirie": (30, 60, 330, 2.2),
    "Éclairage public": (14, 30, 190, 1.0),
    "Propreté": (5, 8, 46, 1.2),
    "Assainissement": (8, 16, 120, 2.4),
    "Eau": (4, 10, 60, 0.9),
    "Urbanisme et espaces verts": (26, 90, 430, 1.2),
    "Police municipale": (6, 10, 38, 1.0),
}
_PEOPLE_IN_A_BUILDING = {"centre": 3.8, "planned": 4.6, "old": 6.4, "organic": 5.6, "rural": 5.4}


def population(plan: Plan, fabric: Fabric, places: Places, people: int) -> Ints:
    """Inhabitants of each quarter, from its dwellings; they add up to the town's exactly."""
    block = fabric.building_block
    home = (block < 0) | (fabric.use[block] == "")
    character = np.array(plan.characters, dtype=object)[np.where(block >= 0, fabric.block_cell[block], 0)]
    character[block < 0] = "rural"
    each = np.array([_PEOPLE_IN_A_BUILDING[c] for c in character]) * home
    share = np.bincount(places.building_district, each, len(plan.districts))
    exact = share / share.sum() * people
    whole: Ints = np.floor(exact).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: people - whole.sum()]] += 1
    return whole


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)


def _phone(number: int) -> str:
    """A number of a range that Mali has never allocated (+223 3...), so that it can ring nobody."""
    return f"+22330{number:06d}" if number < 1_000_000 else f"+223{31_000_000 + number - 1_000_000}"


def write_quarters(folder: Path, plan: Plan, fabric: Fabric, places: Places, people: Ints) -> None:
    """districts.csv: quarter, inhabitants, what most of it is like, borough."""
    building_cell = np.where(fabric.building_block >= 0, fabric.block_cell[fabric.building_block], -1)
    rows = []
    for d in plan.districts:
        own = building_cell[(places.building_district == d.number) & (building_cell >= 0)]
        kinds = [plan.characters[c] for c in own]
        character = max(sorted(set(kinds)), key=kinds.count) if kinds else "rural"
        borough = places.boroughs[plan.borough_of[d.cells[0]]] if places.boroughs else ""
        rows.append([places.quarters[d.number], int(people[d.number]), character, borough])
    _write(folder / "districts.csv", ["district", "population", "character", "borough"], rows)


def write_staff(
    rng: np.random.Generator, folder: Path, plan: Plan, places: Places, people: int
) -> dict[tuple[str, int], str]:
    """teams.csv and staff.csv. Returns the team that answers for (kind of team, quarter)."""
    banks = np.array([bool(plan.south[list(d.cells)].mean() > 0.5) for d in plan.districts])
    teams: list[list[str]] = []
    answers: dict[tuple[str, int], str] = {}
    for kind in _TEAMS:
        own = [slug for slug, row in _CATEGORIES.items() if row[4] == kind]
        halves = (
            [("Rive nord", ~banks), ("Rive sud", banks)]
            if kind == "Propreté" and banks.any() and not banks.all()
            else [("", banks | True)]
        )
        for half, those in halves:
            name = f"{kind} {half}".strip()
            inside = [places.quarters[d.number] for d in plan.districts if those[d.number]]
            teams.append([name, ";".join(own), ";".join(inside) if half else ""])
            answers.update({(kind, d.number): name for d in plan.districts if those[d.number]})
    _write(folder / "teams.csv", ["name", "categories", "zones"], teams)
    staff: list[list[str]] = []
    phones = iter(range(900_000, 1_000_000))

    def hire(login: str, role: str, team: str = "", zone: str = "") -> None:
        staff.append([words.person(rng), f"{login}@soundiakoura.test", role, team, zone, _phone(next(phones))])

    # The kernel's roles: administrator, manager (head of service), agent, reader.
    hire("admin", "administrator")
    hire("mairie", "reader")
    hire("accueil", "agent")
    many = max(2, min(12, people // 60_000))
    for n, (name, _, zones) in enumerate(teams):
        hire(f"chef{n + 1}", "manager", name)
        for k in range(many):
            zone = zones.split(";")[k % len(zones.split(";"))] if zones else ""
            hire(f"agent{n + 1}{chr(97 + k)}", "agent", name, zone)
    _write(folder / "staff.csv", ["name", "email", "role", "team", "zone", "phone"], staff)
    return answers


def write_residents(rng: np.random.Generator, folder: Path, people: int) -> list[tuple[str, str, str]]:
    """residents.csv: (phone, name, language) of those who have written to the town hall."""
    count = int(np.clip(people // 30, 60, 40_000))
    languages = rng.choice(["fr", "en", "pt"], count, p=[0.75, 0.15, 0.10]).tolist()
    rows = [(_phone(n), words.person(rng, language), language) for n, language in enumerate(languages)]
    _write(folder / "residents.csv", ["phone", "name", "language"], rows)
    return rows


def _spots(ground: Terrain, fabric: Fabric, places: Places, xy: Floats) -> dict[str, Floats]:
    """Where each sort of problem can be, (n, 2) metres."""
    lines = [LineString(s.points) for s in fabric.streets if s.kind != "path"]
    main = [LineString(a.points) for a in fabric.roads if a.kind != "track"]
    road: list[tuple[float, float]] = []
    # A spot each 70 m of lane and each 20 m of main road: more traffic, more trouble.
    for line, step in [*((line, 70.0) for line in lines), *((line, 20.0) for line in main)]:
        road.extend(line.interpolate(d).coords[0] for d in np.arange(step / 2, max(line.length, step), step))
    road_xy = np.array(road)
    low = shapely.union_all([ground.flood.buffer(0.05 * ground.size.radius), *(s.buffer(30) for s in ground.streams)])
    shapely.prepare(low)

    def tagged(**wanted: str) -> Floats:
        found = [
            spot for spot, tags in places.points if any(tags.get(k.replace("__", ":")) == v for k, v in wanted.items())
        ]
        return np.array(found) if found else xy

    markets = [mark.xy for mark in places.landmarks if mark.kind in ("market", "station")]
    reach = np.hypot(*road_xy.T) < 1.3 * ground.size.radius
    flooded = xy[shapely.contains_xy(low, *xy.T)]
    return {
        "home": xy,
        "road": road_xy[reach] if reach.any() else road_xy,
        "lamp": tagged(highway="street_lamp"),
        "bin": tagged(amenity="waste_basket", waste="trash"),
        "water": tagged(amenity="drinking_water", man_made="water_well"),
        "market": np.array(markets) if markets else xy,
        "flood": flooded if len(flooded) else xy,
    }


def _chances(rng: np.random.Generator, categories: list[str], first: date) -> tuple[Floats, Floats]:
    """Weight of each category on each day, (categories, days): seasons, storms, working days; and how wet each day is, 0..1."""
    days = [first + timedelta(n) for n in range(_DAYS)]
    month = np.array([d.month for d in days])
    weekday = np.array([d.weekday() for d in days])
    year_part = np.array([d.timetuple().tm_yday for d in days])
    wet = np.exp(-(((year_part - 222) / 42.0) ** 4))
    heat = np.exp(-(((year_part - 95) / 45.0) ** 4))
    storms = rng.gamma(0.7, 1 / 0.7, _DAYS)
    storms = np.where(np.isin(month, [5, 6, 7, 8, 9, 10]), 0.35 + 0.65 * storms, 1.0)
    known = np.linspace(0.75, 1.15, _DAYS)
    week = np.array([1.2, 1.1, 1.05, 1.0, 0.85, 0.8, 0.65])[weekday]
    table = []
    for slug in categories:
        share, rains, dry, *_ = _CATEGORIES[slug]
        season = 1 + (rains - 1) * wet + (dry - 1) * heat
        if slug == "flooding":
            season = 0.03 + 9 * wet
        burst = storms if rains > 2 else 1.0
        weight = np.clip(season, 0.02, None) * burst * known * week
        table.append(share * weight)
    return np.array(table), wet


def write_reports(
    rng: np.random.Generator,
    folder: Path,
    ground: Terrain,
    plan: Plan,
    fabric: Fabric,
    places: Places,
    residents: list[tuple[str, str, str]],
    answers: dict[tuple[str, int], str],
    until: date,
) -> int:
    """reports.csv: what people said in the eighteen months before `until`, and what became of it. Returns how many."""
    people = ground.size.people
    count = max(30, round(people * _PER_PERSON_AND_YEAR * MONTHS / 12))
    slugs = list(_CATEGORIES)
    first = until - timedelta(_DAYS)
    table, wet = _chances(rng, slugs, first)
    draws = rng.choice(table.size, count, p=table.ravel() / table.sum())
    category, day = np.divmod(draws, _DAYS)
    hours = np.array(
        [1, 1, 1, 1, 1, 3, 10, 22, 34, 36, 32, 26, 17, 13, 16, 22, 28, 32, 30, 24, 18, 12, 6, 2], dtype=float
    )
    hour = rng.choice(24, count, p=hours / hours.sum())
    created = day * 86_400 + hour * 3_600 + rng.integers(0, 3_600, count)
    home = shapely.get_coordinates(shapely.centroid(fabric.buildings))
    spots = _spots(ground, fabric, places, home)
    xy = np.empty((count, 2))
    for n, slug in enumerate(slugs):
        own = category == n
        pool = spots[_CATEGORIES[slug][3]]
        xy[own] = pool[rng.integers(0, len(pool), own.sum())]
    xy += rng.normal(0, 7, xy.shape)
    # A tenth tell again what a neighbour has told: the same thing, some steps away, hours or days later.
    again = np.flatnonzero(rng.random(count) < 0.10)
    source = rng.integers(0, count, len(again))
    category[again] = category[source]
    xy[again] = xy[source] + rng.normal(0, 14, (len(again), 2))
    created[again] = np.minimum(
        created[source] + rng.exponential(26 * 3_600, len(again)) + 900, _DAYS * 86_400 - 1
    ).astype(np.int64)
    order = np.argsort(created, kind="stable")
    category, created, xy = category[order], created[order], xy[order]

    district = np.zeros(count, dtype=np.int64)
    cells = shapely.STRtree(plan.cells)
    at, found = cells.query_nearest(shapely.points(xy), all_matches=False)
    district[at] = plan.district_of[found]
    marks = places.landmarks
    mark = np.full(count, -1)
    if marks:
        at, found = shapely.STRtree(shapely.points(np.array([m.xy for m in marks]))).query_nearest(
            shapely.points(xy), max_distance=350, all_matches=False
        )
        mark[at] = found

    kinds = np.array([_CATEGORIES[s][4] for s in slugs], dtype=object)[category]
    pace = np.array([_TEAMS[k] for k in kinds])
    season = 1 + (pace[:, 3] - 1) * wet[np.clip(created // 86_400, 0, _DAYS - 1)]
    # Some quarters wait longer: those far from the town hall, and a few that nobody thinks of.
    centre = np.array([d.shape.centroid.coords[0] for d in plan.districts])
    slow = 0.8 + 0.5 * np.clip(np.hypot(*centre.T) / ground.size.radius, 0, 1.6) + rng.gamma(2, 0.12, len(centre))
    factor = season * slow[district]

    def wait(median: Floats, spread: float) -> Floats:
        return np.asarray(median * factor * rng.lognormal(0, spread, count) * 3_600)

    acknowledged = created + wait(pace[:, 0], 0.9)
    assigned = acknowledged + wait(pace[:, 1], 0.9)
    resolved = assigned + wait(pace[:, 2], 0.8)
    refused = rng.random(count) < 0.045
    stuck = rng.random(count) < 0.05
    forgotten = rng.random(count) < 0.003
    end = _DAYS * 86_400
    acknowledged[forgotten] = end + 1
    assigned[forgotten] = end + 1
    # What is stuck (a part to order, a budget to wait for) is done in the end, one to three months later.
    resolved[stuck] = assigned[stuck] + rng.uniform(30, 90, int(stuck.sum())) * 86_400
    resolved[refused] = acknowledged[refused] + wait(pace[:, 1], 0.8)[refused]
    start = datetime.combine(first, time(), UTC)

    def moment(seconds: float) -> str:
        return (start + timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")

    who = np.where(rng.random(count) < 0.24, -1, (len(residents) * rng.random(count) ** 1.7).astype(np.int64))
    channel = rng.choice(np.array(["web", "sms", "phone", "counter"], dtype=object), count, p=[0.46, 0.24, 0.16, 0.14])
    channel[(who < 0) & np.isin(channel, ["sms", "phone"])] = "web"
    unknown = rng.choice(np.array(["fr", "en", "pt"], dtype=object), count, p=[0.75, 0.15, 0.10])
    lonlat = to_degrees(xy).tolist()
    dice = rng.random((count, 3)).tolist()
    rated = rng.choice(["1", "2", "3", "4", "5"], count, p=[0.1, 0.1, 0.18, 0.34, 0.28]).tolist()

    def rows() -> Iterable[list[object]]:
        for n in range(count):
            slug = slugs[category[n]]
            phone, name, language = residents[who[n]] if who[n] >= 0 else ("", "", str(unknown[n]))
            landmark = marks[mark[n]].name if mark[n] >= 0 else None
            where = speech.place(rng, landmark, places.quarters[district[n]], language)
            status = (
                "refused"
                if refused[n] and resolved[n] < end
                else "open"
                if acknowledged[n] >= end
                else "acknowledged"
                if refused[n] or assigned[n] >= end
                else "in progress"
                if resolved[n] >= end
                else "resolved"
            )
            said = speech.replies(slug, status)
            known = status != "open"
            given = status in ("in progress", "resolved")
            done = status in ("resolved", "refused")
            yield [
                moment(created[n]),
                moment(acknowledged[n]) if known else "",
                moment(assigned[n]) if given else "",
                moment(resolved[n]) if done else "",
                slug,
                f"{lonlat[n][1]:.6f}",
                f"{lonlat[n][0]:.6f}",
                where,
                speech.text(rng, slug, where, language, str(channel[n])),
                language,
                phone,
                name,
                channel[n],
                status,
                answers[kinds[n], int(district[n])],  # the rules of the town give a team as soon as a report comes
                said[int(dice[n][0] * len(said))],
                rated[n] if status == "resolved" and phone and dice[n][1] < 0.3 else "",
            ]

    header = [
        "created",
        "acknowledged",
        "assigned",
        "resolved",
        "category",
        "lat",
        "lon",
        "place",
        "text",
        "language",
        "phone",
        "name",
        "channel",
        "status",
        "team",
        "reply",
        "rating",
    ]
    _write(folder / "reports.csv", header, rows())
    return count
