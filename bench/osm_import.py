"""Importing an OpenStreetMap file, against osm2pgsql on the same file.

Method: Monaco's real extract (when ../shared/data is beside the checkout) and the demo towns of 200,000 and 1,000,000 people;
in the small files half of our time is the start of Python and Django. All programs are timed as whole processes, from start
to exit, into fresh databases of the same private PostgreSQL, in turn, three times each, each after a checkpoint; the median
counts. osm2pgsql runs twice: with its defaults (--create, pgsql output, its default style, its geometry indexes), which fill
tables that can never be updated; and with --slim, which a town must choose to bring in a newer file by OSM ids later, as ours
does. Ours does more in that time: zones with their hierarchy and dated versions, layers, the index of names, the grid of
counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from statistics import median

import psycopg

from bench import Result
from toguna.demo import generator
from toguna.kernel import cluster, places

RUNS = 3
_OURS = """
import sys, django; django.setup()
from pathlib import Path
from toguna.engines.territory import api
api.import_file(Path(sys.argv[1]))
"""


def run() -> list[Result]:
    if shutil.which("osm2pgsql") is None:
        raise RuntimeError("osm2pgsql is not installed: apt-get install osm2pgsql")
    home = places.home() / "bench" / "osm-import"
    files = {}
    monaco = places.checkout().parent / "shared" / "data" / "osm" / "monaco.osm.pbf"
    if monaco.exists():
        files["monaco"] = monaco
    for name, people in (("demo-200k", 200_000), ("demo-1m", 1_000_000)):
        files[name] = home / name / "town.osm.pbf"
        generator.make(home / name, people, until=date(2026, 1, 1), progress=lambda step, share: None)
    database = cluster.Cluster(home)
    database.ensure()
    environment = {
        **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"),
        "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    environment.pop("DATABASE_URL", None)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a town's Python does not compile itself anew at each start
    try:
        _fresh(database, cluster.NAME)
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
        _fresh(database, "bench_clean", cluster.NAME)
        return [row for name, path in files.items() for row in _compare(name, path, database, environment)]
    finally:
        database.stop()


def _compare(name: str, path: Path, database: cluster.Cluster, environment: dict[str, str]) -> Iterator[Result]:
    rival = ["osm2pgsql", "--create", "-H", str(database.socket), "-U", cluster.NAME, "-d", "bench_rival", str(path)]
    times: dict[str, list[float]] = {"ours": [], "osm2pgsql": [], "osm2pgsql --slim": []}
    for _ in range(RUNS):
        _fresh(database, cluster.NAME, "bench_clean")
        times["ours"].append(_timed([sys.executable, "-c", _OURS, str(path)], environment))
        _fresh(database, "bench_rival")
        times["osm2pgsql"].append(_timed(rival, dict(os.environ)))
        _fresh(database, "bench_rival")
        times["osm2pgsql --slim"].append(_timed([*rival, "--slim"], dict(os.environ)))
    mine = median(times.pop("ours"))
    for other, taken in times.items():
        theirs = median(taken)
        yield Result(
            f"osm-import-{name}{'-slim' if 'slim' in other else ''}", "s", round(mine, 2), round(theirs, 2), other,
            round(theirs / mine, 2),
            "whole processes, fresh databases, in turn, median of 3; ours also makes zones, names and grids",
        )  # fmt: skip


def _fresh(database: cluster.Cluster, name: str, template: str = "template1") -> None:
    """An empty database (or a copy of one), and nothing left to write of what came before."""
    with psycopg.connect(database.dsn("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} OWNER {cluster.NAME} TEMPLATE {template}")
        connection.execute("CHECKPOINT")


def _timed(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began
