"""Plans made by PyVRP. What the solver does not know is brought to what it knows:

- A truck comes home empty: its end is a place "home by the best dump", whose times hold the detour, so that the solver pays
  for it. In mid-route, dumps are reload depots. One that closes during the day is looked at afterwards: see `_openings`.
- Several windows of a stop are so many clients of one exclusive group; those of a dump are so many depots.
- A crew's rest is not a client (it has no place): windows and shifts that end after the rest may begin are shortened by it, so that
  it fits anywhere in what comes back; `played` then puts it where it delays least.
- A stop outside a crew's quarters, or moved from another truck, costs more in the matrix of that truck: one profile for each
  set of such prices. What is reported afterwards are real metres and real money.
- Balance: a second run, from the first's plan, in which time beyond the crews' mean day is overtime.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pyvrp
from numpy.typing import NDArray
from pyvrp import Activity, ActivityType
from pyvrp.search import NeighbourhoodParams

from toguna.services.waste.rounds.finishing import MUST, dearer, finished, tidy, weighs
from toguna.services.waste.rounds.problem import (
    NEVER,
    Dump,
    Kind,
    Plan,
    Problem,
    Stop,
    Vehicle,
    Why,
    last_dumps,
    shuts,
)

SCALE = 100  # the solver's unit of cost is a hundredth of the minor unit: prices of a metre are small
USUAL, LEGS = 50_000.0, 75  # see _Penalties
FIRST = 0.6  # of the time, before ways home by dumps that close during the day are tried
MOST_TRIALS = 8
BALANCE_FROM = 1.03  # a day within 3% of the mean is even enough


@dataclass
class _Stop:
    """The solver stops at the deadline of a clock, the wall's, or the processor's for measures on a busy machine; or when it found nothing
    better in so many turns (`patience`)."""

    until: float
    clock: Callable[[], float]
    patience: int
    best: float = float("inf")
    turns: int = 0

    def __call__(self, best_cost: int) -> bool:
        self.turns = self.turns + 1 if best_cost >= self.best else 0
        self.best = best_cost
        return self.turns > self.patience or self.clock() >= self.until


class _Penalties(pyvrp.PenaltyParams):
    """What a unit too much of a load costs at first: the solver's own first price, or so many mean legs for the mean load of a stop where
    that is more. Where loads are small numbers and our costs large ones, its own buys room so cheaply that what is searched are plans that
    nobody can drive. The solver moves it from there, up to our limit instead of its own."""

    def midpoint_penalties(self, data: pyvrp.ProblemData) -> tuple[list[float], float, float]:
        leg = float(np.mean([matrix.mean() for matrix in data.distance_matrices()]))
        loads = np.array([client.pickup for client in data.clients()]).mean(axis=0)
        return [max(USUAL, LEGS * leg / max(1.0, load)) for load in loads.tolist()], USUAL, USUAL


# The twenty nearest of a stop are looked at, not fifty: twice as many turns of the search, which on days of 60 to 200 stops is what counts.
PARAMS = pyvrp.SolveParams(
    neighbourhood=NeighbourhoodParams(num_neighbours=20), penalty=_Penalties(max_penalty=100_000.0 * SCALE)
)


@dataclass(frozen=True)
class _Setup:
    data: pyvrp.ProblemData
    stops: tuple[Stop, ...]
    clients: tuple[int, ...]  # client -> stop
    fleets: tuple[tuple[Vehicle, ...], ...]  # vehicle type -> vehicles
    dumps: tuple[str, ...]  # depot -> key of a dump, or ""


Opening = tuple[str, tuple[int, int]]  # of a dump: its key, and from when until when it is open
Homes = Mapping[str, Opening]  # vehicle -> where and when it is emptied last; where nothing is said, by the best dump


def solve(
    problem: Problem, seconds: float, *, start: Plan | None = None, seed: int = 1, clock: Callable[[], float] = time.perf_counter,
) -> Plan:  # fmt: skip
    """The best plan found in `seconds` of `clock`. `start`: a plan to begin from (stops it does not know are added): none is found that is worse than
    that one with what is new put where it fits. Always a plan that can be driven: what does not fit is in `left`, with the reason."""
    began = clock()
    left = {s.key: why for s in problem.stops if (why := _never(problem, s))}
    stops = tuple(s for s in problem.stops if s.key not in left)
    if not stops or not problem.vehicles:
        return finished(problem, [], left)
    if start is not None:
        start = finished(problem, _known(problem, stops, start), left)
        seconds = max(seconds / 2, seconds - (clock() - began))
    openings = {v.key: _openings(problem, v) for v in problem.vehicles}
    wide = any(openings.values())

    def searched(share: float, start: Plan | None, homes: Homes) -> Plan:
        nonlocal stops
        began, time_ = clock(), seconds * share
        even = problem.evenness > 0 and len(problem.vehicles) > 1
        setup = _setup(problem, stops, homes)
        best = _solved(setup, began + time_ * (0.5 if even else 1.0), clock, seed, _warm(setup, start))
        if not best.is_feasible() and not homes:
            # Not all that must be served can be: it is then a matter of price, and the dearest go first.
            stops = tuple(s if s.prize is not None else replace(s, prize=MUST) for s in stops)
            setup = _setup(problem, stops, homes)
            best = _solved(setup, began + time_ * (0.7 if even else 1.4), clock, seed, _warm(setup, start))
        if even and best.num_routes() > 1:
            mean = sum(r.duration() for r in best.routes()) / best.num_routes()
            setup = _setup(problem, stops, homes, mean=int(mean * BALANCE_FROM))
            best = _solved(setup, began + time_, clock, seed, _copied(setup, best))
        return finished(problem, _orders(setup, best), left)

    best = searched(FIRST if wide else 1.0, start, {})
    if wide:
        waits = [key for key, found in openings.items() if found and _at_closed_doors(problem, best, key)]
        # All vehicles by one opening, since the solver gives to another what one may not do; then each by its own.
        every = dict.fromkeys(opening for found in openings.values() for opening in found) if waits else {}
        trials: list[Homes] = [{key: one for key, found in openings.items() if one in found} for one in every]
        trials += [{key: one} for key in waits for one in openings[key]]
        chosen: Homes = {}
        trials = trials[:MOST_TRIALS] or [chosen]
        for trial in trials:
            plan = searched((1 - FIRST) / len(trials), best, {**chosen, **trial})
            if weighs(problem, plan) < weighs(problem, best):
                best, chosen = plan, {**chosen, **trial}
    return best if start is None else min(best, start, key=lambda plan: weighs(problem, plan))


def _known(problem: Problem, stops: Sequence[Stop], start: Plan) -> list[tuple[Vehicle, int, list[tuple[Kind, str]]]]:
    """What is still there of a plan: its vehicles, and what each was to do."""
    vehicles, there = {v.key: v for v in problem.vehicles}, {s.key for s in stops}
    found = []
    for route in start.routes:
        if vehicle := vehicles.get(route.vehicle):
            order = [one for one in route.order if one[1] in (there if one[0] == Kind.STOP else vehicle.dumps)]
            found.append((vehicle, route.departs, tidy(order)))
    return found


def _solved(
    setup: _Setup, until: float, clock: Callable[[], float], seed: int, warm: pyvrp.Solution | None,
) -> pyvrp.Solution:  # fmt: skip
    """A search that finds no more begins again elsewhere: a small day is soon where one search ends, a large one never is in its time."""
    best: pyvrp.Result | None = None
    while best is None or clock() < until:
        stop = _Stop(until, clock, patience=max(2000, len(setup.stops) ** 2 // 2))
        found = pyvrp.solve(setup.data, stop, seed, collect_stats=False, params=PARAMS, initial_solution=warm)
        best = found if best is None or found.cost() < best.cost() else best
        seed, warm = seed + 1, None
    return best.best


def _never(problem: Problem, stop: Stop) -> Why | None:
    """Why no vehicle could serve this stop even with nothing else to do."""
    able = [v for v in problem.vehicles if not stop.modes or v.mode in stop.modes]
    if not able:
        return Why.NO_WAY
    if not any(stop.volume <= v.volume and stop.weight <= v.weight for v in able):
        return Why.TOO_BIG
    seconds = [int(problem.matrices[v.mode].seconds[v.start, stop.at]) for v in able]
    if all(there >= NEVER or _back(problem, v, stop) >= NEVER for v, there in zip(able, seconds, strict=True)):
        return Why.NO_WAY
    for vehicle, drive in zip(able, seconds, strict=True):
        load = (0, 0) if problem.dumps_of(vehicle) else vehicle.load
        arrives = vehicle.begins + drive
        if stop.volume + load[0] > vehicle.volume or stop.weight + load[1] > vehicle.weight:
            continue
        if (
            arrives < NEVER
            and arrives <= vehicle.ends
            and (not stop.windows or any(arrives <= b for a, b in stop.windows if a < vehicle.ends))
        ):
            return None
    return Why.WINDOW


def _back(problem: Problem, vehicle: Vehicle, stop: Stop) -> int:
    """Seconds home from a stop, by a dump where there is one."""
    seconds = problem.matrices[vehicle.mode].seconds
    by = [int(seconds[stop.at, d.at]) + int(seconds[d.at, vehicle.end]) for d in problem.dumps_of(vehicle)]
    return min(by) if by else int(seconds[stop.at, vehicle.end])


def _openings(problem: Problem, vehicle: Vehicle) -> list[Opening]:
    """Where and when a vehicle may be emptied last; none where that is what `last_dumps` says."""
    found = [
        (dump.key, window)
        for dump in problem.dumps_of(vehicle)
        for window in dump.windows
        if vehicle.begins <= window[1] and window[0] + _from_dump(problem, vehicle, dump) <= vehicle.ends
    ]
    return found if len(found) > len(last_dumps(problem, vehicle)) else []


def _from_dump(problem: Problem, vehicle: Vehicle, dump: Dump) -> int:
    """Seconds from when emptying begins until the vehicle is home."""
    return dump.service + int(problem.matrices[vehicle.mode].seconds[dump.at, vehicle.end])


def _at_closed_doors(problem: Problem, plan: Plan, key: str) -> bool:
    """Whether the solver thinks otherwise of a dump than it is when the vehicle would come home by it: open at midday, closed in the
    morning if it is so at the end of the day."""
    route = next((r for r in plan.routes if r.vehicle == key), None)
    if route is None or not route.stops:
        return False
    vehicle = problem.vehicle(key)
    last = next(v for v in reversed(route.visits) if v.kind == Kind.STOP)
    at = next(s.at for s in problem.stops if s.key == last.key)
    seconds = problem.matrices[vehicle.mode].seconds
    arrive = [(d, last.leaves + int(seconds[at, d.at])) for d in problem.dumps_of(vehicle)]
    always = last_dumps(problem, vehicle)
    return any(d not in always or not any(a <= then <= b for a, b in d.windows) for d, then in arrive)


def _setup(problem: Problem, stops: Sequence[Stop], fixed: Homes, mean: int | None = None) -> _Setup:
    rest = max((v.pause.lasts for v in problem.vehicles if v.pause), default=0)
    from_ = min((v.pause.earliest for v in problem.vehicles if v.pause), default=0)

    def shortened(opens: int, closes: int) -> tuple[int, int]:
        return (opens, max(opens, closes - rest)) if rest and closes > from_ else (opens, closes)

    rows = [s.at for s in stops]
    depots: list[pyvrp.Depot] = []
    names: list[str] = []

    def depot(row: int, name: str = "", opens: int = 0, closes: int = 10**9, service: int = 0) -> int:
        rows.append(row)
        names.append(name)
        depots.append(pyvrp.Depot(len(rows) - 1, tw_early=opens, tw_late=closes, service_duration=service, name=name))
        return len(depots) - 1

    dumps = {d.key: [depot(d.at, d.key, *shortened(*window), d.service) for window in d.windows] for d in problem.dumps}
    by_key = {d.key: d for d in problem.dumps}
    groups: dict[tuple[Vehicle, Opening | None], list[Vehicle]] = {}
    for vehicle in problem.vehicles:
        alike = replace(vehicle, key=_matters(problem, vehicle, stops)), fixed.get(vehicle.key)
        groups.setdefault(alike, []).append(vehicle)
    starts = {at: depot(at) for at in dict.fromkeys(v.start for v, _opening in groups)}
    ends: dict[tuple[object, ...], int] = {}
    homes: list[tuple[int, Vehicle, list[Dump]]] = []
    for vehicle, opening in groups:
        home = _home(problem, vehicle, opening)
        if home not in ends:
            options = [by_key[opening[0]]] if opening else last_dumps(problem, vehicle)
            ends[home] = depot(
                vehicle.end, opens=opening[1][0] + _from_dump(problem, vehicle, options[0]) if opening else 0
            )
            if options:
                homes.append((depots[ends[home]].location, vehicle, options))

    clients: list[pyvrp.Client] = []
    of: list[int] = []
    exclusive: list[pyvrp.ClientGroup] = []
    for number, stop in enumerate(stops):
        windows = [shortened(a, b) for a, b in stop.windows] or [(0, 10**9)]
        group = None
        if len(windows) > 1:
            group = len(exclusive)
            exclusive.append(
                pyvrp.ClientGroup(list(range(len(clients), len(clients) + len(windows))), required=stop.prize is None)
            )
        for opens, closes in windows:
            clients.append(
                pyvrp.Client(
                    number, pickup=[stop.volume, stop.weight], service_duration=stop.service, tw_early=opens, tw_late=closes,
                    prize=(stop.prize or 0) * SCALE, required=stop.prize is None and group is None, group=group, name=stop.key,
                )
            )  # fmt: skip
            of.append(number)

    types: list[pyvrp.VehicleType] = []
    costs: list[NDArray[np.int64]] = []
    times: list[NDArray[np.int64]] = []
    profiles: dict[tuple[object, ...], int] = {}
    for (vehicle, opening), fleet in groups.items():
        dear = np.array([dearer(problem, fleet[0], s) for s in stops], dtype=np.int64)
        barred = np.array([bool(s.modes) and vehicle.mode not in s.modes for s in stops])
        profile = (vehicle.mode, vehicle.cost_km, dear.tobytes(), barred.tobytes())
        if profile not in profiles:
            profiles[profile] = len(costs)
            metres, took = _extended(problem, vehicle, rows, homes)
            priced = np.rint(metres * (vehicle.cost_km * SCALE / 1000)).astype(np.int64)
            priced[:, : len(stops)] += dear * SCALE
            took[:, : len(stops)][:, barred] = NEVER
            np.fill_diagonal(priced, 0)
            np.fill_diagonal(took, 0)
            costs.append(priced)
            times.append(took)
        shift = shortened(vehicle.begins, vehicle.ends) if vehicle.pause else (vehicle.begins, vehicle.ends)
        if opening:
            late = min(shift[1], shortened(*opening[1])[1] + _from_dump(problem, vehicle, by_key[opening[0]]))
        else:
            late = min([shift[1], *(shuts(problem, vehicle, d)[1] - rest for d in last_dumps(problem, vehicle))])
        longest = max(late - vehicle.begins, 0)
        usual = min(mean, longest) if mean else longest
        types.append(
            pyvrp.VehicleType(
                len(fleet), [vehicle.volume, vehicle.weight], starts[vehicle.start], ends[_home(problem, vehicle, opening)],
                fixed_cost=vehicle.cost_day * SCALE, tw_early=vehicle.begins, tw_late=max(late, vehicle.begins), shift_duration=usual,
                max_overtime=longest - usual, unit_distance_cost=1, unit_duration_cost=round(vehicle.cost_hour * SCALE / 3600),
                unit_overtime_cost=round(max(vehicle.cost_hour, 60) * SCALE / 3600 * 4 * problem.evenness) if mean else 0,
                profile=profiles[profile], initial_load=list(vehicle.load) if any(vehicle.load) else [],
                reload_depots=[n for key in vehicle.dumps for n in dumps.get(key, ())], max_reloads=vehicle.most_dumps if vehicle.dumps else 0,
            )
        )  # fmt: skip
    data = pyvrp.ProblemData(
        [pyvrp.Location(0, 0) for _ in rows], clients, depots, types, cast(Any, costs), cast(Any, times), exclusive
    )
    return _Setup(data, tuple(stops), tuple(of), tuple(tuple(f) for f in groups.values()), tuple(names))


def _matters(problem: Problem, vehicle: Vehicle, stops: Sequence[Stop]) -> str:
    """Vehicles that differ by name alone are one type, which the solver searches faster; when a stop may be moved, each is its own."""
    return vehicle.key if problem.moved and any(s.was for s in stops) else ""


def _home(problem: Problem, vehicle: Vehicle, opening: Opening | None) -> tuple[object, ...]:
    return (
        (vehicle.end, vehicle.dumps, vehicle.mode, vehicle.cost_km, vehicle.cost_hour, vehicle.ends, opening)
        if problem.dumps_of(vehicle)
        else (vehicle.end,)
    )


def _extended(
    problem: Problem, vehicle: Vehicle, rows: Sequence[int], homes: Sequence[tuple[int, Vehicle, Sequence[Dump]]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Metres and seconds between all places of the solver, the ways home by a dump among them."""
    matrix = problem.matrices[vehicle.mode]
    grid = np.ix_(rows, rows)
    metres, took = matrix.metres[grid].copy(), matrix.seconds[grid].copy()
    dumps = {d.at for d in problem.dumps}
    empty = np.array([row in dumps for row in rows])
    for column, owner, options in homes:
        at = [d.at for d in options]
        seconds = (
            matrix.seconds[np.ix_(rows, at)] + np.array([d.service for d in options]) + matrix.seconds[at, owner.end]
        )
        lengths = matrix.metres[np.ix_(rows, at)] + matrix.metres[at, owner.end]
        best = np.argmin(
            seconds * owner.cost_hour / 3600 + lengths * owner.cost_km / 1000 + seconds / (24 * 3600), axis=1
        )
        loaded = ~empty
        took[loaded, column] = seconds[np.arange(len(rows)), best][loaded]
        metres[loaded, column] = lengths[np.arange(len(rows)), best][loaded]
    return metres, took


def _orders(setup: _Setup, solution: pyvrp.Solution) -> list[tuple[Vehicle, int, list[tuple[Kind, str]]]]:
    free = [list(fleet) for fleet in setup.fleets]
    orders = []
    for route in solution.routes():
        order: list[tuple[Kind, str]] = []
        for activity in list(route)[1:-1]:
            if activity.is_client():
                order.append((Kind.STOP, setup.stops[setup.clients[activity.idx]].key))
            elif not order or order[-1][0] != Kind.DUMP:
                order.append((Kind.DUMP, setup.dumps[activity.idx]))
        orders.append((free[route.vehicle_type()].pop(0), route.start_time(), order))
    return orders


def _warm(setup: _Setup, start: Plan | None) -> pyvrp.Solution | None:
    """The plan to begin from, less what is no longer there. What it cannot hold, the solver mends."""
    if start is None:
        return None
    types = {v.key: number for number, fleet in enumerate(setup.fleets) for v in fleet}
    clients: dict[str, int] = {}
    for client, stop in enumerate(setup.clients):
        clients.setdefault(setup.stops[stop].key, client)
    dumps = {name: number for number, name in enumerate(setup.dumps) if name}
    routes = []
    for route in start.routes:
        if route.vehicle not in types:
            continue
        kind = setup.data.vehicle_type(types[route.vehicle])
        middle = []
        for what, key in route.order:
            if what == Kind.STOP and key in clients:
                middle.append(Activity(ActivityType.CLIENT, clients[key]))
            elif what == Kind.DUMP and dumps.get(key) in kind.reload_depots and (not middle or middle[-1].is_client()):
                middle.append(Activity(ActivityType.DEPOT, dumps[key]))
        if any(a.is_client() for a in middle):
            routes.append(pyvrp.Route(setup.data, middle, types[route.vehicle]))
    return pyvrp.Solution(setup.data, routes)


def _copied(setup: _Setup, solution: pyvrp.Solution) -> pyvrp.Solution:
    return pyvrp.Solution(
        setup.data,
        [
            pyvrp.Route(setup.data, [Activity(a.type, a.idx) for a in list(r)[1:-1]], r.vehicle_type())
            for r in solution.routes()
        ],
    )
