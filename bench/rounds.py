"""Rounds planned, against the best known and against pyvroom, on the X instances (Uchoa et al. 2017) up to 500 stops.

Method: each instance is a day of ours (one depot, equal trucks, one load, distances rounded as the instances ask) and is planned for 30
seconds of one processor: of processor time, since a measure on a machine that does other things would otherwise be one of those.
pyvroom gets the same, on one thread: its limit is of wall time, so it is given more until it has used as much processor time; it may
stop before by itself, at its deepest exploration. The gaps are to the best known solutions; the figure is their mean. The files
are not ours to publish: `TOGUNA_DATA` names their folder; without it, one is looked for beside the checkout.

The day of 300 stops is on the real roads of Accra, in a home of its own, by the function that plans a town's day: matrix by Valhalla, the
plan (ten trucks, two dumps, rests, windows at a third of the stops), its check and its comparison; wall time, all of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyvrp
import vroom

from bench import Result
from toguna.kernel import cluster, places
from toguna.services.waste.rounds import solving
from toguna.services.waste.rounds.problem import Matrix, Problem, Stop, Vehicle, faults

BEST = {"X-n200-k36": 58578, "X-n204-k19": 19565, "X-n502-k39": 69226}
SECONDS, TARGET = 30.0, 1.5
DAY_TARGET = 60.0

_DAY = r"""
import json, random, sys, time
from datetime import time as hour
from pathlib import Path
import django
django.setup()
from django.contrib.gis.geos import Point
from django.utils import timezone
from toguna.engines.territory import api as territory
from toguna.engines.territory.routing import programs
from toguna.engines.territory.routing.process import Valhalla
from toguna.services.waste.models import Depot, Truck
from toguna.services.waste.rounds import making
from toguna.services.waste.rounds.stops import Due, Emptied

territory.import_file(Path(sys.argv[1]))
territory.build_roads()
running = Valhalla(programs.current(), threads=2)
try:
    draw = random.Random(7)
    def place():
        return (-0.28 + draw.random() * 0.14, 5.55 + draw.random() * 0.12)
    depot = Depot.objects.create(name="Garage", point=Point(-0.21, 5.6, srid=4326))
    for n in range(10):
        Truck.objects.create(plate=f"T{n}", depot=depot, volume=14_000, weight=6000, begins=hour(6), ends=hour(15), pause_from=hour(10),
            pause_until=hour(12), pause_minutes=30, cost_km=450, cost_hour=3500, cost_day=10_000, burns=380)
    trucks = list(Truck.objects.select_related("depot").prefetch_related("quarters"))
    windows = ((), (), ((7 * 3600, 10 * 3600), (13 * 3600, 15 * 3600)))
    due = []
    for n in range(300):
        litres = draw.choice((660, 1100, 1650))
        due.append(Due(f"p{n + 1}", place(), str(n), None, litres, litres // 4, 60 + litres // 15, "full", draw.choice(windows)))
    whole = ((0, 86400),)
    dumps = [Emptied("p901", 901, (-0.27, 5.66), "a", False, 600, whole), Emptied("p902", 902, (-0.15, 5.55), "b", False, 600, whole)]
    began = time.perf_counter()
    made = making.make(timezone.localdate(), trucks, due, dumps, 25.0)
    took = time.perf_counter() - began
    plan = made.plan
    figures = {"trucks": len(plan.routes), "km": round(plan.metres / 1000, 1), "hours": round(plan.seconds / 3600, 1), "left": len(plan.left)}
    print(json.dumps([took, made.by_roads, figures]))
finally:
    running.end()
"""


def run() -> list[Result]:
    seconds = float(os.environ.get("TOGUNA_BENCH_SECONDS", SECONDS))
    ours, theirs, notes = [], [], []
    for name, best in BEST.items():
        data = pyvrp.read(_folder() / "vrp" / f"{name}.vrp", round_func="round")
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
    took, figures = _day()
    mean, other = sum(ours) / len(ours), sum(theirs) / len(theirs)
    method = f"gap to the best known after {seconds:.0f} s of processor each, pyvroom's in brackets: " + ", ".join(
        notes
    )
    return [
        Result("rounds", "% gap", round(mean, 2), TARGET, "target 1.5%", round(TARGET / mean, 2), method),
        Result("rounds", "% gap", round(mean, 2), round(other, 2), "pyvroom, the same time", round(other / mean, 2), method),
        Result(
            "rounds-day", "s", round(took, 1), DAY_TARGET, "target 60 s, matrix included", round(DAY_TARGET / took, 2),
            f"300 stops on Accra's roads: {figures['trucks']} trucks, {figures['km']} km, {figures['hours']} h, {figures['left']} left out",
        ),
    ]  # fmt: skip


def _folder() -> Path:
    return Path(os.environ.get("TOGUNA_DATA", places.checkout().parent / "shared" / "data"))


def _day() -> tuple[float, dict[str, float]]:
    """Seconds that the whole took, and the figures of the plan."""
    with tempfile.TemporaryDirectory(prefix="toguna-bench-rounds-", ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ, "TOGUNA_HOME": folder, "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
        }  # fmt: skip
        environment.pop("DATABASE_URL", None)
        database = cluster.Cluster(Path(folder))
        database.ensure()
        try:
            subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
            roads = _folder() / "osm" / "accra_bus_roads_derived.osm.pbf"
            done = subprocess.run(
                [sys.executable, "-c", _DAY, str(roads)], env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
        finally:
            database.stop()
    took, by_roads, figures = json.loads(done.stdout.strip().splitlines()[-1])
    if not by_roads:
        raise RuntimeError("the roads could not be asked: is Valhalla installed?")
    return took, figures


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
