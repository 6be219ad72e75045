"""A demo town of 20,000 people with 1,000,000 reports: those of the generator, multiplied set-based with other places near
theirs, other days and other codes, each with its steps. Made once in a home of its own and kept for the next run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

from toguna.kernel import cluster, places

REPORTS, PEOPLE = 1_000_000, 20_000
OF = f"of {REPORTS:,} reports"
_MORE = """
SELECT setseed(0.4);
CREATE TABLE bench_more AS
SELECT row_number() OVER () AS n, c.id, random() AS r1, random() AS r2, random() AS r3
FROM cases_case c, generate_series(1, 1 + {reports} / (SELECT count(*) FROM cases_case)) k LIMIT {reports};
INSERT INTO cases_case (code, client_id, type, topic_id, state, open, public, zone_id, point, place, text, answers, language, channel,
    team_id, created, updated, due, closed)
SELECT 'B' || upper(lpad(to_hex(m.n), 6, '0')), gen_random_uuid(), c.type, c.topic_id, c.state, c.open AND m.r3 < 0.3, c.public, c.zone_id,
    ST_SetSRID(ST_MakePoint(ST_X(c.point) + (m.r1 - 0.5) * 0.004, ST_Y(c.point) + (m.r2 - 0.5) * 0.004), 4326), c.place,
    c.text || ' (' || m.n || ')', '{{}}', c.language, c.channel, c.team_id, c.created - shift, c.updated - shift, c.due - shift,
    CASE WHEN c.open AND m.r3 < 0.3 THEN NULL ELSE COALESCE(c.closed, c.created + interval '12 day') - shift END
FROM bench_more m JOIN cases_case c USING (id), LATERAL (SELECT m.r3 * m.r3 * interval '180 day' AS shift) s ORDER BY m.n;
UPDATE cases_case SET state = 'solved' WHERE NOT open AND state NOT IN ('solved', 'refused', 'duplicate');
INSERT INTO cases_step (case_id, at, action, from_state, to_state, text, public, data)
SELECT id, created, 'opened', '', 'received', '', true, '{{}}' FROM cases_case WHERE code LIKE 'B______';
INSERT INTO cases_step (case_id, at, action, from_state, to_state, text, public, data)
SELECT id, closed, 'moved', 'received', state, 'C''est fait', true, '{{}}' FROM cases_case WHERE code LIKE 'B______' AND NOT open;
SELECT cases_count_compact();
"""


def home() -> Path:
    return places.home() / "bench" / "million"


def environment() -> dict[str, str]:
    made = {
        **os.environ, "TOGUNA_HOME": str(home()), "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    made.pop("DATABASE_URL", None)
    return made


def ready() -> cluster.Cluster:
    """The started database of the town; made at the first call (some 3 minutes)."""
    subprocess.run(
        [sys.executable, "-m", "toguna.cli", "demo", "--people", str(PEOPLE), "--once"],
        env=environment(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    database = cluster.Cluster(home())
    database.ensure()
    with psycopg.connect(database.dsn()) as sql:
        found = sql.execute("SELECT to_regclass('bench_more') IS NOT NULL").fetchone()
        if not (found and found[0]):
            sql.execute(_MORE.format(reports=REPORTS).encode())
            sql.commit()
    with psycopg.connect(database.dsn(user="postgres"), autocommit=True) as sql:
        sql.execute("VACUUM ANALYZE cases_case")
        sql.execute("ANALYZE cases_step")
    return database


_ASK = """
import json, statistics, sys, time, django; django.setup()
from django.conf import settings; settings.ALLOWED_HOSTS = ["*"]
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from toguna.engines.people import api as people
from toguna.engines.people.models import Account
from toguna.engines.people.testing import sign_in
account = Account.objects.filter(email="bench@town.test").first() or people.create_staff(
    email="bench@town.test", password="long enough to be one", name="Bench", grants=[("manager", "reports", None)])
staff, anyone = Client(), Client()
sign_in(staff, account)
found = {}
for path in json.load(sys.stdin):
    client = staff if path.startswith("/desk/") else anyone
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    statements = len(queries)
    assert answer.status_code == 200, (path, answer.status_code)
    times = []
    for _ in range(15):
        began = time.perf_counter()
        client.get(path)
        times.append((time.perf_counter() - began) * 1000)
    found[path] = [statistics.median(times), statements]
print(json.dumps(found))
"""


def timed(paths: list[str]) -> dict[str, tuple[float, int]]:
    """{path: (milliseconds, SQL statements)} of pages asked for in one process through Django's whole stack (middleware,
    session, access, templates; no socket): each twice to warm, then the median of 15. /desk/ as somebody who sees the whole
    town, the rest as nobody. The town is `ready`."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK],
        env=environment(), input=json.dumps(paths), stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return {path: (found[0], found[1]) for path, found in json.loads(done.stdout.splitlines()[-1]).items()}
