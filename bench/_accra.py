"""A home of its own on the roads of Accra, for what is measured by the verbs of the product and by its own database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from toguna.kernel import cluster, places

_AROUND = r"""
import json, random, sys, time, uuid
from datetime import time as hour, timedelta
from pathlib import Path
import django
django.setup()
from django.contrib.gis.geos import Point
from django.utils import timezone
from toguna.engines.territory import api as territory
from toguna.engines.territory.routing import programs
from toguna.engines.territory.routing.process import Valhalla
from toguna.kernel import codes
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste.models import Depot, PlaceSaid, PresentRound, Truck, Visit, WastePlace
from toguna.services.waste.rounds import changing, driving, planning, stops

draw = random.Random(7)

def place():
    return (-0.28 + draw.random() * 0.14, 5.55 + draw.random() * 0.12)

def trucks(many, volume, weight):
    depot = Depot.objects.create(name="Garage", point=Point(-0.21, 5.6, srid=4326))
    for n in range(many):
        Truck.objects.create(plate=f"T{n}", depot=depot, volume=volume, weight=weight, begins=hour(6), ends=hour(15), pause_from=hour(10),
            pause_until=hour(12), pause_minutes=30, cost_km=450, cost_hour=3500, cost_day=10_000, burns=380)

def put(kind, name, at, **more):
    return WastePlace.objects.create(code=codes.make(6), kind=kind, name=name, point=Point(*at, srid=4326), **more)

def bins(many):
    # Said to be full, a third of them with hours at which a truck may come; and two dumps.
    days = list(range(1, 8))
    served = [{"days": days, "from": "07:00", "to": "10:00"}, {"days": days, "from": "13:00", "to": "15:00"}]
    for n, at in enumerate(((-0.27, 5.66), (-0.15, 5.55))):
        put("dump", f"Dump {n}", at)
    made = [
        put("bin", f"Bin {n}", place(), capacity=draw.choice((660, 1100, 1650)), served=draw.choice(([], [], served)))
        for n in range(many)
    ]
    for one in made:
        PlaceSaid.objects.create(client_id=uuid.uuid4(), place=one, what="full")
    return made

def at_hour(n):
    at_hour.real = getattr(at_hour, "real", timezone.now)
    day = timezone.localdate(at_hour.real())
    ahead = stops.moment_of(day, n * 3600) - at_hour.real()
    timezone.now = lambda: at_hour.real() + ahead
"""
_RUN = r"""
territory.import_file(Path(sys.argv[1]))
territory.build_roads()
running = Valhalla(programs.current())
try:
    print(json.dumps(measured()))
finally:
    running.end()
"""


def data() -> Path:
    return Path(os.environ.get("TOGUNA_DATA", places.checkout().parent / "shared" / "data"))


def measured(code: str) -> Any:
    """What `measured()` of this code says, as JSON: it has `bins`, `trucks`, `at_hour`, and a network that answers."""
    with tempfile.TemporaryDirectory(prefix="toguna-bench-accra-", ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ, "TOGUNA_HOME": folder, "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
        }  # fmt: skip
        environment.pop("DATABASE_URL", None)
        database = cluster.Cluster(Path(folder))
        database.ensure()
        try:
            subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
            roads = data() / "osm" / "accra_bus_roads_derived.osm.pbf"
            command = [sys.executable, "-c", _AROUND + code + _RUN, str(roads)]
            done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        finally:
            database.stop()
    return json.loads(done.stdout.strip().splitlines()[-1])
