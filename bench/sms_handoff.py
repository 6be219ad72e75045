"""Handing messages to Kannel, against a bare loop of the same HTTP calls, in the same run.

Method: Kannel with its fake SMSC, on loopback; a home and a database of its own. Ours: the sender as it runs, with messages
that wait in their table: taken, marked, handed over, written down, each once. The rival: threads that make the same requests,
by the same client, over as many kept connections, and know nothing of a database. Delivery reports are off for both: what is
measured is the handing over. They take turns, five times each; the medians are compared. Both have the two cores and
Kannel's own two processes beside them. The target is a ratio of 0.9.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from bench import Result
from toguna.kernel import cluster, places

MESSAGES = 12_000
_CODE = """
import json, socket, statistics, subprocess, threading, time, django
django.setup()
from pathlib import Path
from django.db import connection
from toguna.engines.channels.gateway import http, kannel, kannel_setup
from toguna.engines.channels.gateway.media import Outgoing
from toguna.engines.channels.gateway.pump import Pump
from toguna.engines.channels.models import Message, Route
from toguna.kernel import places

COUNT, PORT = %(messages)d, 19000
folder = places.home() / "kannel-bench"
folder.mkdir(exist_ok=True)
file = folder / "kannel.conf"
file.write_text(kannel_setup.configuration(folder, "http://127.0.0.1:9", port=PORT))
(folder / "store").unlink(missing_ok=True)
programs = []

def listens(port):
    for _wait in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("Kannel did not start")

for program, port in zip(kannel_setup.programs(), (PORT + 1, PORT + 13)):
    programs.append(subprocess.Popen([program, "-v", "4", str(file)], cwd=folder, stderr=subprocess.DEVNULL))
    listens(port)
taken = [0]

def phone():
    # The operator: takes all that comes, and counts it.
    with socket.create_connection(("127.0.0.1", PORT + 2)) as operator:
        while data := operator.recv(1 << 20):
            taken[0] += data.count(b"\\n")

threading.Thread(target=phone, daemon=True).start()
time.sleep(1)
settings = {"url": f"http://127.0.0.1:{PORT + 13}/cgi-bin/sendsms", "sender": "36000", "dlr_mask": 0}
Route.objects.all().delete()
Route.objects.create(slug="kannel", kind="kannel", rate=10_000, settings=settings)
TEXT = "Coupure d'eau demain de 8 h a 12 h dans votre quartier. Mairie"

def arrived(before):
    for _wait in range(600):
        if taken[0] - before >= COUNT:
            return
        time.sleep(0.05)
    raise SystemExit(f"only {taken[0] - before} of {COUNT} arrived")

def bare():
    numbers = iter(range(COUNT))
    lock = threading.Lock()
    def work():
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            url = kannel.url(Outgoing(n, f"k{n}", "sms", f"+2237{n:07d}", TEXT, settings=settings))
            assert http.call("GET", url).status == 202
    threads = [threading.Thread(target=work) for _ in range(kannel.KANNEL.connections)]
    before, began = taken[0], time.perf_counter()
    for t in threads: t.start()
    for t in threads: t.join()
    took = time.perf_counter() - began
    arrived(before)
    return COUNT / took

def ours():
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE channels_message CASCADE")
        cursor.execute("INSERT INTO channels_message (key, medium, address, text, lane, state) SELECT 'k' || n, 'sms', "
            "'+2237' || lpad(n::text, 7, '0'), %%s, 50, 'queued' FROM generate_series(1, %%s) n", [TEXT, COUNT])
        cursor.execute("ANALYZE channels_message")
    before, began = taken[0], time.perf_counter()
    Pump().run_once(300)
    took = time.perf_counter() - began
    assert Message.objects.filter(state="sent").count() == COUNT
    arrived(before)
    return COUNT / took

try:
    bare()  # once to warm up
    rounds = [(ours(), bare()) for _round in range(5)]
    print(json.dumps([statistics.median(r[0] for r in rounds), statistics.median(r[1] for r in rounds)]))
finally:
    for program in reversed(programs):
        program.terminate(); program.wait()
"""


def run() -> Result:
    home = places.home() / "bench" / "handoff"
    environment = {
        **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    environment.pop("DATABASE_URL", None)
    database = cluster.Cluster(home)
    database.ensure()
    try:
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
        done = subprocess.run(
            [sys.executable, "-c", _CODE % {"messages": MESSAGES}],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        ours, bare = json.loads(done.stdout.splitlines()[-1])
        return Result(
            "sms-handoff", "messages/s", round(ours), round(bare), "bare loop of the same calls", round(ours / bare, 2),
            f"{MESSAGES:,} messages, medians of five turns, Kannel 1.4.5 with its fake SMSC; target x0.9",
        )  # fmt: skip
    finally:
        database.stop()
