"""Where 100,000 devices are, for a map view, against 50 ms.

Method: a home and a database of its own; 100,000 devices with a last position each, spread as in a town (dense in the middle). Views:
the whole of it (all 100,000, grouped in cells), a quarter, a district, a street (each device by itself). Each is asked for 30 times
through `positions_within`, the function behind the desk's map, its answer read into Python. The figure is the median of the whole
view, the slowest; the others are said beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psycopg

from bench import Result
from toguna.kernel import cluster, places

DEVICES, TARGET = 100_000, 50.0
_ROWS = f"""
ALTER TABLE telemetry_device DISABLE TRIGGER USER;
INSERT INTO telemetry_device (code, name, kind, door, state, why, service, ref, key_number, signed, phone, fastest, public, changed)
SELECT 'd' || n, 'Device ' || n, 'tracker', 'http', 'active', '', 'waste', 'truck:' || n, 1, false, '', 160, false, now() FROM generate_series(1, {DEVICES}) n;
INSERT INTO telemetry_latest (device_id, at, heard, seq, values, lat, lon, geom, position_at, jumps, swaps, resets, taken, twice)
SELECT id, now(), now(), 1, '{{"fuel": [40, 1790000000], "battery": [80, 1790000000]}}', lat, lon, ST_SetSRID(ST_MakePoint(lon, lat), 4326), now(), 0, 0, 0, 1, 0
FROM (SELECT id, 12.65 + (random() + random() + random() - 1.5) * 0.1 AS lat, -8.0 + (random() + random() + random() - 1.5) * 0.1 AS lon FROM telemetry_device) x;
CREATE TABLE bench_ready ();
"""
_CODE = """
import json, statistics, time, django
django.setup()
from toguna.engines.telemetry.api import positions_within

def view(half):
    return (-8.0 - half, 12.65 - half, -8.0 + half, 12.65 + half)

found = {}
for name, half in (("all", 0.2), ("quarter", 0.05), ("district", 0.01), ("street", 0.002)):
    times = []
    for _turn in range(33):
        began = time.perf_counter()
        spots = positions_within(view(half))
        times.append((time.perf_counter() - began) * 1000)
    found[name] = [statistics.median(times[3:]), sum(spot.n for spot in spots), len(spots)]
print(json.dumps(found))
"""


def run() -> Result:
    home = places.home() / "bench" / "latest"
    environment = {
        **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    environment.pop("DATABASE_URL", None)
    database = cluster.Cluster(home)
    database.ensure()
    try:
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
        with psycopg.connect(database.dsn()) as connection:  # all of it, or none: one that was cut begins anew
            row = connection.execute("SELECT to_regclass('bench_ready') IS NULL").fetchone()
            if row and row[0]:
                connection.execute(_ROWS.encode())
        with psycopg.connect(database.dsn(), autocommit=True) as connection:
            connection.execute("ALTER TABLE telemetry_device ENABLE TRIGGER USER")
            connection.execute("VACUUM ANALYZE telemetry_latest")
        done = subprocess.run(
            [sys.executable, "-c", _CODE], env=environment, capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        slowest = max(ms for ms, _devices, _spots in found.values())
        said = ", ".join(
            f"{name} {ms:.1f} ms ({devices:,} devices, {spots:,} spots)" for name, (ms, devices, spots) in found.items()
        )
        return Result(
            "latest-positions", "ms", round(slowest, 1), TARGET, "target", round(TARGET / slowest, 2), said,
        )  # fmt: skip
    finally:
        database.stop()
