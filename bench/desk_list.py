"""The generic desk's list of 50 among 500,000 cases, half of them on a workflow that is data, with its tabs' numbers.

A town of its own, filled set-based once (some 2 minutes). CPU is this process's, of the whole of Django's stack, no socket;
the median of 15 after two to warm. Targets: 15 statements, 30 ms CPU.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

from bench import Result
from toguna.kernel import cluster, places

CASES, TARGET_MS, TARGET_STATEMENTS = 500_000, 30, 15
LIST = "/desk/bench/"
OTHERS = ("?view=team", "?view=late", "?view=opinions", "?topic=t3", "?view=all")
_FILL = """
INSERT INTO people_team (slug, names, email, service) SELECT 'b' || n, '{{"fr": "Equipe"}}', '', '*' FROM generate_series(1, 20) n;
INSERT INTO cases_topic (case_type, slug, names, help, icon, stop, questions, layer, days, near_m, reopen_days, ask_days, keep_days,
    public, active, "order")
SELECT 'reports', 't' || n, '{{"fr": "Sujet"}}', '{{}}', '', '{{}}', '[]', '', 10, 0, 0, 0, 730, false, true, n FROM generate_series(1, 20) n;
INSERT INTO cases_workflow (case_type, slug, version, definition) VALUES ('reports', 'bench', 1, '{definition}');
INSERT INTO cases_case (code, client_id, type, topic_id, state, open, public, place, text, answers, language, channel, team_id,
    created, updated, due, step_due, stopped, closed, workflow_id)
SELECT 'B' || lpad(n::text, 7, '0'), gen_random_uuid(), 'reports', (SELECT min(id) FROM cases_topic WHERE slug = 't1') + n % 20,
    CASE WHEN n % 7 = 0 THEN 'received' ELSE 'solved' END, n % 7 = 0, false, '', '', '{{}}', 'fr', 'web',
    (SELECT min(id) FROM people_team WHERE slug = 'b1') + n % 20, at, at, at + interval '20 day', at + interval '15 day',
    CASE WHEN n % 70 = 0 THEN at END, CASE WHEN n % 7 <> 0 THEN at + interval '9 day' END,
    CASE WHEN n % 10 < 5 THEN (SELECT max(id) FROM cases_workflow) END
FROM generate_series(1, {cases}) n, LATERAL (SELECT now() - n * interval '30 second' AS at) s;
INSERT INTO cases_opinion (case_id, team_id, round, required, silent_favourable, due, says, text)
SELECT id, team_id, 1, true, true, due, '', '' FROM cases_case WHERE id % 490 = 0;
"""
_DEFINITION = {
    "initial": "received",
    "states": [
        {"name": "received", "title": {"fr": "Recu"}, "kind": "open"},
        {"name": "solved", "title": {"fr": "Fini"}, "kind": "done"},
    ],
    "transitions": [{"name": "do", "verb": {"fr": "Faire"}, "from": ["received"], "to": "solved", "who": "staff"}],
}
_ASK = """
import json, statistics, sys, time, types, django; django.setup()
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.site import urls
urls.urlpatterns[:0] = cases.desk_urls("reports", "reports.read", "desk/bench/")
settings.ALLOWED_HOSTS = ["*"]
account = people.Account.objects.filter(email="bench@town.test").first() or people.create_staff(
    email="bench@town.test", password="long enough to be one", name="Bench", grants=[("manager", "reports", None)])
account.teams.set(people.Team.objects.filter(slug__in=["b1", "b2"]))
client = Client()
sign_in(client, account)
found = {}
for path in json.load(sys.stdin):
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    statements = len(queries)  # the next request empties the log
    assert answer.status_code == 200 and (b"B0" in answer.content), (path, answer.status_code)
    cpu, wall = [], []
    for _ in range(15):
        began, at = time.process_time(), time.perf_counter()
        client.get(path)
        cpu.append((time.process_time() - began) * 1000)
        wall.append((time.perf_counter() - at) * 1000)
    found[path] = [statistics.median(cpu), statements, statistics.median(wall)]
print(json.dumps(found))
"""


def _environment(home: Path) -> dict[str, str]:
    made = {
        **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    made.pop("DATABASE_URL", None)
    return made


def run() -> list[Result]:
    home = places.home() / "bench" / "desk"
    home.mkdir(parents=True, exist_ok=True)
    (home / "town.toml").write_text('[town]\nname = "Bench"\ncountry = "CI"\n', "utf-8")
    database = cluster.Cluster(home)
    database.ensure()
    environment = _environment(home)
    try:
        subprocess.run([sys.executable, "-m", "toguna.cli", "manage", "migrate", "-v0"], env=environment, check=True)
        with psycopg.connect(database.dsn()) as sql:
            row = sql.execute("SELECT count(*) FROM cases_opinion").fetchone()
            if not (row and row[0]):
                sql.execute(_FILL.format(cases=CASES, definition=json.dumps(_DEFINITION)).encode())
        with psycopg.connect(database.dsn(user="postgres"), autocommit=True) as sql:
            sql.execute("VACUUM ANALYZE cases_case")
            sql.execute("ANALYZE cases_opinion")
        paths = [LIST, *(f"{LIST}{query}" for query in OTHERS)]
        done = subprocess.run(
            [sys.executable, "-c", _ASK],
            env=environment, input=json.dumps(paths), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    finally:
        database.stop()
    found = json.loads(done.stdout.splitlines()[-1])
    cpu, statements, wall = found[LIST]
    others = ", ".join(f"{query} {found[LIST + query][0]:.0f}/{found[LIST + query][2]:.0f}" for query in OTHERS)
    return [
        Result(
            "desk-list", "ms CPU", round(cpu, 1), TARGET_MS, "the target", round(TARGET_MS / cpu, 2),
            f"list of 50 of {CASES:,} cases; {wall:.0f} ms with the database; others CPU/wall: {others}",
        ),
        Result(
            "desk-list-statements", "SQL statements", statements, TARGET_STATEMENTS, "the target",
            round(TARGET_STATEMENTS / statements, 2), "the whole page",
        ),
    ]  # fmt: skip
