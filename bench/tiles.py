"""Vector tiles over HTTP, of 1,000,000 points and 200,000 buildings, against tipg on the same rows.

Method: a home of its own; the rows are made once, from a fixed seed, as two public layers of the town (points gathered in
quarters, buildings as rectangles), written in the order of a Hilbert curve as our importers do, and copied in the same
order for tipg into two plain tables with the same columns (id, name, kind, geom), each with a primary key and a GiST index
of its own: its best case. Both servers run as one process on loopback, on the same
PostgreSQL. The same tiles, of zooms 8 to 16, spread over the town by a fixed seed, are asked of one then the other in turn,
gzip accepted as browsers do, over a connection kept open; none twice, so that no cache answers; others before, to warm both. A zoom's figure is the
median of its tiles; the line tells of the zoom where we do worst, its method of all of them. tipg keeps its defaults, which
cut a tile at 10,000 features: below zoom 14 it sends a part of the points (and no building that
is smaller than a pixel), we count them all.
"""

from __future__ import annotations

import gzip
import http.client
import math
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from urllib.parse import quote

import psycopg

from bench import Result
from toguna.kernel import cluster, places

POINTS, BUILDINGS, TILES = 1_000_000, 200_000, 15
ZOOMS = range(8, 17)
WEST, SOUTH, SIDE = -8.2, 12.5, 0.32  # degrees: some 35 km across
LAYERS = {"bench-points": "bench_points", "bench-buildings": "bench_buildings"}

_ROWS = """
SELECT setseed(0.42);
INSERT INTO territory_layer (slug, names, geometry, attributes, style, icon, public, editable, attribution, version)
VALUES ('bench-points', '{"en": "Points"}', 'point', '[]', '{}', '', true, false, '', 1),
       ('bench-buildings', '{"en": "Buildings"}', 'polygon', '[]', '{}', '', true, false, '', 1);
CREATE TEMP TABLE quarter AS
    SELECT i, %(west)s + %(side)s * random() AS x, %(south)s + %(side)s * random() AS y FROM generate_series(0, 399) i;
INSERT INTO territory_feature (layer_id, source, name, names, kind, attrs, geom, edited)
    SELECT l.id, 'bench:' || n, 'Lampe ' || n, '{}', (ARRAY['street-lamp', 'bin', 'shop', 'water-point'])[1 + n %% 4], '{}',
        ST_SetSRID(ST_MakePoint(q.x + (random() + random() - 1) * 0.02, q.y + (random() + random() - 1) * 0.02), 4326), false
    FROM generate_series(1, %(points)s) n JOIN quarter q ON q.i = n %% 400, territory_layer l WHERE l.slug = 'bench-points' ORDER BY 7;
INSERT INTO territory_feature (layer_id, source, name, names, kind, attrs, geom, edited)
    SELECT l.id, 'bench:' || n, '', '{}', 'house', '{}', ST_MakeEnvelope(x, y, x + 0.00006 + random() * 0.0001, y + 0.00006 + random() * 0.0001, 4326), false
    FROM (SELECT n, q.x + (random() + random() - 1) * 0.02 AS x, q.y + (random() + random() - 1) * 0.02 AS y
          FROM generate_series(1, %(buildings)s) n JOIN quarter q ON q.i = n %% 400) b, territory_layer l WHERE l.slug = 'bench-buildings' ORDER BY 7;
CREATE TABLE bench_points AS SELECT f.id, f.name, f.kind, f.geom::geometry(Point, 4326) FROM territory_feature f
    JOIN territory_layer l ON l.id = f.layer_id WHERE l.slug = 'bench-points' ORDER BY f.id;
CREATE TABLE bench_buildings AS SELECT f.id, f.name, f.kind, f.geom::geometry(Polygon, 4326) FROM territory_feature f
    JOIN territory_layer l ON l.id = f.layer_id WHERE l.slug = 'bench-buildings' ORDER BY f.id;
ALTER TABLE bench_points ADD PRIMARY KEY (id); CREATE INDEX ON bench_points USING gist (geom);
ALTER TABLE bench_buildings ADD PRIMARY KEY (id); CREATE INDEX ON bench_buildings USING gist (geom);
"""


def run() -> list[Result]:
    home = places.home() / "bench" / "tiles"
    environment = {**os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src")}
    environment.pop("DATABASE_URL", None)
    tipg = _tipg()
    _progress("preparing the tables")
    subprocess.run(
        [sys.executable, "-m", "toguna.cli", "demo", "--people", "1000", "--once"], env=environment, check=True, stdout=subprocess.DEVNULL
    )  # fmt: skip
    database = cluster.Cluster(home)
    database.ensure()
    _fill(database)
    ours_port, rival_port = _free_port(), _free_port()
    ours = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(ours_port), "--workers", "1",
            "--blocking-threads", "4", "--no-access-log", "--log-level", "warning", "toguna.site.wsgi:application",
        ],
        env={**environment, "DJANGO_SETTINGS_MODULE": "toguna.site.settings"}, cwd=places.checkout(),
    )  # fmt: skip
    url = f"postgresql://{cluster.NAME}@{quote(str(database.socket), safe='')}:5432/{cluster.NAME}"
    rival = subprocess.Popen(
        [
            tipg, "-m", "uvicorn", "tipg.main:app", "--host", "127.0.0.1", "--port", str(rival_port), "--log-level", "warning", "--no-access-log",
        ],
        env={**os.environ, "DATABASE_URL": url, "TIPG_DB_TABLES": '["public.bench_points","public.bench_buildings"]'}, cwd=home,
    )  # fmt: skip
    try:
        _wait(ours_port, "/healthz")
        _wait(rival_port, "/healthz")
        return [_measure(slug, table, ours_port, rival_port) for slug, table in LAYERS.items()]
    finally:
        for process in (ours, rival):
            process.terminate()
            process.wait(20)
        database.stop()


def _measure(slug: str, table: str, ours_port: int, rival_port: int) -> Result:
    ours, rival = (http.client.HTTPConnection("127.0.0.1", port, timeout=120) for port in (ours_port, rival_port))
    for z in (9, 15):  # each thread of each server and its connection, before anything is measured
        for x, y in _tiles(z, seed=-z) * (12 if z == 9 else 2):
            _get(ours, f"/tiles/{slug}/{z}/{x}/{y}.mvt")
            _get(rival, f"/collections/public.{table}/tiles/WebMercatorQuad/{z}/{x}/{y}")
    figures: list[tuple[float, float, int]] = []
    for z in ZOOMS:
        mine: list[float] = []
        theirs: list[float] = []
        for n, (x, y) in enumerate(_tiles(z)):
            pair = (
                (mine, ours, f"/tiles/{slug}/{z}/{x}/{y}.mvt"),
                (theirs, rival, f"/collections/public.{table}/tiles/WebMercatorQuad/{z}/{x}/{y}"),
            )
            for times, connection, path in pair if n % 2 else reversed(pair):
                began = time.perf_counter()
                size = _get(connection, path)
                times.append((time.perf_counter() - began) * 1000)
                if size == 0 and z <= 10 and times is mine:
                    raise RuntimeError(f"{path} is empty")
        figures.append((median(mine), median(theirs), z))
    ours.close()
    rival.close()
    worst = min(figures, key=lambda f: f[1] / f[0])
    every = "; ".join(f"z{z} {mine:.1f} / {theirs:.1f} ms" for mine, theirs, z in figures)
    return Result(
        slug.replace("bench", "tiles"), "ms", round(worst[0], 2), round(worst[1], 2), "tipg", round(worst[1] / worst[0], 2),
        f"the worst zoom, z{worst[2]}; all, ours / tipg: {every}",
    )  # fmt: skip


def _tiles(z: int, seed: int = 0) -> list[tuple[int, int]]:
    """At most TILES different tiles of that zoom over the town (x, y), the same at each run; few exist at small zooms."""
    draw = random.Random(seed or z)
    found: dict[tuple[int, int], None] = {}
    for _ in range(400):
        lon, lat = WEST + SIDE * draw.random(), SOUTH + SIDE * draw.random()
        y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
        found[(int((lon + 180) / 360 * 2**z), int(y * 2**z))] = None
        if len(found) == TILES:
            break
    return list(found)


def _get(connection: http.client.HTTPConnection, path: str) -> int:
    """The size of what came, unpacked."""
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    body = response.read()
    if response.status not in (200, 204):
        raise RuntimeError(f"{path} was answered {response.status}: {body[:300]!r}")
    return len(gzip.decompress(body) if response.getheader("Content-Encoding") == "gzip" else body)


def _fill(database: cluster.Cluster) -> None:
    with psycopg.connect(database.dsn()) as sql:
        row = sql.execute("SELECT to_regclass('bench_buildings')").fetchone()
        if row and row[0]:
            return
        _progress(f"making {POINTS:,} points and {BUILDINGS:,} buildings, once")
        values = {"west": WEST, "south": SOUTH, "side": SIDE, "points": POINTS, "buildings": BUILDINGS}
        for statement in _ROWS.split(";\n"):
            if statement.strip():
                sql.execute(statement, values if "%(" in statement else None)
    with psycopg.connect(database.dsn(), autocommit=True) as sql:
        sql.execute("VACUUM ANALYZE")


def _tipg() -> Path:
    """The Python of an environment that holds tipg, made on first use."""
    folder = places.home() / "bench" / "venv-tipg"
    python = folder / "bin" / "python"
    if not (folder / ".done").exists():
        _progress("installing tipg")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "tipg~=1.6", "uvicorn"], check=True
        )
        (folder / ".done").touch()
    return python


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(port: int, path: str) -> None:
    for _ in range(600):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server on port {port} did not answer in a minute")


def _progress(words: str) -> None:
    print(f"tiles: {words}", file=sys.stderr, flush=True)
