"""Readings taken over MQTT with all rules on, against COPY of 500-row batches into the same table, in the same run.

Method: a home and a database of its own, Mosquitto 2, 500 devices, 24 rules on (threshold with hysteresis and duration, rate,
silence, geofence, combination, hours). Each message is what a cheap device sends when it empties its buffer: 10 observations of 4
quantities and a place, 50 rows. Devices publish at QoS 1, each with its own password; the broker holds what they sent. Ours, measured from
its start until the last row is committed: messages come from Mosquitto, are written to the spool and synced, acknowledged, checked
(who, clock, range, repeats, jumps), loaded, the latest brought up to date, every rule asked. The rival is one connection that does
COPY of 500 readings each in a transaction, binary, packed beforehand: nothing but the database. In each turn the rival goes before ours and after it,
and the ratio of the turn is against both together; the median of the turns counts. The target is half of the rival. Beside the
clock stands the CPU that was used: of our process, of PostgreSQL and of Mosquitto. With two cores, ours may use both: the loader waits for
the database while the door reads.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys

from bench import Result
from toguna.kernel import cluster, places

DEVICES, MESSAGES, TURNS = 500, 4000, 5
_CODE = """
import asyncio, json, os, pathlib, socket, statistics, struct, subprocess, threading, time, django
django.setup()
from django.db import connection
import paho.mqtt.client as paho
from toguna.engines.telemetry.devices import keys
from toguna.engines.telemetry.devices.register import Told, bring, register_device
from toguna.engines.telemetry.doors import broker, mqtt, wire
from toguna.engines.telemetry.doors.collecting import Collector
from toguna.engines.telemetry.history import partitions
from toguna.engines.telemetry.intake import loading, spool, writing
from toguna.engines.telemetry.models import AlarmRule, Device
from toguna.engines.telemetry.rules import actions
from toguna.kernel import places
from toguna.kernel.access import SYSTEM

DEVICES, MESSAGES, TURNS, SERVER, PORT = %(devices)d, %(messages)d, %(turns)d, %(server)d, 18930
bring()
codes = [f"bench-{n}" for n in range(DEVICES)]
if Device.objects.count() < DEVICES:
    for n, code in enumerate(codes):
        register_device(code, "mqtt", Told(kind="tracker", service="waste", ref=f"truck:{n}"), by=SYSTEM)
specs = []
for n in range(4):
    specs += [
        {"kind": "threshold", "quantity": "fuel", "below": 5 + n, "clear": 10 + n},
        {"kind": "threshold", "quantity": "temperature", "above": 95 + n, "minutes": 10},
        {"kind": "rate", "quantity": "fuel", "below": -500 - n},
        {"kind": "silence", "minutes": 600 + n},
        {"kind": "all", "of": [{"kind": "threshold", "quantity": "speed", "above": 90 + n}, {"kind": "geofence", "lat": 12.65, "lon": -8.0, "metres": 20000}]},
        {"kind": "during", "from": "22:00", "to": "05:00", "of": {"kind": "threshold", "quantity": "ignition", "above": 0.5}},
    ]
AlarmRule.objects.all().delete()
for n, spec in enumerate(specs):
    row = actions.save_rule(f"rule-{n}", {"titles": {"en": "Rule"}, "spec": spec}, by=SYSTEM)
    actions.switch(row.pk, True, by=SYSTEM)
partitions.ahead()

def told(turn, n):
    at = int(time.time()) - 7200 + turn * 1200
    first = n // DEVICES * 10
    return json.dumps([{"at": at + (first + k) * 10, "seq": turn * 100000 + first + k, "lat": 12.65 + (first + k) / 20000, "lon": -8.0, "speed": 25,
        "fuel": 40 - k / 10, "temperature": 80.5, "odometer": 1000 + k, "battery": 77} for k in range(10)]).encode()

def publish(turn):
    # The devices: a few connections at a time, each logs in with its own key.
    def one(codes_of):
        for number, code in codes_of:
            client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=code)
            client.username_pw_set(code, keys.key(code, 1))
            client.max_inflight_messages_set(100)
            client.connect("127.0.0.1", PORT)
            client.loop_start()
            sent = [client.publish(f"t/{code}/up", told(turn, n), qos=1) for n in range(number, MESSAGES, DEVICES)]
            for info in sent:
                info.wait_for_publish(60)
            client.disconnect(); client.loop_stop()
    parts = [list(enumerate(codes))[k::4] for k in range(4)]
    threads = [threading.Thread(target=one, args=(part,)) for part in parts]
    for t in threads: t.start()
    for t in threads: t.join()

def ticks(pid, ended=False):
    told = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, told[11:15 if ended else 13])) / os.sysconf("SC_CLK_TCK")

def cpu():
    # Seconds of (this process, PostgreSQL with what backends that ended have used, Mosquitto).
    backends = [int(p) for p in pathlib.Path(f"/proc/{SERVER}/task/{SERVER}/children").read_text().split()]
    return time.process_time(), ticks(SERVER, ended=True) + sum(map(ticks, backends)), ticks(process.pid)

def rows():
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM telemetry_reading) + (SELECT count(*) FROM telemetry_position)")
        return cursor.fetchone()[0]

def empty():
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE telemetry_reading, telemetry_position, telemetry_alarm CASCADE")
        cursor.execute("UPDATE telemetry_latest SET at = NULL, lat = NULL, lon = NULL, geom = NULL, position_at = NULL, seq = -1, resets = 0, jumps = 0, other_at = NULL")
        cursor.execute("DELETE FROM telemetry_rule_state")

LEFT, ALL, load = 0, threading.Event(), loading.load

def counted(*batch):
    # Committed when it returns.
    global LEFT
    done = load(*batch)
    LEFT -= done.rows
    if LEFT <= 0:
        ALL.set()
    return done

loading.load = counted

async def session_of_collector():
    # Its session at the broker is there before devices send: the broker keeps what comes for it.
    make = lambda: wire.Subscriber(broker.SESSION, broker.COLLECTOR, keys.collector(), broker.TOPIC)
    _transport, session = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", PORT)
    await session.ready()
    session.close()

def ours(turn):
    empty()
    asyncio.run(session_of_collector())
    publish(turn)
    expected = MESSAGES * 50
    async def main():
        global LEFT
        LEFT, began, used = expected, time.perf_counter(), cpu()
        ALL.clear()
        work = asyncio.ensure_future(Collector().run(lambda c: mqtt.subscribe(c, at=("127.0.0.1", PORT))))
        if not await asyncio.to_thread(ALL.wait, 300):
            raise SystemExit(f"{LEFT} of {expected} did not come")
        took, used = time.perf_counter() - began, [b - a for a, b in zip(used, cpu())]
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return took, used
    found = asyncio.run(main())
    assert rows() == expected, (rows(), expected)
    return found

def rival():
    empty()
    row = writing.READING
    moment = (int(time.time()) - 3600 - writing.EPOCH) * 1_000_000
    count = MESSAGES * 50 // 500
    batches = [writing.HEADER + b"".join(row.pack(6, 4, (b * 500 + n) %% DEVICES + 1, 2, 1, 8, moment + b * 500 + n, 8, 1.5, 8, n, 2, 0) for n in range(500)) + writing.END for b in range(count)]
    began, used = time.perf_counter(), cpu()
    for batch in batches:
        with connection.cursor() as cursor, cursor.copy("COPY telemetry_reading (device, quantity, at, value, seq, flags) FROM STDIN (FORMAT binary)") as copy:
            copy.write(batch)
    took, used = time.perf_counter() - began, [b - a for a, b in zip(used, cpu())]
    assert rows() == count * 500
    return took, used

where = places.home() / "mosquitto"
((_name, command),) = broker.prepare(where, {"port": PORT})
process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
try:
    for _wait in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                break
        time.sleep(0.05)
    found = []
    for turn in range(TURNS):
        found.append((rival(), ours(turn), rival()))
    print(json.dumps(found))
finally:
    process.terminate(); process.wait()
"""


def run() -> Result:
    home = places.home() / "bench" / "ingest"
    environment = {
        **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    environment.pop("DATABASE_URL", None)
    database = cluster.Cluster(home)
    database.ensure()
    for left in ("mosquitto", "telemetry"):  # of a run that was cut
        shutil.rmtree(home / left, ignore_errors=True)
    try:
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
        code = _CODE % {
            "devices": DEVICES, "messages": MESSAGES, "turns": TURNS, "server": database.status().pid,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        return _result(json.loads(done.stdout.splitlines()[-1]))
    finally:
        database.stop()


def _result(turns: list[list[tuple[float, list[float]]]]) -> Result:
    """turns: of each (seconds, [CPU of the process, of PostgreSQL, of Mosquitto]) of the rival, of ours, and of the rival again."""
    rows = MESSAGES * 50
    ours = statistics.median(mine[0] for _first, mine, _last in turns)
    rival = statistics.median((first[0] + last[0]) / 2 for first, _mine, last in turns)
    ratios = sorted((first[0] + last[0]) / 2 / mine[0] for first, mine, last in turns)
    own, server, broker = (statistics.median(mine[1][n] for _first, mine, _last in turns) for n in range(3))
    client, plain = (statistics.median((first[1][n] + last[1][n]) / 2 for first, _mine, last in turns) for n in (0, 1))
    return Result(
        "ingest", "rows/s", round(rows / ours), round(rows / rival), "COPY of 500-row batches", round(statistics.median(ratios), 2),
        f"{rows:,} rows in {MESSAGES:,} MQTT messages of {DEVICES} devices, 24 rules on; {len(turns)} turns from x{ratios[0]:.2f} to x{ratios[-1]:.2f}; "
        f"CPU seconds: ours {own:.2f} in the process, {server:.2f} in PostgreSQL, {broker:.2f} in Mosquitto; "
        f"rival {client:.2f} and {plain:.2f}; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; target x0.5",
    )  # fmt: skip
