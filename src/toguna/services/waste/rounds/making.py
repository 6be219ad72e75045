"""The plan of a day: from what is due and the trucks that there are, to rounds that are kept; and beside it, the present rounds.

Carts and tricycles feed transfer points: their rounds are made first, and what they will have brought is then a stop of the
trucks, after their last arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate, pairwise
from typing import Any

from django.utils import timezone

from toguna.engines.territory import api as territory
from toguna.services.waste.models import PresentRound, Round, Truck
from toguna.services.waste.rounds import finishing, solving, stops, ways
from toguna.services.waste.rounds import problem as problems
from toguna.services.waste.rounds.problem import Dump, Kind, Plan, Problem, Stop, Vehicle
from toguna.services.waste.rounds.stops import Due, Emptied

CO2 = 2.68  # kg for a litre of diesel
EVENNESS = 0.5
AWAY = 0.35  # of a stop's cost: what it costs more in a quarter that the crew does not know
MOVED = 3.0  # of a stop's cost: what it costs to take a stop from a crew that has it already
POINT_SERVICE = 600
Took = Callable[
    [str, Sequence[tuple[int, int, int]]], list[int]
]  # of a kind of vehicle and legs (from, to, when it sets off), their seconds


@dataclass(frozen=True)
class Start:
    """Where a truck is when its plan is changed in mid-day; at: seconds since midnight; load: litres, kilograms; rested: its crew has had
    its rest; idle: it has not set off yet, and its day is paid only if it does."""

    point: ways.Point
    at: int
    load: tuple[int, int]
    rested: bool
    idle: bool = False


@dataclass(frozen=True)
class Made:
    """The plan, and all that is needed to keep and explain it."""

    plan: Plan
    due: Mapping[str, Due]
    dumps: Mapping[str, Emptied]
    trucks: Mapping[str, Truck]
    by_roads: bool


def make(
    day: date, trucks: Sequence[Truck], due: Sequence[Due], dumps: Sequence[Emptied], seconds: float, *,
    starts: Mapping[str, Start] | None = None, was: Mapping[str, str] | None = None, before: Plan | None = None,
    heaps: Mapping[str, tuple[int, int]] | None = None, begins: int = 0,
) -> Made:  # fmt: skip
    """starts, was, before, heaps: of a plan that is changed in mid-day: where each truck is, which one had each stop (one that goes no farther
    has none), its routes, and what
    carts have left at each transfer point already (litres, kilograms). begins: no truck sets off before, seconds since midnight."""
    points: list[ways.Point] = []

    def row(point: ways.Point) -> int:
        points.append(point)
        return len(points) - 1

    depots = {t.depot_id: row((t.depot.point.x, t.depot.point.y)) for t in trucks}
    dump_rows = {d.key: row(d.point) for d in dumps}
    due_rows = {d.key: row(d.point) for d in due}
    begin_rows = {plate: row(start.point) for plate, start in (starts or {}).items()}
    found = ways.matrices(points, sorted({ways.kind_of(t) for t in trucks}), None if starts else when(day, trucks))
    took = _at_their_hours(day, points, found)
    worth = _worth(trucks)
    # What a crew has is left only where it would be left anyway: never since another crew would have to take it.
    had = {key: plate for key, plate in (was or {}).items() if plate in {t.plate for t in trucks}}
    moved = round(worth * MOVED) if had else 0
    tip = [d for d in dumps if not d.station] or list(dumps)
    stations = [d for d in dumps if d.station] or list(dumps)
    fed: set[str] = set()  # where carts bring what trucks then fetch: no truck is emptied there

    def vehicle(truck: Truck) -> Vehicle:
        start = (starts or {}).get(truck.plate)
        small = truck.mode != Truck.Mode.TRUCK
        sets_off = max(stops.of_time(truck.begins), start.at if start else begins)
        pause = stops.pause_of(truck)
        if pause and (sets_off > pause.latest or (start and start.rested)):
            pause = None
        return Vehicle(
            truck.plate, begin_rows[truck.plate] if start else depots[truck.depot_id], depots[truck.depot_id], truck.volume, truck.weight,
            sets_off, stops.of_time(truck.ends), pause, truck.cost_km, truck.cost_hour, 0 if start and not start.idle else truck.cost_day,
            tuple(d.key for d in (stations if small else dumps) if d.key not in fed or small), load=start.load if start else (0, 0),
            usual=frozenset(str(z) for q in truck.quarters.all() for z in territory.zone_tree_ids(q.pk)), mode=ways.kind_of(truck),
        )  # fmt: skip

    def stop(one: Due) -> Stop:
        return Stop(
            one.key, due_rows[one.key], one.volume, one.weight, one.service, one.windows,
            worth * stops.worth(one) + (moved if one.key in had else 0), str(one.zone or ""), was=had.get(one.key, ""),
        )  # fmt: skip

    def solved(fleet: Sequence[Truck], wanted: Sequence[Stop], time_: float) -> tuple[Problem, Plan]:
        problem = Problem(
            tuple(vehicle(t) for t in fleet), tuple(wanted),
            tuple(Dump(d.key, dump_rows[d.key], d.service, d.windows) for d in dumps), found.matrices,
            away=round(worth * AWAY), moved=moved, evenness=0.0 if starts else EVENNESS,
        )  # fmt: skip
        plan = solving.solve(problem, time_, start=before)
        # One that is changed is driven now: a fresh one at other hours than that of its matrix.
        if not found.by_roads or starts:
            return problem, plan
        return finishing.timed(problem, plan, lambda vehicle, legs: took(vehicle.mode, legs))

    def latest(station: str) -> int:
        """When the last truck must be there to fetch something: it is emptied, and home, before its day ends."""
        at = dump_rows[station]

        def home(truck: Truck) -> int:
            seconds = found.matrices[ways.kind_of(truck)].seconds
            return min(
                int(seconds[at, dump_rows[d.key]]) + d.service + int(seconds[dump_rows[d.key], depots[truck.depot_id]])
                for d in tip
            )

        return max(stops.of_time(t.ends) - home(t) for t in large) - POINT_SERVICE

    large = [t for t in trucks if t.mode == Truck.Mode.TRUCK]
    small = [t for t in trucks if t.mode != Truck.Mode.TRUCK]
    wanted = [stop(d) for d in due]
    brought: list[Due] = []
    first: Plan | None = None
    if small and stations:
        near = {z for t in small for z in vehicle(t).usual}
        most = max(t.volume for t in small)
        theirs = [s for s in wanted if s.volume <= most and (not near or s.quarter in near)] if large else wanted
        _problem, first = solved(small, theirs, seconds * 0.25)
        done = set(first.of())
        wanted = [s for s in wanted if s.key not in done]
    if large:
        loads = {plate: start.load for plate, start in (starts or {}).items()}
        now = min((start.at for start in (starts or {}).values()), default=0)
        points_ = {d.key: d for d in stations if d not in tip}
        room = max(t.volume for t in large), max(t.weight for t in large)
        brought = _brought(first or Plan(()), points_, loads, heaps or {}, now, room, {k: latest(k) for k in points_})
        fed |= {one.key.lstrip("t") for one in brought}
        for one in brought:
            due_rows[one.key] = dump_rows[one.key.lstrip("t")]
        wanted += [stop(d) for d in brought]
    plan = Plan((), {}, 0)
    if large or not first:
        _problem, plan = solved(large, wanted, seconds * (0.75 if first else 1.0))
        left = dict(plan.left)
    else:
        left = dict(first.left)
    if first:
        plan = Plan((*first.routes, *plan.routes), left, first.cost + plan.cost)
    by_plate = {t.plate: t for t in trucks}
    everything = {d.key: d for d in (*due, *brought)}
    return Made(plan, everything, {d.key: d for d in dumps}, by_plate, found.by_roads)


def _at_their_hours(day: date, points: Sequence[ways.Point], found: ways.Ways) -> Took:
    """By the roads; as the matrix says where these cannot be asked."""

    def took(kind: str, legs: Sequence[tuple[int, int, int]]) -> list[int]:
        if found.by_roads:
            with suppress(territory.RoutingUnavailable, territory.NoRoute):
                return ways.seconds([(points[a], points[b], stops.moment_of(day, at)) for a, b, at in legs], kind)
        return [int(found.matrices[kind].seconds[a, b]) for a, b, _at in legs]

    return took


def when(day: date, trucks: Sequence[Truck]) -> datetime | None:
    """For what hour roads are asked: the middle of the trucks' day; now when that is over."""
    halves = [(stops.of_time(t.begins) + stops.of_time(t.ends)) // 2 for t in trucks]
    middle = stops.moment_of(day, sum(halves) // max(1, len(halves)))
    return middle if middle > timezone.now() else None


def _worth(trucks: Sequence[Truck]) -> int:
    """What serving one stop costs: some kilometres, a quarter of an hour of a truck, its share of a truck's going out."""
    if not trucks:
        return 1
    return max(1, round(sum(t.cost_km * 3 + t.cost_hour / 4 + t.cost_day / 12 for t in trucks) / len(trucks)))


def _brought(
    plan: Plan, stations: Mapping[str, Emptied], loads: Mapping[str, tuple[int, int]], heaps: Mapping[str, tuple[int, int]], now: int,
    room: tuple[int, int], latest: Mapping[str, int],
) -> list[Due]:  # fmt: skip
    """What lies at each transfer point and what carts will leave there; more than one truck holds (room) is so many stops, "tp12", "ttp12"
    and on, each ready as soon as as much is there. What comes after the last truck could fetch it (latest) is a stop of its own: a cart
    that is late holds nothing up. loads: on board at the start."""
    left = {key: [(now, *heaps[key])] for key in heaps if key in stations and heaps[key][0]}
    for route in plan.routes:
        litres, kilograms = loads.get(route.vehicle, (0, 0))
        for visit in route.visits:
            if visit.kind == Kind.DUMP and visit.key in stations and litres:
                left.setdefault(visit.key, []).append((visit.leaves, litres, kilograms))
            litres, kilograms = visit.volume, visit.weight
    found = []
    for key, rows in left.items():
        name = key
        for late in (False, True):
            for ready, litres, kilograms in _parts(sorted(r for r in rows if (r[0] > latest[key]) is late), room):
                name = f"t{name}"
                found.append(
                    Due(
                        name, stations[key].point, stations[key].name, None, litres, kilograms, POINT_SERVICE, "point",
                        _from(stations[key].windows, ready), {"ready": ready},
                    )
                )  # fmt: skip
    return found


def _parts(rows: Sequence[tuple[int, int, int]], room: tuple[int, int]) -> Iterator[tuple[int, int, int]]:
    """Of what comes (when, litres, kilograms), in the order of time, as many even parts as trucks need: when each is there, and how much."""
    volume, weight = sum(row[1] for row in rows), sum(row[2] for row in rows)
    parts = max(-(-volume // max(1, room[0])), -(-weight // max(1, room[1])))
    so_far = list(
        zip((r[0] for r in rows), accumulate(r[1] for r in rows), accumulate(r[2] for r in rows), strict=True)
    )
    for part in range(1, parts + 1):
        ready = next(at for at, litres, kg in so_far if litres * parts >= volume * part and kg * parts >= weight * part)
        yield (
            ready,
            volume * part // parts - volume * (part - 1) // parts,
            weight * part // parts - weight * (part - 1) // parts,
        )


def _from(windows: Sequence[tuple[int, int]], ready: int) -> tuple[tuple[int, int], ...]:
    """What is left of them after a moment; when nothing is, a window that nobody can keep."""
    return tuple((max(a, ready), b) for a, b in windows if b >= ready) or ((ready, windows[-1][1]),)


def figures(rounds: Sequence[Round], left: int) -> dict[str, Any]:
    """What is compared: km, hours, litres, CO2 (kg), money (minor units), stops, tonnes. left: stops that are in no round."""
    litres = sum(r.truck.burns * r.metres for r in rounds) / 1_000_000
    seconds = {r.pk: round((r.returns - r.departs).total_seconds()) for r in rounds}
    fetched = [
        v
        for r in rounds
        for v in r.visits.all()
        if v.kind == v.Kind.STOP and v.why != "point" and v.state != v.State.SKIPPED
    ]
    return {
        "km": round(sum(r.metres for r in rounds) / 1000, 1), "hours": round(sum(seconds.values()) / 3600, 1), "litres": round(litres, 1),
        "co2": round(litres * CO2, 1), "money": sum(money(r.truck, r.metres, seconds[r.pk]) for r in rounds), "stops": len(fetched),
        "tonnes": round(sum(v.takes_kg for v in fetched) / 1000, 2), "trucks": len(rounds), "left": left,
    }  # fmt: skip


def money(truck: Truck, metres: int, seconds: int) -> int:
    return truck.cost_day + truck.cost_km * metres // 1000 + truck.cost_hour * seconds // 3600


def present(
    day: date, trucks: Sequence[Truck], dumps: Sequence[Emptied], planned: set[str], known: Sequence[Due] = (),
) -> dict[str, Any]:  # fmt: skip
    """The present rounds of that day of the week, driven on the same roads: all their bins ("all"), and only those that the plan serves, in
    their present order ("same"; a bin that no present round visits that day is put in where the detour is the least). A driver empties when the next bin would not fit, at the nearest dump. Each leg takes as long as at its hour, as in a plan. known: bins of which more is known by
    now than what was expected. What no road reaches is in none. {} when no round was recorded."""
    rounds = [r for r in PresentRound.objects.select_related("truck__depot") if day.isoweekday() in r.days]
    rounds = [r for r in rounds if any(t.pk == r.truck_id for t in trucks)]
    if not rounds or not dumps:
        return {}
    bins = {d.key: d for d in (*stops.due(day, everything=True), *known)}
    points = (
        [d.point for d in dumps]
        + [d.point for d in bins.values()]
        + [(r.truck.depot.point.x, r.truck.depot.point.y) for r in rounds]
    )
    found = ways.matrices(points, sorted({ways.kind_of(r.truck) for r in rounds}), when(day, trucks))
    took = _at_their_hours(day, points, found)
    rows = {key: len(dumps) + n for n, key in enumerate(bins)}

    def reached(one: PresentRound, number: int, key: str) -> bool:
        """Whether roads lead there and back."""
        seconds, home = found.matrices[ways.kind_of(one.truck)].seconds, len(dumps) + len(bins) + number
        return max(int(seconds[home, rows[key]]), int(seconds[rows[key], home])) < problems.NEVER

    made = {}
    for name in ("all", "same"):
        orders = [
            [
                f"p{pk}" for pk in r.places
                if f"p{pk}" in bins and (name == "all" or f"p{pk}" in planned) and reached(r, number, f"p{pk}")
            ] for number, r in enumerate(rounds)
        ]  # fmt: skip
        if name == "same":
            _put_in(orders, [k for k in sorted(planned) if k in bins], rounds, rows, len(dumps) + len(bins), found)
        whole = {"metres": 0, "seconds": 0, "money": 0, "stops": 0, "kg": 0, "ml": 0, "trucks": 0}
        for number, (one, keys) in enumerate(zip(rounds, orders, strict=True)):
            if not keys:
                continue
            home = len(dumps) + len(bins) + number
            metres, seconds = driven(
                one.truck, keys, bins, rows, dumps, home, found.matrices[ways.kind_of(one.truck)], took
            )
            whole["metres"] += metres
            whole["seconds"] += seconds
            whole["money"] += money(one.truck, metres, seconds)
            whole["ml"] += one.truck.burns * metres // 1000
            whole["stops"] += len(keys)
            whole["kg"] += sum(bins[k].weight for k in keys)
            whole["trucks"] += 1
        made[name] = {
            "km": round(whole["metres"] / 1000, 1), "hours": round(whole["seconds"] / 3600, 1), "litres": round(whole["ml"] / 1000, 1),
            "co2": round(whole["ml"] / 1000 * CO2, 1), "money": whole["money"], "stops": whole["stops"],
            "tonnes": round(whole["kg"] / 1000, 2), "trucks": whole["trucks"], "left": 0,
        }  # fmt: skip
    return made


def _put_in(
    orders: list[list[str]], planned: Sequence[str], rounds: Sequence[PresentRound], rows: Mapping[str, int], home: int, found: ways.Ways,
) -> None:  # fmt: skip
    """What no present round of that day visits is put where its crew would: where the detour is the least."""
    there = {k for order in orders for k in order}
    for key in planned:
        if key in there:
            continue
        best: tuple[int, int, int] | None = None
        for number, order in enumerate(orders):
            metres = found.matrices[ways.kind_of(rounds[number].truck)].metres
            path = [home + number, *(rows[k] for k in order), home + number]
            for place in range(len(order) + 1):
                detour = int(
                    metres[path[place], rows[key]]
                    + metres[rows[key], path[place + 1]]
                    - metres[path[place], path[place + 1]]
                )
                if best is None or detour < best[0]:
                    best = (detour, number, place)
        if best is not None:
            orders[best[1]].insert(best[2], key)


def driven(
    truck: Truck, keys: Sequence[str], bins: Mapping[str, Due], rows: Mapping[str, int], dumps: Sequence[Emptied], home: int,
    matrix: problems.Matrix, took: Took,
) -> tuple[int, int]:  # fmt: skip
    """(metres, seconds) of a truck that follows an order, hours of bins and dumps of no matter."""
    path, litres, kilograms = [(home, 0)], 0, 0  # places, and seconds at each

    def empty(then: int) -> None:
        at = path[-1][0]
        nearest = min(range(len(dumps)), key=lambda d: int(matrix.seconds[at, d]) + int(matrix.seconds[d, then]))
        path.append((nearest, dumps[nearest].service))

    for key in keys:
        one = bins[key]
        if litres and (litres + one.volume > truck.volume or kilograms + one.weight > truck.weight):
            empty(rows[key])
            litres = kilograms = 0
        path.append((rows[key], one.service))
        litres, kilograms = litres + one.volume, kilograms + one.weight
    empty(home)
    path.append((home, 0))
    pairs = [(at, to) for (at, _there), (to, _then) in pairwise(path)]
    begins, served = stops.of_time(truck.begins), list(accumulate(service for _place, service in path))
    found = [int(matrix.seconds[pair]) for pair in pairs]
    for _again in range(2):  # what is slower in the morning is later in the morning
        so_far = accumulate(found, initial=0)
        legs = [(*pair, begins + at + on) for pair, at, on in zip(pairs, served, so_far, strict=False)]
        found = took(ways.kind_of(truck), legs)
    seconds, pause = served[-1] + sum(found), stops.pause_of(truck)
    rest = pause.lasts if pause and begins + seconds > pause.latest else 0
    return sum(int(matrix.metres[pair]) for pair in pairs), seconds + rest
