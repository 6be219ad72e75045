"""How a plan is finished: what the solver found is played through, what it left or cannot be driven goes where it is worth its way, and
each leg takes as long as at its hour. Knows nothing of the solver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice, pairwise, product

from toguna.services.waste.rounds.problem import (
    Dump,
    Impossible,
    Kind,
    Matrix,
    Plan,
    Problem,
    Route,
    Stop,
    Vehicle,
    Why,
    cost,
    played,
)

MUST = 10**7  # minor units: the price of leaving what must be served, when not all of it can be
MOST_BACK = 50  # stops that are put back where they fit: each is tried at every place
MOST_EMPTIED = 60  # places of a stop and of an emptying more that are tried, the shortest ways first
MOST_LOOKED = 10  # ways of a stop that can be driven, of which one is to be worth its price

Order = list[tuple[Kind, str]]


def finished(
    problem: Problem,
    orders: Sequence[tuple[Vehicle, int, Order]],
    left: dict[str, Why],
    back: int = MOST_BACK,
) -> Plan:
    """Played through. Where a rest in a short window, or a slow road, breaks it, a stop is given up until it can be driven. Then what waits
    goes where it is worth its way, if anywhere (back: so many of them), and what another crew had goes back to it where that costs no more."""
    routes: dict[str, Route] = {}
    for vehicle, departs, given in orders:
        order = list(given)
        while any(kind == Kind.STOP for kind, _ in order):
            try:
                routes[vehicle.key] = _latest(problem, vehicle, order, departs)
                break
            except Impossible:
                order = _less(problem, vehicle, order, departs)
    for vehicle in problem.vehicles:
        if vehicle.key not in routes and any(vehicle.load) and problem.dumps_of(vehicle):
            try:
                routes[vehicle.key] = played(problem, vehicle, [])
            except Impossible:
                continue
    served = {key for r in routes.values() for key in r.stops}
    waits = sorted((s for s in problem.stops if s.key not in served | left.keys()), key=_prize, reverse=True)[:back]
    for _again in range(2):  # the emptying of one may be what another waited for
        before = dict(routes)
        for stop in waits:
            if (found := _worth_its_way(problem, routes, stop)) is not None:
                routes[found.vehicle] = found
        if problem.moved:
            routes = _kept(problem, routes)
        served = {key for r in routes.values() for key in r.stops}
        waits = [s for s in waits if s.key not in served]
        if routes == before:
            break
    unserved = [s for s in problem.stops if s.key not in served and s.key not in left]
    reasons = {**left, **{s.key: _reason(problem, routes, s) for s in unserved}}
    whole = sum(cost(problem, r) for r in routes.values())
    return Plan(tuple(sorted(routes.values(), key=lambda r: r.vehicle)), reasons, whole)


def _prize(stop: Stop) -> int:
    return MUST if stop.prize is None else stop.prize


def dearer(problem: Problem, vehicle: Vehicle, stop: Stop) -> int:
    """What it costs besides money that this vehicle serves a stop: its crew does not know the quarter, or another had it."""
    return (problem.away if vehicle.usual and stop.quarter and stop.quarter not in vehicle.usual else 0) + (
        problem.moved if stop.was and stop.was != vehicle.key else 0
    )


def weighs(problem: Problem, plan: Plan) -> int:
    """The money of a plan, with what it costs to leave stops, and to give them to other crews."""
    stops, of = {s.key: s for s in problem.stops}, plan.of()
    dear = sum(dearer(problem, problem.vehicle(v), stops[key]) for key, v in of.items())
    return plan.cost + dear + sum(_prize(stops[key]) for key in plan.left)


def _less(problem: Problem, vehicle: Vehicle, order: Order, departs: int) -> Order:
    """Without one stop, when that is enough: one with hours before others, then the least that it costs to leave; else without its end."""
    stops = {s.key: s for s in problem.stops}
    places = [n for n, (kind, _key) in enumerate(order) if kind == Kind.STOP]
    for place in sorted(places, key=lambda n: (not stops[order[n][1]].windows, _prize(stops[order[n][1]]))):
        less = tidy([*order[:place], *order[place + 1 :]])
        try:
            _latest(problem, vehicle, less, departs)
        except Impossible:
            continue
        return less
    return order[: places[-1]]


def tidy(order: Order) -> Order:
    """No truck is emptied twice on end."""
    return [one for n, one in enumerate(order) if one[0] == Kind.STOP or n == 0 or order[n - 1][0] == Kind.STOP]


def _latest(problem: Problem, vehicle: Vehicle, order: Order, departs: int) -> Route:
    """Leaving when the solver says, or at the beginning of the day where that cannot be played; then later, so that nobody waits at a door
    that the solver took for open. A dump that opens during the day may be the cheapest way home for whoever leaves later only."""
    ways = [order]
    if order and order[-1][0] == Kind.STOP:
        late = [d for d in problem.dumps_of(vehicle) if any(opens > vehicle.begins for opens, _closes in d.windows)]
        ways += [[*order, (Kind.DUMP, dump.key)] for dump in late]
    found = []
    for way in ways:
        with suppress(Impossible):
            found.append(_later(problem, vehicle, way, departs))
    if not found:
        raise Impossible
    return min(found, key=lambda route: cost(problem, route))


def _later(problem: Problem, vehicle: Vehicle, order: Order, departs: int) -> Route:
    try:
        route = played(problem, vehicle, order, departs)
    except Impossible:
        route = played(problem, vehicle, order)
    while wait := next((v.begins - v.arrives for v in route.visits if v.begins > v.arrives), 0):
        try:
            later = played(problem, vehicle, order, route.departs + wait)
        except Impossible:
            break
        if later.seconds >= route.seconds:
            break
        route = later
    return route


def _worth_its_way(problem: Problem, routes: Mapping[str, Route], stop: Stop) -> Route | None:
    """What a route becomes with that stop where it costs the least, and less than leaving it."""

    def costs(route: Route) -> int:
        before = routes.get(route.vehicle)
        less = cost(problem, before) if before else 0
        return cost(problem, route) - less + dearer(problem, problem.vehicle(route.vehicle), stop)

    found = min(islice(_with(problem, routes, stop), MOST_LOOKED), key=costs, default=None)
    return found if found is not None and costs(found) <= _prize(stop) else None


def _kept(problem: Problem, routes: dict[str, Route]) -> dict[str, Route]:
    """Each stop that changed its vehicle is taken out once more and put where it costs the least, which may be where it was: a search does not
    look everywhere, and ends when its time is over."""
    for stop in problem.stops:
        before = next((r for r in routes.values() if stop.was not in ("", r.vehicle) and stop.key in r.stops), None)
        if before is None:
            continue
        vehicle = problem.vehicle(before.vehicle)
        order = tidy([one for one in before.order if one != (Kind.STOP, stop.key)])
        rest = {key: route for key, route in routes.items() if key != vehicle.key}
        if any(kind == Kind.STOP for kind, _ in order) or any(vehicle.load):
            try:
                rest[vehicle.key] = _latest(problem, vehicle, order, before.departs)
            except Impossible:
                continue
        if (found := _worth_its_way(problem, rest, stop)) is not None:
            there = {**rest, found.vehicle: found}
            less = sum(cost(problem, r) for r in routes.values()) - sum(cost(problem, r) for r in there.values())
            if less + dearer(problem, vehicle, stop) - dearer(problem, problem.vehicle(found.vehicle), stop) > 0:
                routes = there
    return routes


def _with(problem: Problem, routes: Mapping[str, Route], stop: Stop) -> Iterator[Route]:
    """What each route would be with that stop, at each of its places where it can be, also with an emptying more; the cheapest ways first."""
    ways: list[tuple[float, Vehicle, int, Order]] = []
    for vehicle in problem.vehicles:
        route = routes.get(vehicle.key)
        order, departs = (route.order, route.departs) if route else ([], vehicle.begins)
        dear = dearer(problem, vehicle, stop)
        ways += [(longer + dear, vehicle, departs, found) for longer, found in _longer(problem, vehicle, order, stop)]
    for _longer_by, vehicle, departs, order in sorted(ways, key=lambda way: way[0]):
        try:
            yield _latest(problem, vehicle, order, departs)
        except Impossible:
            continue


def _longer(problem: Problem, vehicle: Vehicle, order: Order, stop: Stop) -> Iterator[tuple[float, Order]]:
    """An order with that stop at each place, and by how much money its way is longer; where the load would be too much there, with an emptying
    before or after it. Not where the day is too short for it even if nobody waits."""
    matrix, stops = problem.matrices[vehicle.mode], {s.key: s for s in problem.stops}
    dumps = {d.key: d for d in problem.dumps}
    done = [stops[key] if kind == Kind.STOP else dumps[key] for kind, key in order]
    rows = [vehicle.start, *(one.at for one in done), vehicle.end]
    busy = sum(one.service for one in done) + sum(int(matrix.seconds[leg]) for leg in pairwise(rows))
    spare = vehicle.ends - vehicle.begins - busy
    if vehicle.pause and vehicle.begins + busy > vehicle.pause.latest:
        spare -= vehicle.pause.lasts

    def by(rows: Sequence[int], place: int, one: Stop | Dump) -> tuple[int, float]:
        """Of one more at a place: seconds, money."""
        before, after = rows[place], rows[place + 1]
        seconds, metres = (
            int(grid[before, one.at]) + int(grid[one.at, after]) - int(grid[before, after])
            for grid in (matrix.seconds, matrix.metres)
        )
        seconds += one.service
        return seconds, seconds * max(vehicle.cost_hour, 1) / 3600 + metres * vehicle.cost_km / 1000

    empties = [n for n, one in enumerate(done) if isinstance(one, Dump)]
    emptied: list[tuple[float, Order]] = []
    for place in range(len(order) + 1):
        seconds, money = by(rows, place, stop)
        if seconds > spare:
            continue
        longer = [*order[:place], (Kind.STOP, stop.key), *order[place:]]
        first = max((n + 1 for n in empties if n < place), default=0)
        last = min((n for n in empties if n >= place), default=len(order)) + 1
        load = [stops[key] for _kind, key in longer[first:last]]
        board = vehicle.load if not first else (0, 0)
        if _fits(vehicle, load, board):
            yield money, longer
        elif len(empties) <= vehicle.most_dumps:
            there = [*rows[: place + 1], stop.at, *rows[place + 1 :]]
            parts = [
                first + part for part in range(1, len(load))
                if _fits(vehicle, load[:part], board) and _fits(vehicle, load[part:], (0, 0))
            ]  # fmt: skip
            for n, dump in product(parts, problem.dumps_of(vehicle)):
                more, dear = by(there, n, dump)
                if seconds + more <= spare:
                    emptied.append((money + dear, [*longer[:n], (Kind.DUMP, dump.key), *longer[n:]]))
    yield from sorted(emptied, key=lambda one: one[0])[:MOST_EMPTIED]


def _fits(vehicle: Vehicle, stops: Sequence[Stop], board: tuple[int, int]) -> bool:
    volume, weight = board[0] + sum(s.volume for s in stops), board[1] + sum(s.weight for s in stops)
    return volume <= vehicle.volume and weight <= vehicle.weight


def _reason(problem: Problem, routes: Mapping[str, Route], stop: Stop) -> Why:
    """Where a place would do, it was left because it costs more than it is worth."""
    return Why.NO_ROOM if next(_with(problem, routes, stop), None) is None else Why.NOT_WORTH


Took = Callable[[Vehicle, Sequence[tuple[int, int, int]]], Sequence[int]]


def timed(problem: Problem, plan: Plan, took: Took) -> tuple[Problem, Plan]:
    """The plan with each leg as long as it takes at its hour, and the problem that says so, where each vehicle has its own matrix. took: of
    a vehicle's legs (from, to, when it sets off), their seconds. What then no longer fits goes elsewhere, or is left; legs that are new by
    that are asked for too."""
    there, again = problem, plan
    for back in (MOST_BACK, MOST_BACK, 0, 0, 0):  # in the end stops are only lost, so that it ends
        before = {r.vehicle: (r.departs, r.order) for r in again.routes}
        there = _at_its_hour(problem, again, took, there.matrices)
        own = {v.key: v for v in there.vehicles}
        orders = [(own[r.vehicle], r.departs, r.order) for r in again.routes]
        again = finished(there, orders, dict(again.left), back)
        if before == {r.vehicle: (r.departs, r.order) for r in again.routes}:
            break
    return there, again


def _at_its_hour(problem: Problem, plan: Plan, took: Took, known: Mapping[str, Matrix]) -> Problem:
    """known: what was asked before stays: else a leg that was never asked always looks quicker than one that was."""
    matrices, own = dict(known), set()
    at = {s.key: s.at for s in problem.stops} | {d.key: d.at for d in problem.dumps}
    for route in plan.routes:
        vehicle = problem.vehicle(route.vehicle)
        here, free, legs = vehicle.start, route.departs, []
        for visit in route.visits:
            if visit.kind != Kind.PAUSE:
                legs.append((here, at[visit.key], free))
                here = at[visit.key]
            free = visit.leaves
        legs.append((here, vehicle.end, free))
        matrix = known.get(vehicle.key) or known[vehicle.mode]
        seconds = matrix.seconds.copy()
        for (start, end, _free), found in zip(legs, took(vehicle, legs), strict=True):
            seconds[start, end] = found
        matrices[vehicle.key] = replace(matrix, seconds=seconds)
        own.add(vehicle.key)
    return replace(
        problem, matrices=matrices, vehicles=tuple(replace(v, mode=v.key) if v.key in own else v for v in problem.vehicles),
        stops=tuple(replace(s, modes=s.modes | {v.key for v in problem.vehicles if v.mode in s.modes}) for s in problem.stops),
    )  # fmt: skip
