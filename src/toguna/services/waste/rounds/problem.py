"""A day of collection as numbers: who can drive, what waits where, where it is emptied; and a plan of it, played through.

Units: seconds since midnight, metres, litres, kilograms, the currency's minor units. Places are rows of the matrices. This
module knows neither the database nor the solver: `played` says what a truck's day becomes when it does things in an order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

DAY = 24 * 3600
NEVER = 20 * DAY  # seconds to where a vehicle does not get


@dataclass(frozen=True)
class Matrix:
    """Times (seconds) and distances (metres) from each place (row) to each other (column), for one kind of vehicle."""

    seconds: NDArray[np.int64]
    metres: NDArray[np.int64]

    def __post_init__(self) -> None:
        if (
            self.seconds.shape != self.metres.shape
            or self.seconds.ndim != 2
            or self.seconds.shape[0] != self.seconds.shape[1]
        ):
            raise ValueError("two square matrices of the same size are wanted")


@dataclass(frozen=True)
class Pause:
    """A crew's rest: begun between two instants; due only when the day goes on after the latest."""

    earliest: int
    latest: int
    lasts: int


@dataclass(frozen=True)
class Vehicle:
    """`dumps` are keys of places where it may empty; none means that it never needs to. `usual` are the quarters its crew
    knows. `mode`: the kind of vehicle, which names its matrix. `volume`, `weight`: what it can carry; `load`: (litres, kilograms)
    already on board at the start."""

    key: str
    start: int
    end: int
    volume: int
    weight: int
    begins: int = 0
    ends: int = DAY
    pause: Pause | None = None
    cost_km: int = 0
    cost_hour: int = 0
    cost_day: int = 0
    dumps: tuple[str, ...] = ()
    most_dumps: int = 12
    load: tuple[int, int] = (0, 0)
    usual: frozenset[str] = frozenset()
    mode: str = "truck"


@dataclass(frozen=True)
class Stop:
    """`prize`: what leaving it would cost, in money; None: it must be served. `windows`: when service may begin. `modes`: which
    kinds of vehicle get there; none means all. `was`: the vehicle that has it in the plan being changed."""

    key: str
    at: int
    volume: int
    weight: int
    service: int
    windows: tuple[tuple[int, int], ...] = ()
    prize: int | None = None
    quarter: str = ""
    modes: frozenset[str] = frozenset()
    was: str = ""


@dataclass(frozen=True)
class Dump:
    """Where a vehicle is emptied in mid-route: a dump, a transfer station, a transfer point of carts. windows: when emptying may begin."""

    key: str
    at: int
    service: int
    windows: tuple[tuple[int, int], ...] = ((0, DAY),)


@dataclass(frozen=True)
class Problem:
    """`away`: what a stop costs more, in money, when served by a crew that does not know its quarter; `moved`: when it changes
    vehicle in a plan that crews already have; `evenness`: 0 to 1, how much a long day beside short ones matters."""

    vehicles: tuple[Vehicle, ...]
    stops: tuple[Stop, ...]
    dumps: tuple[Dump, ...]
    matrices: Mapping[str, Matrix]
    away: int = 0
    moved: int = 0
    evenness: float = 0.0

    def vehicle(self, key: str) -> Vehicle:
        return next(v for v in self.vehicles if v.key == key)

    def dumps_of(self, vehicle: Vehicle) -> list[Dump]:
        return [d for d in self.dumps if d.key in vehicle.dumps]


class Kind(StrEnum):
    STOP = "stop"
    DUMP = "dump"
    PAUSE = "pause"


@dataclass(frozen=True)
class Visit:
    """One thing done at one place. `volume`, `weight`: on board when leaving."""

    kind: Kind
    key: str
    arrives: int
    begins: int
    leaves: int
    metres: int
    volume: int
    weight: int


@dataclass(frozen=True)
class Route:
    """A vehicle's day. `metres` includes the way home."""

    vehicle: str
    departs: int
    returns: int
    metres: int
    visits: tuple[Visit, ...]

    @property
    def seconds(self) -> int:
        return self.returns - self.departs

    @property
    def stops(self) -> list[str]:
        return [v.key for v in self.visits if v.kind == Kind.STOP]

    @property
    def order(self) -> list[tuple[Kind, str]]:
        """What is done and in which order, without the rest, which is placed anew."""
        return [(v.kind, v.key) for v in self.visits if v.kind != Kind.PAUSE]


class Why(StrEnum):
    """Why a stop is in no route."""

    TOO_BIG = "too_big"
    NO_WAY = "no_way"
    WINDOW = "window"
    NO_ROOM = "no_room"
    NOT_WORTH = "not_worth"


@dataclass(frozen=True)
class Plan:
    routes: tuple[Route, ...]
    left: Mapping[str, Why] = field(default_factory=dict)
    cost: int = 0

    @property
    def metres(self) -> int:
        return sum(r.metres for r in self.routes)

    @property
    def seconds(self) -> int:
        return sum(r.seconds for r in self.routes)

    def of(self) -> dict[str, str]:
        """Stop -> vehicle."""
        return {key: route.vehicle for route in self.routes for key in route.stops}


class Impossible(Exception):
    """The vehicle cannot do these things in this order: too late, too full, or too long."""


def cost(problem: Problem, route: Route) -> int:
    vehicle = problem.vehicle(route.vehicle)
    return vehicle.cost_day + vehicle.cost_km * route.metres // 1000 + vehicle.cost_hour * route.seconds // 3600


def played(problem: Problem, vehicle: Vehicle, order: Sequence[tuple[Kind, str]], departs: int | None = None) -> Route:
    """The day of a vehicle that does `order`; it is emptied before it comes home. The rest is put where it delays least.
    Raises Impossible."""
    stops, dumps = {s.key: s for s in problem.stops}, {d.key: d for d in problem.dumps}
    loaded = order[-1][0] == Kind.STOP if order else any(vehicle.load)
    last = problem.dumps_of(vehicle) if loaded else []
    leaves = max(vehicle.begins, departs if departs is not None else vehicle.begins)
    plain = _run(problem, vehicle, order, leaves, None, stops, dumps, last)
    if plain is None:
        raise Impossible  # a rest only delays
    if vehicle.pause is None or plain.returns <= vehicle.pause.latest:
        return plain
    # Not before something that would be done when the rest may begin: the rest would end as early after it.
    places = [
        n for n, visit in enumerate(plain.visits)
        if visit.leaves <= vehicle.pause.latest and all(v.leaves > vehicle.pause.earliest for v in plain.visits[n + 1 : n + 2])
    ]  # fmt: skip
    tried = (_run(problem, vehicle, order, leaves, place, stops, dumps, last) for place in places)
    if found := [route for route in tried if route is not None]:
        return min(found, key=lambda route: route.returns)
    raise Impossible


def _way_home(problem: Problem, vehicle: Vehicle, dumps: Sequence[Dump], at: int, now: int) -> str | None:
    """The dump by which a loaded vehicle best comes home from a place where it is now; None when it is home in time by none."""
    matrix = problem.matrices[vehicle.mode]
    best: tuple[float, str] | None = None
    for dump in dumps:
        begins = _begin(dump.windows, now + int(matrix.seconds[at, dump.at]))
        if begins is None:
            continue
        returns = begins + dump.service + int(matrix.seconds[dump.at, vehicle.end])
        metres = int(matrix.metres[at, dump.at]) + int(matrix.metres[dump.at, vehicle.end])
        weighs = (returns - now) * (vehicle.cost_hour / 3600 + 1 / DAY) + metres * vehicle.cost_km / 1000
        if returns <= vehicle.ends and (best is None or (weighs, dump.key) < best):
            best = weighs, dump.key
    return best and best[1]


def last_dumps(problem: Problem, vehicle: Vehicle) -> list[Dump]:
    """The dumps still open at the end of the vehicle's day; those that close last when there is none."""
    dumps = problem.dumps_of(vehicle)
    still = [d for d in dumps if shuts(problem, vehicle, d)[1] >= vehicle.ends]
    latest = max((shuts(problem, vehicle, d)[0] for d in dumps), default=-1)
    return still or [d for d in dumps if shuts(problem, vehicle, d)[0] == latest]


def shuts(problem: Problem, vehicle: Vehicle, dump: Dump) -> tuple[int, int]:
    """When the last opening of a dump ends that begins early enough for the vehicle to be home in time (-1: there is none), and when it is
    home if it comes there only then."""
    home = dump.service + int(problem.matrices[vehicle.mode].seconds[dump.at, vehicle.end])
    last = max((closes for opens, closes in dump.windows if opens + home <= vehicle.ends), default=-1)
    return last, last + home


def _run(
    problem: Problem, vehicle: Vehicle, order: Sequence[tuple[Kind, str]], departs: int, pause_after: int | None,
    stops: Mapping[str, Stop], dumps: Mapping[str, Dump], last: Sequence[Dump],
) -> Route | None:  # fmt: skip
    """last: by one of these it comes home."""
    matrix = problem.matrices[vehicle.mode]
    at, now, whole = vehicle.start, departs, 0
    volume, weight = vehicle.load
    visits: list[Visit] = []
    for place in range(len(order) + bool(last)):
        if place < len(order):
            kind, key = order[place]
        elif home := _way_home(problem, vehicle, last, at, now):
            kind, key = Kind.DUMP, home
        else:
            return None
        stop = stops[key] if kind == Kind.STOP else None
        to = stop.at if stop else dumps[key].at
        metres = int(matrix.metres[at, to])
        arrives = now + int(matrix.seconds[at, to])
        begins = _begin(stop.windows if stop else dumps[key].windows, arrives)
        if begins is None:
            return None
        if stop:
            if stop.modes and vehicle.mode not in stop.modes:
                return None
            volume, weight = volume + stop.volume, weight + stop.weight
            now = begins + stop.service
        else:
            volume = weight = 0
            now = begins + dumps[key].service
        if volume > vehicle.volume or weight > vehicle.weight:
            return None
        visits.append(Visit(kind, key, arrives, begins, now, metres, volume, weight))
        whole, at = whole + metres, to
        if pause_after == place and (pause := vehicle.pause):
            start = max(now, pause.earliest)
            if start > pause.latest:
                return None
            visits.append(Visit(Kind.PAUSE, "", now, start, start + pause.lasts, 0, volume, weight))
            now = start + pause.lasts
    returns = now + int(matrix.seconds[at, vehicle.end])
    if returns > vehicle.ends:
        return None
    return Route(vehicle.key, departs, returns, whole + int(matrix.metres[at, vehicle.end]), tuple(visits))


def _begin(windows: Sequence[tuple[int, int]], arrives: int) -> int | None:
    for opens, closes in sorted(windows) or [(0, 10 * DAY)]:
        if arrives <= closes:
            return max(arrives, opens)
    return None


def faults(problem: Problem, plan: Plan) -> list[str]:
    """What is wrong with a plan, in words for whoever mends the solver; nothing when it can be driven. Reads only the plan's
    claims and the matrices: it shares no line with what makes plans."""
    wrong: list[str] = []
    stops, dumps = {s.key: s for s in problem.stops}, {d.key: d for d in problem.dumps}
    served = [key for route in plan.routes for key in route.stops]
    wrong += [f"{key} is served {served.count(key)} times" for key in sorted(set(served)) if served.count(key) > 1]
    wrong += [f"{key} is both served and left" for key in sorted(set(served) & set(plan.left))]
    wrong += [f"{key} is nowhere" for key in sorted(set(stops) - set(served) - set(plan.left))]
    wrong += [
        f"{r.vehicle} has two routes"
        for n, r in enumerate(plan.routes)
        if r.vehicle in {o.vehicle for o in plan.routes[:n]}
    ]
    for route in plan.routes:
        vehicle = problem.vehicle(route.vehicle)
        matrix = problem.matrices[vehicle.mode]
        at, free, metres = vehicle.start, route.departs, 0
        litres, kilograms, dirty = vehicle.load[0], vehicle.load[1], any(vehicle.load)
        rested = 0
        if route.departs < vehicle.begins:
            wrong.append(f"{vehicle.key} departs before its day")
        for visit in route.visits:
            name = f"{vehicle.key}/{visit.kind}/{visit.key}"
            if visit.kind == Kind.PAUSE:
                pause = vehicle.pause
                if (
                    pause is None
                    or not pause.earliest <= visit.begins <= pause.latest
                    or visit.leaves - visit.begins != pause.lasts
                ):
                    wrong.append(f"{name}: not a rest as agreed")
                if visit.begins < free:
                    wrong.append(f"{name}: rests while busy")
                rested, free = rested + 1, visit.leaves
                continue
            to = (stops if visit.kind == Kind.STOP else dumps)[visit.key].at
            if visit.arrives < free + matrix.seconds[at, to]:
                wrong.append(f"{name}: arrives faster than the road allows")
            if visit.begins < visit.arrives:
                wrong.append(f"{name}: begins before it is there")
            metres += int(matrix.metres[at, to])
            if visit.kind == Kind.STOP:
                stop = stops[visit.key]
                if stop.windows and not any(a <= visit.begins <= b for a, b in stop.windows):
                    wrong.append(f"{name}: outside its hours")
                if visit.leaves - visit.begins < stop.service:
                    wrong.append(f"{name}: too short a service")
                if stop.modes and vehicle.mode not in stop.modes:
                    wrong.append(f"{name}: this kind of vehicle does not get there")
                litres, kilograms, dirty = litres + stop.volume, kilograms + stop.weight, True
            else:
                dump = dumps[visit.key]
                if visit.key not in vehicle.dumps:
                    wrong.append(f"{name}: not a dump of this vehicle")
                if not any(a <= visit.begins <= b for a, b in dump.windows):
                    wrong.append(f"{name}: the dump is closed")
                if visit.leaves - visit.begins < dump.service:
                    wrong.append(f"{name}: too short an emptying")
                litres, kilograms, dirty = 0, 0, False
            if litres > vehicle.volume or kilograms > vehicle.weight:
                wrong.append(f"{name}: over its capacity")
            if (litres, kilograms) != (visit.volume, visit.weight):
                wrong.append(f"{name}: says another load than it has")
            at, free = to, visit.leaves
        metres += int(matrix.metres[at, vehicle.end])
        if vehicle.dumps and dirty:
            wrong.append(f"{vehicle.key} comes home loaded")
        if route.returns < free + matrix.seconds[at, vehicle.end] or route.returns > vehicle.ends:
            wrong.append(f"{vehicle.key} comes home too late")
        if route.metres != metres:
            wrong.append(f"{vehicle.key} says {route.metres} m for {metres}")
        if vehicle.pause and route.returns > vehicle.pause.latest and rested != 1:
            wrong.append(f"{vehicle.key} has {rested} rests")
    return wrong
