"""Importing an OpenStreetMap file, against osm2pgsql on the same file.

Method: two files, Monaco's real extract (when ../shared/data is beside the checkout) and the demo town of 200,000 people.
Both programs are timed as whole processes, from start to exit, into fresh databases of the same private PostgreSQL, in
turn, three times each; the median counts. osm2pgsql keeps its defaults (--create, pgsql output, its default style, its
geometry indexes). Ours does more in that time: zones with their hierarchy and dated versions, layers, validity of every
area, the index of names, the grid of counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
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
    town = home / "town"
    generator.make(town, 200_000, until=date(2026, 1, 1), progress=lambda step, share: None)
    files = {"demo-200k": town / "town.osm.pbf"}
    monaco = places.checkout().parent / "shared" / "data" / "osm" / "monaco.osm.pbf"
    if monaco.exists():
        files["monaco"] = monaco
    database = cluster.Cluster(home)
    database.ensure()
    try:
        return [_compare(name, path, database, home) for name, path in files.items()]
    finally:
        database.stop()


def _compare(name: str, path: Path, database: cluster.Cluster, home: Path) -> Result:
    ours, rival = [], []
    for _ in range(RUNS):
        _fresh(database)
        environment = {
            **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"),
            "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
        }  # fmt: skip
        environment.pop("DATABASE_URL", None)
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
        ours.append(_timed([sys.executable, "-c", _OURS, str(path)], environment))
        rival.append(
            _timed(
                [
                    "osm2pgsql",
                    "--create",
                    "-H",
                    str(database.socket),
                    "-U",
                    cluster.NAME,
                    "-d",
                    "bench_rival",
                    str(path),
                ],
                dict(os.environ),
            )
        )
    mine, theirs = median(ours), median(rival)
    return Result(
        f"osm-import-{name}", "s", round(mine, 2), round(theirs, 2), "osm2pgsql", round(theirs / mine, 2),
        "whole processes, fresh databases, in turn, median of 3; ours also makes zones, names and grids",
    )  # fmt: skip


def _fresh(database: cluster.Cluster) -> None:
    with psycopg.connect(database.dsn("postgres", "postgres"), autocommit=True) as connection:
        for name in (cluster.NAME, "bench_rival"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} OWNER {cluster.NAME}")
    with psycopg.connect(database.dsn("postgres", "bench_rival"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS hstore")


def _timed(command: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began
