"""A report by HTTP: CPU time of the web server and SQL statements, for the form of the web and for the API.

Method: the town of `_million`, with 1,000,000 reports; granian with one worker, as `./toguna serve` starts it; POSTS
reports without a photo by each door, half of them with a phone number, over one connection kept open, each from another
device. CPU is user plus system time of the server's processes from /proc, PostgreSQL not included (the same holds for the
rival's figure). Statements are those in PostgreSQL's own log (`log_statement = all`), BEGIN, SAVEPOINT and COMMIT included,
over 40 more reports. Every answer is checked, and the reports are counted in the database afterwards.
Targets: 10 ms and 20 statements. Signalen 2.50, measured on such a machine: 79 to 90 ms and 46 statements.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from bench import Result, _million
from toguna.kernel import cluster, places

POSTS, COUNTED = 300, 40
Post = Callable[[http.client.HTTPConnection, int, tuple[float, float]], None]


def run() -> list[Result]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database, environment = _million.ready(), _million.environment()
    server = subprocess.Popen(
        [
            sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--blocking-threads", "4", "--no-access-log", "--log-level", "warning", "toguna.site.wsgi:application",
        ],
        env=environment, cwd=places.checkout(),
    )  # fmt: skip
    try:
        _wait(port)
        return [
            r for name, post in (("", _form), ("-api", _api)) for r in _measure(name, post, port, server.pid, database)
        ]
    finally:
        server.terminate()
        server.wait(20)
        database.stop()


def _measure(name: str, post: Post, port: int, server: int, database: cluster.Cluster) -> list[Result]:
    with psycopg.connect(database.dsn(), autocommit=True) as sql:
        row = sql.execute(
            "SELECT array_agg(array[ST_X(p), ST_Y(p)]) FROM (SELECT point p FROM cases_case ORDER BY id LIMIT 500) x"
        ).fetchone()
        spots = row[0] if row else []
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        count = "SELECT count(*) FROM cases_case"

        def many(times: int) -> None:
            before = sql.execute(count).fetchone()
            for n in range(times):
                post(connection, n, tuple(spots[n % len(spots)]))
            after = sql.execute(count).fetchone()
            if before is None or after is None or after[0] - before[0] != times:
                raise RuntimeError(f"{times} reports were sent, the database counts {after} after {before}")

        many(20)  # warm
        began, used = time.perf_counter(), _cpu(server)
        many(POSTS)
        milliseconds = (_cpu(server) - used) * 1000 / POSTS
        wall = (time.perf_counter() - began) * 1000 / POSTS
        statements = _statements(database, lambda: many(COUNTED))
        connection.close()
    door = "POST /api/v1/reports" if name else "POST of the web form"
    return [
        Result(
            f"report-post{name}", "ms of CPU", round(milliseconds, 2), 10.0, "target (Signalen: 80)", round(10 / milliseconds, 2),
            f"{door}, granian, {POSTS} reports, mean; {wall:.1f} ms from sending to answer",
        ),
        Result(
            f"report-post{name}-statements", "SQL statements", round(statements, 2), 20.0, "target (Signalen: 46)",
            round(20 / statements, 2), f"{door}, {COUNTED} reports, from PostgreSQL's log, with BEGIN, SAVEPOINT and COMMIT",
        ),
    ]  # fmt: skip


def _phone() -> str:
    return f"+223 7{secrets.randbelow(10**7):07d}"


def _form(connection: http.client.HTTPConnection, n: int, spot: tuple[float, float]) -> None:
    token = secrets.token_hex(16)
    body = urlencode(
        {
            "csrfmiddlewaretoken": token,
            "client_id": uuid.uuid4(),
            "position": f"{spot[1]:.6f}, {spot[0]:.6f}",
            "place": "Derrière la mosquée",
            "text": f"Un grand trou au milieu de la route, numéro {n}",
            "name": "Awa Traoré" if n % 2 else "",
            "contact": _phone() if n % 2 else "",
        }
    )
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"csrftoken={token}",
        "User-Agent": f"bench {secrets.token_hex(6)}",  # another visitor each time: limits are per device
        "Accept-Language": "fr",
    }
    connection.request("POST", "/reports/new/pothole", body, headers)
    response = connection.getresponse()
    response.read()
    if response.status != 302:
        raise RuntimeError(f"the form was answered {response.status}")


def _api(connection: http.client.HTTPConnection, n: int, spot: tuple[float, float]) -> None:
    body = {
        "category": "pothole",
        "text": f"Un grand trou au milieu de la route, numéro {n}",
        "lon": spot[0],
        "lat": spot[1],
        "place": "Derrière la mosquée",
        "client_id": str(uuid.uuid4()),
        **({"name": "Awa Traoré", "phone": _phone()} if n % 2 else {}),
    }
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"bench {secrets.token_hex(6)}",
    }
    connection.request("POST", "/api/v1/reports", json.dumps(body), headers)
    response = connection.getresponse()
    answer = response.read()
    if response.status != 201:
        raise RuntimeError(f"the API answered {response.status}: {answer[:300]!r}")


def _cpu(root: int) -> float:
    """Seconds of CPU of a process and all its descendants, those that ended included."""
    children: dict[int, list[int]] = {}
    spent: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(stat.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        spent[pid] = sum(int(x) for x in fields[11:15])
    total, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        total += spent.get(pid, 0)
        waiting += children.get(pid, [])
    return total / os.sysconf("SC_CLK_TCK")


def _statements(database: cluster.Cluster, work: Callable[[], None]) -> float:
    """Statements of the server for each report that `work` sends; the bench's own are taken off."""
    with psycopg.connect(database.dsn(user="postgres"), autocommit=True) as sql:
        sql.execute("ALTER SYSTEM SET log_statement = 'all'")
        sql.execute("SELECT pg_reload_conf()")
        time.sleep(1)
        start = database.log.stat().st_size
        work()
        sql.execute("ALTER SYSTEM RESET log_statement")
        sql.execute("SELECT pg_reload_conf()")
    with database.log.open("rb") as file:
        file.seek(start)
        lines = file.read().decode("utf-8", "replace").splitlines()
    logged = [line for line in lines if "LOG:  statement: " in line or "LOG:  execute " in line]
    ours = [
        line
        for line in logged
        if "SELECT count(*) FROM cases_case" in line or "ALTER SYSTEM" in line or "pg_reload_conf" in line
    ]
    return (len(logged) - len(ours)) / COUNTED


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not answer in 30 seconds")
