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

draw = random.Random(7)

def place():
    return (-0.28 + draw.random() * 0.14, 5.55 + draw.random() * 0.12)

def trucks(many, volume, weight):
    depot = Depot.objects.create(name="Garage", point=Point(-0.21, 5.6, srid=4326))
    for n in range(many):
        Truck.objects.create(plate=f"T{n}", depot=depot, volume=volume, weight=weight, begins=hour(6), ends=hour(15), pause_from=hour(10),
            pause_until=hour(12), pause_minutes=30, cost_km=450, cost_hour=3500, cost_day=10_000, burns=380)

DUMPS = ((-0.27, 5.66), (-0.15, 5.55))
"""
_RUN = r"""
territory.import_file(Path(sys.argv[1]))
territory.build_roads()
running = Valhalla(programs.current(), threads=2)
try:
    print(json.dumps(measured()))
finally:
    running.end()
"""


def data() -> Path:
    return Path(os.environ.get("TOGUNA_DATA", places.checkout().parent / "shared" / "data"))


def measured(code: str) -> Any:
    """What `measured()` of this code says, as JSON: it has `place`, `trucks`, `DUMPS`, and a network that answers."""
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
