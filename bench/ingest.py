"""Readings taken over MQTT with all rules on, against COPY of 500-row batches into the same table, in the same run.

Method: a home and a database of its own, Mosquitto 2, 500 devices, 24 rules on (threshold with hysteresis and duration, rate,
silence, geofence, combination, hours). Each message is what a cheap device sends when it empties its buffer: 10 observations of 4
quantities and a place, 50 rows. Devices publish at QoS 1, each with its own password; the broker holds what they sent. Ours, measured from
its start until the last row is committed: messages come from Mosquitto, are written to the spool and synced, acknowledged, checked
(who, clock, range, repeats, jumps), loaded, the latest brought up to date, every rule asked. The rival is one connection that does
COPY of 500 readings each in a transaction, binary, packed beforehand: nothing but the database. Three turns each, medians. The target
is half of the rival.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from bench import Result
from toguna.kernel import cluster, places

DEVICES, MESSAGES, TURNS = 500, 4000, 3
_CODE = """
import asyncio, json, socket, statistics, struct, subprocess, threading, time, django
django.setup()
from django.db import connection
import paho.mqtt.client as paho
from toguna.engines.telemetry.devices import keys
from toguna.engines.telemetry.devices.register import Told, bring, register_device
from toguna.engines.telemetry.doors import broker, mqtt
from toguna.engines.telemetry.doors.collecting import Collector
from toguna.engines.telemetry.history import partitions
from toguna.engines.telemetry.intake import loading, spool
from toguna.engines.telemetry.models import AlarmRule, Device
from toguna.engines.telemetry.rules import actions
from toguna.kernel import places
from toguna.kernel.access import SYSTEM

DEVICES, MESSAGES, TURNS, PORT = %(devices)d, %(messages)d, %(turns)d, 18930
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

def rows():
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM telemetry_reading) + (SELECT count(*) FROM telemetry_position)")
        return cursor.fetchone()[0]

def empty():
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE telemetry_reading, telemetry_position, telemetry_alarm CASCADE")
        cursor.execute("UPDATE telemetry_latest SET at = NULL, lat = NULL, lon = NULL, geom = NULL, position_at = NULL, seq = -1, resets = 0, jumps = 0, other_at = NULL")
        cursor.execute("DELETE FROM telemetry_rule_state")

async def session_of_collector():
    # Its session at the broker is there before devices send: the broker keeps what comes for it.
    import aiomqtt
    async with aiomqtt.Client("127.0.0.1", PORT, username=broker.COLLECTOR, password=keys.collector(), identifier="toguna-collector", clean_session=False) as client:
        await client.subscribe("t/+/up", qos=1)

def ours(turn):
    empty()
    asyncio.run(session_of_collector())
    publish(turn)
    expected = MESSAGES * 50
    async def main():
        work = asyncio.ensure_future(Collector().run(lambda c: mqtt.subscribe(c, at=("127.0.0.1", PORT))))
        began = time.perf_counter()
        mark, seen = None, 0
        while True:
            await asyncio.sleep(0.05)
            counted = await asyncio.to_thread(loaded)
            if counted >= MESSAGES * 50:
                took = time.perf_counter() - began
                break
            if time.perf_counter() - began > 300:
                raise SystemExit(f"only {counted} of {expected}")
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        return took
    took = asyncio.run(main())
    assert rows() == expected, (rows(), expected)
    return expected / took

def loaded():
    # What the latest say of how much was taken: to count rows would be work of the measured database.
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(taken), 0) - %%s FROM telemetry_latest", [before])
        return int(cursor.fetchone()[0])

def rival():
    empty()
    row = loading._READING
    moment = (int(time.time()) - 3600 - loading.EPOCH) * 1_000_000
    count = MESSAGES * 50 // 500
    batches = [loading._HEADER + b"".join(row.pack(6, 4, (b * 500 + n) %% DEVICES + 1, 2, 1, 8, moment + b * 500 + n, 8, 1.5, 8, n, 2, 0) for n in range(500)) + loading._END for b in range(count)]
    began = time.perf_counter()
    for batch in batches:
        with connection.cursor() as cursor, cursor.copy("COPY telemetry_reading (device, quantity, at, value, seq, flags) FROM STDIN (FORMAT binary)") as copy:
            copy.write(batch)
    took = time.perf_counter() - began
    assert rows() == count * 500
    return count * 500 / took

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
        with connection.cursor() as cursor:
            cursor.execute("SELECT coalesce(sum(taken), 0) FROM telemetry_latest")
            before = int(cursor.fetchone()[0])
        found.append((ours(turn), rival()))
    print(json.dumps([statistics.median(f[0] for f in found), statistics.median(f[1] for f in found)]))
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
    try:
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
        code = _CODE % {"devices": DEVICES, "messages": MESSAGES, "turns": TURNS}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        ours, rival = json.loads(done.stdout.splitlines()[-1])
        return Result(
            "ingest", "rows/s", round(ours), round(rival), "COPY of 500-row batches", round(ours / rival, 2),
            f"{MESSAGES * 50:,} rows in {MESSAGES:,} MQTT messages of {DEVICES} devices, 24 rules on, medians of {TURNS}; target x0.5",
        )  # fmt: skip
    finally:
        database.stop()
