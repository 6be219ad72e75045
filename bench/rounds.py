"""Rounds planned, against the best known and against pyvroom, on the X instances (Uchoa et al. 2017) up to 500 stops.

Method: each instance is a day of ours (one depot, equal trucks, one load, distances rounded as the instances ask) and is planned for 30
seconds of one processor: of processor time, since a measure on a machine that does other things would otherwise be one of those.
pyvroom gets the same, on one thread: its limit is of wall time, so it is given more until it has used as much processor time; it may
stop before by itself, at its deepest exploration. The gaps are to the best known solutions: their mean against the target, each against
pyvroom's. The files are not ours to publish: `TOGUNA_DATA` names their folder; without it, one is looked for beside the checkout.
Small days with hours, against pyvroom too: `test_small_days_are_never_worse_than_pyvrooms`.

The day of 300 stops is on the real roads of Accra, in a home of its own, by the verb that the desk calls and the job that it queues: matrix by
Valhalla, the plan (ten trucks, two dumps, rests, windows at a third of the stops), its hours leg by leg, its check, the present rounds that it
is compared with, the ways for the map, and all of it written; wall time.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta

import numpy as np
import pyvrp
import vroom

from bench import Result, _accra
from toguna.services.waste.rounds import solving
from toguna.services.waste.rounds.problem import Matrix, Problem, Stop, Vehicle, faults

BEST = {"X-n200-k36": 58578, "X-n204-k19": 19565, "X-n502-k39": 69226}
SECONDS, TARGET = 30.0, 1.5
DAY_TARGET = 60.0

_DAY = r"""
def measured():
    at_hour(5)
    made = bins(300)
    trucks(10, 14_000, 6000)
    for n, truck in enumerate(Truck.objects.order_by("pk")):  # as a crew would: from west to east
        west = sorted(made, key=lambda bin_: bin_.point.x)[n * 30 : n * 30 + 30]
        PresentRound.objects.create(truck=truck, days=list(range(1, 8)), places=[one.pk for one in sorted(west, key=lambda bin_: bin_.point.y)])
    began = time.perf_counter()
    plan = planning.ask(timezone.localdate(), by=SYSTEM)
    run_jobs()
    took = time.perf_counter() - began
    plan.refresh_from_db()
    assert plan.state == "ready", plan.says
    return [took, plan.by_roads, plan.figures]
"""


def run() -> list[Result]:
    seconds = float(os.environ.get("TOGUNA_BENCH_SECONDS", SECONDS))
    ours, theirs = {}, {}
    for name in BEST:
        data = pyvrp.read(_accra.data() / "vrp" / f"{name}.vrp", round_func="round")
        problem = _problem(data)
        plan = solving.solve(problem, seconds, clock=time.process_time)
        if wrong := faults(problem, plan):
            raise ValueError(f"{name}: {wrong[:3]}")
        if plan.left:
            raise ValueError(f"{name}: {len(plan.left)} stops left out")
        ours[name], theirs[name] = plan.metres, _vroom(data, seconds)
    took, day, same = _day()
    gaps = {name: (_gap(name, ours[name]), _gap(name, theirs[name])) for name in BEST}
    mean = sum(mine for mine, _other in gaps.values()) / len(gaps)
    method = f"mean gap to the best known after {seconds:.0f} s of processor each"
    return [
        Result("rounds", "% gap", round(mean, 2), TARGET, "target 1.5%", round(TARGET / mean, 2), method),
        *(
            Result(f"rounds-{name}", "% gap", round(mine, 2), round(other, 2), "pyvroom, the same time", round(other / max(mine, 0.01), 2))
            for name, (mine, other) in gaps.items()
        ),
        Result(
            "rounds-day", "s", round(took, 1), DAY_TARGET, "target 60 s, matrix included", round(DAY_TARGET / took, 2),
            f"300 stops on Accra's roads: {day['trucks']} trucks, {day['km']} km, {day['hours']} h, {day['left']} left out; the present rounds "
            f"with the same bins {same['km']} km, {same['hours']} h",
        ),
    ]  # fmt: skip


def _gap(name: str, cost: float) -> float:
    """Percent above the best known."""
    return 100 * (cost / BEST[name] - 1)


def _day() -> tuple[float, dict[str, float], dict[str, float]]:
    """Seconds that the whole took, the figures of the plan, and those of the present rounds."""
    took, by_roads, figures = _accra.measured(_DAY)
    if not by_roads:
        raise RuntimeError("the roads could not be asked: is Valhalla installed?")
    return took, figures["plan"], figures["present"]["same"]


def _problem(data: pyvrp.ProblemData) -> Problem:
    kind, depot = data.vehicle_type(0), data.depot(0).location
    metres = np.array(data.distance_matrix(0), dtype=np.int64)
    fleet = tuple(
        Vehicle(f"T{n:03}", depot, depot, kind.capacity[0], 10**9, ends=10**9, cost_km=1000)
        for n in range(kind.num_available)
    )
    stops = tuple(
        Stop(f"s{n:04}", c.location, c.delivery[0] or c.pickup[0], 0, 0) for n, c in enumerate(data.clients())
    )
    return Problem(fleet, stops, (), {"truck": Matrix(metres, metres)})


def _vroom(data: pyvrp.ProblemData, seconds: float) -> int:
    """Metres of pyvroom's plan. Deeper exploration costs more: the deepest that ends in the time is taken."""
    kind, depot = data.vehicle_type(0), data.depot(0).location
    metres = np.array(data.distance_matrix(0), dtype=np.uint32)
    problem = vroom.Input()
    problem.set_durations_matrix("car", metres)
    problem.set_costs_matrix("car", metres)
    for number in range(kind.num_available):
        problem.add_vehicle(
            vroom.Vehicle(number + 1, start=depot, end=depot, capacity=[kind.capacity[0]], profile="car")
        )
    for number, client in enumerate(data.clients()):
        problem.add_job(
            vroom.Job(number + 1, location=client.location, delivery=[client.delivery[0] or client.pickup[0]])
        )
    began = time.process_time()
    best = 0
    while (left := seconds - (time.process_time() - began)) > 0.1:
        before = time.process_time()
        answer = problem.solve(exploration_level=5, nb_threads=1, timeout=timedelta(seconds=left))
        if not answer.summary.unassigned and (not best or answer.summary.cost < best):
            best = answer.summary.cost
        if time.process_time() - before < left * 0.3:
            break  # it ended by itself: it has no chance in it, and would say the same again
    if not best:
        raise ValueError("pyvroom found no plan that serves all")
    return best
