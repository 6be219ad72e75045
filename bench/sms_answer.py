"""An SMS answered: from the moment the operator's gateway hands it to the town until the answer is handed back to a gateway.

Method: the town of `_million`, with 1,000,000 reports and its streets and places; granian with one worker and the sender, as
`./toguna serve` starts them. For 20 seconds, 50 messages a second come to the door that Kannel calls, on time whatever became
of those before (an open loop: a slow town does not slow its people down), each from another phone: four in ten report a
problem near a place that exists, three follow a report by its code, two ask for help, one is nonsense. The answers leave by a
route of the kind "kannel" to a receiver of ours that notes when each came. Nothing is lost: as many answers as messages.
Target: 300 ms, 95th centile.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median, quantiles
from urllib.parse import parse_qs, quote, urlsplit

import psycopg

from bench import Result, _million
from toguna.kernel import places

RATE, SECONDS = 50, 20
FIRST = 76_000_000  # phones that nobody has: +223 76 00 00 00 and on
_SETUP = """
import json, sys, django
django.setup()
from toguna.engines.channels.gateway import marks
from toguna.engines.channels.models import Message, Route, Incoming, Conversation
from toguna.kernel import town
Message.objects.filter(medium="sms").delete()
Conversation.objects.filter(address__startswith="+223760").delete()
Incoming.objects.filter(address__startswith="+223760").delete()
Route.objects.all().delete()
Route.objects.create(slug="bench", kind="kannel", rate=2000, settings={"url": sys.argv[1], "dlr_mask": 0, "sender": "36000"})
print(json.dumps({"key": marks.secret("in:kannel"), "country": town.current().country}))
"""


def run() -> list[Result]:
    came: dict[str, float] = {}

    class Sink(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            given = parse_qs(urlsplit(self.path).query)
            came.setdefault(given["to"][0][-8:], time.perf_counter())
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    sink = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database, environment = _million.ready(), _million.environment()
    address = f"http://127.0.0.1:{sink.server_port}/cgi-bin/sendsms"
    asked = subprocess.run(
        [sys.executable, "-c", _SETUP, address], env=environment, check=True, capture_output=True, text=True
    )
    key = json.loads(asked.stdout.splitlines()[-1])["key"]
    programs = [
        subprocess.Popen(
            [
                sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
                "--workers", "1", "--blocking-threads", "32", "--no-access-log", "--log-level", "warning", "toguna.site.wsgi:application",
            ],
            env=environment, cwd=places.checkout(),
        ),
        subprocess.Popen([sys.executable, "-m", "django", "sender"], env=environment, stderr=subprocess.DEVNULL),
    ]  # fmt: skip
    try:
        _wait(port)
        with psycopg.connect(database.dsn()) as sql:
            codes = [
                row[0]
                for row in sql.execute("SELECT code FROM cases_case WHERE type = 'reports' ORDER BY id LIMIT 600")
            ]
            names = [
                row[0]
                for row in sql.execute(
                    "SELECT DISTINCT name FROM territory_feature WHERE valid_to IS NULL AND name ~ ' ' ORDER BY name LIMIT 600"
                )
            ]
        for n in range(100):  # warm
            _send(port, key, n, _words(n, codes, names))
        time.sleep(2)
        came.clear()
        sent: dict[str, float] = {}
        statuses: list[int] = []

        def one(n: int, at: float) -> None:
            time.sleep(max(0.0, at - time.perf_counter()))
            sent[str(FIRST + n)] = at
            statuses.append(_send(port, key, n, _words(n, codes, names)))

        began = time.perf_counter() + 0.5
        with ThreadPoolExecutor(64) as pool:
            for n in range(RATE * SECONDS):
                at = began + n / RATE
                time.sleep(max(0.0, at - time.perf_counter() - 0.05))
                pool.submit(one, 1000 + n, at)
        for _wait_more in range(100):
            if len(came) >= len(sent):
                break
            time.sleep(0.1)
        if set(statuses) != {200} or len(came) < len(sent):
            raise RuntimeError(f"{len(sent)} were sent, {len(came)} answered; statuses {set(statuses)}")
        took = [(came[phone] - at) * 1000 for phone, at in sent.items()]
        p95 = quantiles(took, n=20)[-1]
        return [
            Result(
                "sms-answer", "ms p95", round(p95), 300, "target", round(300 / p95, 2),
                f"{RATE} a second for {SECONDS} s, from the door to the answer at the gateway; median {median(took):.0f} ms,"
                f" slowest {max(took):.0f} ms, {len(took)} of {len(sent)} answered",
            )
        ]  # fmt: skip
    finally:
        for program in programs:
            program.terminate()
        for program in programs:
            program.wait(30)
        sink.shutdown()
        database.stop()


def _words(n: int, codes: list[str], names: list[str]) -> str:
    kind = n % 10
    if kind < 4:
        return f"SIGNALER trou devant {names[n % len(names)]}"
    if kind < 7:
        return f"SUIVI {codes[n % len(codes)]}"
    return "AIDE" if kind < 9 else f"zzz qqq {n}"


_local = threading.local()


def _send(port: int, key: str, n: int, words: str) -> int:
    connection = getattr(_local, "connection", None)
    if connection is None:
        connection = _local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    phone = quote(f"+223{FIRST + n}", safe="")
    connection.request(
        "GET",
        f"/sms/in/kannel/{key}?from={phone}&to=36000&text={quote(words.encode())}&charset=UTF-8&id=bench-{time.time_ns()}",
    )
    answer = connection.getresponse()
    answer.read()
    return int(answer.status)


def _wait(port: int) -> None:
    for _try in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the web server did not start")
