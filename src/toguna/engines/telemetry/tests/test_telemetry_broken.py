"""A real Mosquitto; PostgreSQL, the collector and the broker killed while devices send: nothing is lost, nothing comes twice."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho
import psycopg
import pytest
from django.conf import settings
from django.db import connection

from toguna.engines.telemetry.devices import keys
from toguna.engines.telemetry.doors import broker
from toguna.engines.telemetry.testing import mosquitto
from toguna.engines.telemetry.tests.conftest import NOW
from toguna.kernel import places
from toguna.kernel.cluster import Cluster
from toguna.kernel.testing import until

BEHIND_KEY = "another secret than that of the tests"


def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Town:
    """A home of its own: a private cluster with the tables of the tests' database, a broker, a collector."""

    def __init__(self, home: Path) -> None:
        self.home, self.cluster, self.port = home, Cluster(home), free()
        self.environment = {**os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src")}
        for name in ("DATABASE_URL", "TOGUNA_SECRET"):
            self.environment.pop(name, None)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        (home / "secret").write_text(BEHIND_KEY)
        (home / "town.toml").write_text((places.home() / "town.toml").read_text() + f"\n[mqtt]\nport = {self.port}\n")
        self.cluster.start()
        given = settings.DATABASES["default"]
        options = ["-h", given["HOST"], "-U", given["USER"], "-d", connection.settings_dict["NAME"]]
        # What the collector needs: what these refer to in other rooms is not there.
        tables = subprocess.run(
            ["pg_dump", "--no-owner", "-s", "-t", "telemetry_*", *options], capture_output=True, check=True
        ).stdout
        few = ["-t", "telemetry_quantity", "-t", "telemetry_policy"]
        rows = subprocess.run(["pg_dump", "--no-owner", "-a", *few, *options], capture_output=True, check=True).stdout
        subprocess.run(["psql", "-q", "-d", self.cluster.dsn()], input=tables + rows, capture_output=True, check=True)

    def ask(self, statement: str, *values):
        with psycopg.connect(self.cluster.dsn(), autocommit=True) as there:
            return there.execute(statement, values).fetchall()

    def register(self, *codes: str) -> None:
        for code in codes:
            self.ask(
                "INSERT INTO telemetry_device (code, name, kind, door, state, why, service, ref, key_number, signed, phone, fastest, public, changed) "
                "VALUES (%s, %s, 'sensor', 'mqtt', 'active', '', '', '', 1, false, '', 160, false, now()) RETURNING id", code, code,
            )  # fmt: skip

    def prepare(self, *codes: str) -> None:
        """The files of the broker, how it is started, and the keys of these devices: by one program of this home."""
        script = (
            "import django; django.setup(); import json\n"
            "from toguna.engines.telemetry import api\n"
            "from toguna.engines.telemetry.devices import keys\n"
            f"print(json.dumps([api.prepare_broker()[0][1], {{code: keys.key(code, 1) for code in {codes!r}}}]))"
        )
        made = subprocess.run(
            [sys.executable, "-c", script], env=self.environment, capture_output=True, text=True, check=True
        )
        self.broker, self.keys = json.loads(made.stdout.splitlines()[-1])

    def start(self, name: str) -> None:
        # The broker again as `serve` starts one again that died.
        command = self.broker if name == "broker" else [sys.executable, "-m", "django", "collector", "--mqtt"]
        log = (self.home / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(command, env=self.environment, stderr=log, stdout=log)
        if name == "broker":
            until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def log(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text()

    def end(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                process.kill()
        with contextlib.suppress(ProcessLookupError, TypeError):
            os.kill(self.cluster._postmaster(), signal.SIGKILL)
        for folder in (self.cluster.data, self.cluster.socket, self.home):
            shutil.rmtree(folder, ignore_errors=True)
        self.cluster.log.unlink(missing_ok=True)


@pytest.fixture
def town(db):
    mosquitto()
    home = Path(tempfile.mkdtemp(prefix="toguna-telemetry-"))
    home.chmod(0o755)
    made = Town(home)
    yield made
    made.end()


def sender(town: Town, code: str, password: str, name: str = "device") -> paho.Client:
    client = paho.Client(
        paho.CallbackAPIVersion.VERSION2, client_id=f"{name}-{code}-{password[:4]}", clean_session=False
    )
    client.username_pw_set(code, password)
    client.max_inflight_messages_set(20)
    client.reconnect_delay_set(1, 1)
    client.connect("127.0.0.1", town.port)
    client.loop_start()
    return client


class Patient:
    """Sends the next message when the last one is acknowledged, so that what leaves it is in order whatever happens. paho's own queue is
    not: when it connects again, a new message may pass those that wait."""

    def __init__(self, client: paho.Client) -> None:
        self._client, self._waiting, self._had = client, queue.SimpleQueue(), threading.Event()
        client.on_publish = lambda *_said: self._had.set()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def publish(self, *message, **how) -> None:
        self._waiting.put((message, how))

    def _send(self) -> None:
        while (one := self._waiting.get()) is not None:
            self._had.clear()
            self._client.publish(*one[0], **one[1])
            self._had.wait()

    def end(self) -> None:
        self._waiting.put(None)
        self._thread.join(60)


def test_killed_under_load(town):
    town.register("meter-1", "meter-2")
    town.prepare("meter-1", "meter-2")
    town.start("broker")
    town.start("collector")
    senders = {code: sender(town, code, town.keys[code]) for code in ("meter-1", "meter-2")}
    patient = Patient(senders["meter-1"])
    thief, liar = sender(town, "meter-1", "wrong"), sender(town, "meter-1", town.keys["meter-1"], "liar")
    thief.publish("t/meter-1/up", json.dumps({"at": NOW, "seq": 1, "count": 666}), qos=1)
    liar.publish("t/meter-2/up", json.dumps({"at": NOW, "seq": 1, "count": 666}), qos=1)  # in another's name
    sent, noon = 0, NOW // 86400 * 86400 - 43200  # all of one day, so of one table

    def send(count: int) -> None:
        nonlocal sent
        for _n in range(count):
            for code, device in (("meter-1", patient), ("meter-2", senders["meter-2"])):
                device.publish(f"t/{code}/up", json.dumps({"at": noon + sent, "seq": sent, "count": sent}), qos=1)
            sent += 1
            time.sleep(0.001)

    def loaded() -> int:
        return town.ask("SELECT count(*) FROM telemetry_reading")[0][0]

    def saved() -> bool:  # all that was sent is in the file of the broker
        with contextlib.suppress(FileNotFoundError):  # it is being replaced
            said = (town.home / "mosquitto" / "mosquitto.db").read_bytes()
            return said.count(b'"seq": %d,' % (sent - 1)) == len(senders)
        return False

    def go_on() -> None:
        while not enough.wait(0.004):
            send(1)

    send(300)
    until(lambda: loaded() > 0)
    os.kill(town.cluster._postmaster(), signal.SIGQUIT)  # as when it crashes: its processes end at once
    send(300)
    town.kill("collector")
    town.start("collector")  # it begins while the database is away
    send(100)
    until(lambda: list((town.home / "telemetry" / "spool").glob("*.spool")))
    town.cluster.start()
    until(lambda: loaded() > 700, 120)
    town.kill("collector")  # while it loads
    town.start("collector")
    send(100)
    until(lambda: loaded() >= 2 * sent, 120)
    before, enough = sent, threading.Event()
    sending = threading.Thread(target=go_on)
    sending.start()
    until(lambda: loaded() > 2 * before + 100)
    town.kill("broker")  # while it and the collector are at work: what it had acknowledged, it had handed on
    town.start("broker")
    enough.set()
    sending.join()
    until(lambda: loaded() >= 2 * sent, 120)
    town.kill("collector")
    send(100)
    until(saved)  # within a second
    town.kill("broker")  # while the collector is away
    town.start("broker")
    town.start("collector")
    send(100)
    until(lambda: loaded() >= 2 * sent, 120)
    patient.end()
    for client in [*senders.values(), thief, liar]:
        client.disconnect()
        client.loop_stop()
    rows = town.ask(
        "SELECT d.code, count(*), count(DISTINCT r.seq), min(r.value), max(r.value) FROM telemetry_reading r JOIN telemetry_device d ON d.id = r.device GROUP BY 1 ORDER BY 1"
    )
    assert rows == [(code, sent, sent, 0, sent - 1) for code in ("meter-1", "meter-2")]
    assert town.ask("SELECT count(*), min(seq) FROM telemetry_latest") == [(2, sent - 1)]
    assert town.ask("SELECT reason FROM telemetry_refused") == []
    assert "Traceback" not in town.log("collector")
    # The rows lie in the order in which they came, whatever was killed.
    order = town.ask(
        "SELECT r.seq FROM telemetry_reading r JOIN telemetry_device d ON d.id = r.device AND d.code = 'meter-1' ORDER BY r.tableoid, r.ctid"
    )
    assert order == sorted(order) and len(order) == sent


def test_what_is_told_to_mosquitto(db, tmp_path, device):
    mosquitto()
    one = device("meter-1", "mqtt")
    device("gone", "mqtt")
    from toguna.engines.telemetry.devices import register
    from toguna.kernel.access import SYSTEM

    ((name, command),) = broker.prepare(tmp_path, {"port": 18831})
    assert name == "mosquitto" and command[1:] == ["-c", str(tmp_path / "mosquitto.conf")]
    first = (tmp_path / "passwords").read_text()
    assert keys.key("meter-1", 1) not in first and "meter-1:$7$101$" in first and "gone:" in first
    assert (tmp_path / "passwords").stat().st_mode & 0o077 == 0
    known = broker.Passwords()
    assert known.bring(tmp_path) and not known.bring(tmp_path)
    register.new_key(one.pk, by=SYSTEM)
    register.retire(device("gone", "mqtt").pk, by=SYSTEM)
    assert known.bring(tmp_path)
    second = (tmp_path / "passwords").read_text()
    assert "gone:" not in second and second != first
    secure = broker.configuration(tmp_path, {"host": "0.0.0.0", "certificate": "/c.pem", "key": "/k.pem"})
    assert "listener 1883 0.0.0.0\ncertfile /c.pem\nkeyfile /k.pem\nlistener 1884 127.0.0.1" in secure
    with pytest.raises(broker.Missing):
        broker.configuration(tmp_path, {"host": "x\ny"})
