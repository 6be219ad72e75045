"""Reading 1,000,000 reports: the staff's list of 50, the statistics of two years, and map tiles at every zoom.

Method: the town of `_million`; pages are asked for in one process through Django's whole stack (middleware, session, access,
templates; no socket), each once to warm, then the median of 15. Statements are counted by Django. The list is the inbox of
a head of service who sees the whole town, with its tabs' numbers, its table by team and its filters. Tiles: at each zoom
the tile of the place where most reports are, not cached. Rivals: Signalen 2.50 for its list of 50 (502 ms and 263 statements, at
3,000 reports, on such a machine), else the targets.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench import Result, _million

_ASK = """
import json, math, statistics, sys, time, django; django.setup()
from django.conf import settings; settings.ALLOWED_HOSTS = ["*"]
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.people.models import Account
account = Account.objects.filter(email="bench@town.test").first() or people.create_staff(
    email="bench@town.test", password="long enough to be one", name="Bench", grants=[("manager", "reports", None)])
staff, anyone = Client(), Client(); sign_in(staff, account)
with connection.cursor() as cursor:
    cursor.execute("SELECT gx, gy FROM cases_count_cell WHERE type = 'reports' AND level = 4 ORDER BY n DESC LIMIT 1")
    gx, gy = cursor.fetchone()
cell = 360 / 2**17 * 0.625
lon, lat = (gx + .5) * cell - 180, (gy + .5) * cell - 90
def tile(z):
    n = 2 ** z
    return f"/tiles/reports/{z}/{int((lon + 180) / 360 * n)}/{int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)}.mvt"
pages = {"list": (staff, "/desk/reports/"), "late": (staff, "/desk/reports/?view=late"), "search": (staff, "/desk/reports/?q=mosqu"),
    "stats": (anyone, "/reports/stats/?period=24"), "public": (anyone, "/reports/"), **{f"z{z}": (anyone, tile(z)) for z in range(0, 21)}}
found = {}
for name, (client, path) in pages.items():
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    statements = len(queries)
    assert answer.status_code == 200, (name, answer.status_code)
    times = []
    for _ in range(15):
        began = time.perf_counter(); client.get(path); times.append((time.perf_counter() - began) * 1000)
    found[name] = [statistics.median(times), statements]
print(json.dumps(found))
"""


def run() -> list[Result]:
    database = _million.ready()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ASK], env=_million.environment(), capture_output=True, text=True, check=True
        )
    finally:
        database.stop()
    found = json.loads(done.stdout.splitlines()[-1])
    tiles = {name: found[name][0] for name in found if name[0] == "z"}
    worst = max(tiles, key=lambda name: tiles[name])
    of = f"of {_million.REPORTS:,} reports"
    (took, statements), stats = found["list"], found["stats"][0]
    return [
        Result("report-list", "ms", round(took, 1), 502.0, "Signalen 2.50 at 3,000 reports", round(502 / took, 2),
            f"inbox of 50 {of}; late ones {found['late'][0]:.0f} ms, a search {found['search'][0]:.0f} ms; target 25 ms: x{25 / took:.2f}"),
        Result("report-list-statements", "SQL statements", statements, 263.0, "Signalen 2.50", round(263 / statements, 2),
            "the whole page; target 12"),
        Result("report-stats", "ms", round(stats, 1), 300.0, "target", round(300 / stats, 2),
            f"two years by month, district and category {of}, {found['stats'][1]} statements"),
        Result("report-tiles", "ms", round(tiles[worst], 1), 50.0, "target", round(50 / tiles[worst], 2),
            f"the slowest of zooms 0 to 20 ({worst}) at the densest place {of}; public list {found['public'][0]:.0f} ms"),
    ]  # fmt: skip
