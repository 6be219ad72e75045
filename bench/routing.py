"""Routes, a 200 x 200 matrix and isochrones on the real roads of Accra through our own door, against Valhalla asked directly.

Method: a home of its own; the arterial roads of Accra (../shared/data/osm) are imported and their network built once. Places are drawn in the
town by a fixed seed. Ours is `territory.api` in one process: closures looked up, the question over HTTP to the Valhalla that `serve` keeps
alive, the answer read into our own objects (arrays for the matrix). The rival is pyvalhalla's `Actor` called in a Python of 3.12 or newer where
the machine has one, in its own process, on the same network and configuration, with the same questions, its JSON read; else Valhalla's own HTTP
service asked the same with nothing of ours around. Ours and the rival take turns; the median of the rounds is compared.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import Result

ROUNDS, ROUTES, SIDE, ISOCHRONES = 3, 60, 200, 10
ROADS = Path(__file__).resolve().parents[2] / "shared" / "data" / "osm" / "accra_bus_roads_derived.osm.pbf"

_OURS = r"""
import json, sys, time
from statistics import median
from pathlib import Path
import django
django.setup()
from toguna.engines.territory import api
from toguna.engines.territory.routing import client, programs, routes
from toguna.engines.territory.routing.process import Valhalla

roads, places, rounds, python = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
places = {name: [tuple(p) for p in found] for name, found in places.items()}
api.import_file(Path(roads))
api.build_roads()
running = Valhalla(programs.current())
pairs = list(zip(places["routes"][::2], places["routes"][1::2]))
try:
    questions = {
        "route": [("route", routes._question("car", None, (), p) | {"locations": [routes._place(x) for x in p], "units": "kilometers",
                   "language": "en-US"}) for p in pairs],
        "matrix": [("sources_to_targets", routes._question("car", None, (), places["matrix"]) | {"verbose": False, "units": "kilometers",
                   "sources": [routes._place(p) for p in places["matrix"]], "targets": [routes._place(p) for p in places["matrix"]]})],
        "isochrone": [("isochrone", routes._question("car", None, (), [p]) | {"locations": [routes._place(p)], "contours": [{"time": 15}],
                   "polygons": True, "generalize": 10}) for p in places["isochrones"]],
    }
    ours = {
        "route": lambda: [api.route(p, "car", language="en") for p in pairs],
        "matrix": lambda: [api.matrix(places["matrix"], places["matrix"], "car")],
        "isochrone": lambda: [api.isochrone(p, 15, "car") for p in places["isochrones"]],
    }
    if python:
        import subprocess
        rival = subprocess.Popen([python, "-c", sys.argv[5], str(programs.current() / "valhalla.json")], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(programs.folder())})
        def direct(asked):
            rival.stdin.write(json.dumps(asked) + "\n"); rival.stdin.flush()
            return float(rival.stdout.readline())
    else:
        def direct(asked):
            began = time.perf_counter()
            for action, question in asked:
                client.ask(action, question)
            return time.perf_counter() - began
    found = {}
    for name in ours:
        ours[name](), direct(questions[name])  # both warm
        mine, other = [], []
        for _round in range(rounds):
            began = time.perf_counter()
            ours[name]()
            mine.append(time.perf_counter() - began)
            other.append(direct(questions[name]))
        found[name] = [median(mine) * 1000 / len(questions[name]), median(other) * 1000 / len(questions[name])]
    print(json.dumps(found))
finally:
    running.end()
"""

_DIRECT = r"""
import json, sys, time
from valhalla import Actor
actor = Actor(sys.argv[1])
for line in sys.stdin:
    asked = json.loads(line)
    began = time.perf_counter()
    for action, question in asked:
        getattr(actor, {"sources_to_targets": "matrix"}.get(action, action))(question)
    print(time.perf_counter() - began, flush=True)
"""


def run() -> list[Result]:
    if not ROADS.exists():
        raise FileNotFoundError(f"the roads of Accra are not here: {ROADS}")
    from toguna.cli import prepare
    from toguna.kernel import cluster, town

    python = _newer_python()
    rng = random.Random(7)
    places = {
        name: [(-0.28 + rng.random() * 0.14, 5.55 + rng.random() * 0.12) for _ in range(many)]
        for name, many in (("routes", 2 * ROUTES), ("matrix", SIDE), ("isochrones", ISOCHRONES))
    }
    with tempfile.TemporaryDirectory(prefix="toguna-bench-routing-", ignore_cleanup_errors=True) as folder:
        os.environ["TOGUNA_HOME"] = folder
        town.write(town.Town("Accra", "GH"))
        prepare.routing(lambda text: print(text, file=sys.stderr))
        database = cluster.Cluster()
        database.ensure(lambda text: None)
        try:
            subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], check=True)
            command = [sys.executable, "-c", _OURS, str(ROADS), json.dumps(places), str(ROUNDS), python or "", _DIRECT]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        finally:
            database.stop()
    found = json.loads(done.stdout.strip().splitlines()[-1])
    rival = "pyvalhalla's Actor, called directly" if python else "Valhalla's HTTP service, asked directly"
    of = {
        "route": f"{ROUTES} ways across the town, with turns",
        "matrix": f"{SIDE} x {SIDE}, by car",
        "isochrone": "15 minutes by car",
    }
    return [
        Result(
            f"routing-{name}", "ms", round(ours, 2), round(direct, 2), rival, round(direct / ours, 2), f"{of[name]}; median of {ROUNDS} rounds"
        )
        for name, (ours, direct) in found.items()
    ]  # fmt: skip


def _newer_python() -> str | None:
    """A Python that can import the wheel that is unpacked beside our libraries; pyenv's are looked at too."""
    places = [found for name in ("python3.14", "python3.13", "python3.12") if (found := shutil.which(name))]
    places += map(str, sorted(Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python3"), reverse=True))
    for found in places:
        said = subprocess.run([found, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
        if said.returncode == 0:
            return said.stdout.strip()
    return None
