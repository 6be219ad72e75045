"""Rounds planned, against the best known and against pyvroom, on the X instances (Uchoa et al. 2017) up to 500 stops.

Method: each instance is a day of ours (one depot, equal trucks, one load, distances rounded as the instances ask) and is planned for 30
seconds of one processor: of processor time, since a measure on a machine that does other things would otherwise be one of those.
pyvroom gets the same, on one thread: its limit is of wall time, so it is given more until it has used as much processor time; it may
stop before by itself, at its deepest exploration. The gaps are to the best known solutions; the figure is their mean. The files
are not ours to publish: `TOGUNA_VRP` names their folder; without it, one is looked for beside the checkout.
"""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyvrp
import vroom

from bench import Result
from toguna.kernel import places
from toguna.services.waste.rounds import solving
from toguna.services.waste.rounds.problem import Matrix, Problem, Stop, Vehicle, faults

BEST = {"X-n200-k36": 58578, "X-n204-k19": 19565, "X-n502-k39": 69226}
SECONDS, TARGET = 30.0, 1.5


def run() -> list[Result]:
    seconds = float(os.environ.get("TOGUNA_BENCH_SECONDS", SECONDS))
    ours, theirs, notes = [], [], []
    for name, best in BEST.items():
        data = pyvrp.read(_folder() / f"{name}.vrp", round_func="round")
        problem = _problem(data)
        plan = solving.solve(problem, seconds, clock=time.process_time)
        if wrong := faults(problem, plan):
            raise ValueError(f"{name}: {wrong[:3]}")
        if plan.left:
            raise ValueError(f"{name}: {len(plan.left)} stops left out")
        rival = _vroom(data, seconds)
        ours.append(100 * (plan.metres / best - 1))
        theirs.append(100 * (rival / best - 1))
        notes.append(f"{name} {ours[-1]:.2f}% ({theirs[-1]:.2f}%)")
    mean, other = sum(ours) / len(ours), sum(theirs) / len(theirs)
    method = f"gap to the best known after {seconds:.0f} s of processor each, pyvroom's in brackets: " + ", ".join(
        notes
    )
    return [
        Result("rounds", "% gap", round(mean, 2), TARGET, "target 1.5%", round(TARGET / mean, 2), method),
        Result(
            "rounds", "% gap", round(mean, 2), round(other, 2), "pyvroom, the same time", round(other / mean, 2), method
        ),
    ]


def _folder() -> Path:
    return Path(os.environ.get("TOGUNA_VRP", places.checkout().parent / "shared" / "data" / "vrp"))


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
    return best
