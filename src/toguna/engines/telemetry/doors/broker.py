"""Mosquitto of our own: its configuration, passwords and rights, made from the register of devices.

    [mqtt]
    host = "0.0.0.0"
    port = 1883
    certificate = "/etc/ssl/town.pem"      # with key: MQTT over TLS
    key = "/etc/ssl/town.key"

A device logs in with its code and its key, writes to `t/CODE/up`, and reads `t/CODE/down`. Nothing else is open to it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from toguna.engines.telemetry.devices import keys
from toguna.engines.telemetry.doors.listening import section
from toguna.engines.telemetry.models import Device
from toguna.kernel import places

PORT, COLLECTOR = 1883, "toguna"
SESSION, TOPIC = "toguna-collector", "t/+/up"  # the collector's: kept by the broker while it is away
PACKAGE = "mosquitto"
FIRST = 20.0  # seconds for a broker to start
ROUNDS = 101  # of Mosquitto's own; keys are random, so guessing one is hopeless whatever their number


class Missing(Exception):
    """Mosquitto is not installed, or town.toml says something that it cannot be told; str() says what to do."""


def program() -> str:
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise Missing(f"sudo apt-get install -y {PACKAGE}")
    return found


def folder() -> Path:
    return places.home() / "mosquitto"


def address() -> tuple[str, int]:
    """Where our own collector finds it: on this machine, without TLS."""
    given = section("mqtt")
    port = int(given.get("port", PORT))
    return "127.0.0.1", port + 1 if given.get("certificate") else port


def configuration(where: Path, given: Mapping[str, Any]) -> str:
    """The file. Messages for our collector wait for it, whatever their number, as long as it is away."""
    host, port = str(given.get("host", "127.0.0.1")), int(given.get("port", PORT))
    lines = [f"user {_user()}"] if os.geteuid() == 0 else []
    secure = bool(given.get("certificate"))
    lines += [
        f"pid_file {where / 'pid'}",
        "allow_anonymous false",
        f"password_file {where / 'passwords'}",
        f"acl_file {where / 'rights'}",
        "persistence true",
        f"persistence_location {where}/",
        "autosave_interval 1",
        # Written to our collector as it comes, not kept back until it said that it has the twenty before.
        "max_inflight_messages 0",
        "max_queued_messages 0",
        "max_queued_bytes 1000000000",
        "max_packet_size 1000000",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "connection_messages false",
    ]
    lines.append(f"listener {port} {host}")
    if secure:
        lines += [
            f"certfile {given['certificate']}",
            f"keyfile {given.get('key', '')}",
            f"listener {port + 1} 127.0.0.1",
        ]
    if any(c in line for line in lines for c in "\r\n"):
        raise Missing("[mqtt] in town.toml cannot be told to Mosquitto")
    return "\n".join(lines) + "\n"


def _user() -> str:
    return os.environ.get("TOGUNA_MQTT_USER", "root")


def rights() -> str:
    return f"pattern write t/%u/up\npattern read t/%u/down\nuser {COLLECTOR}\ntopic readwrite t/#\n"


def _line(user: str, password: str) -> str:
    """https://mosquitto.org/man/mosquitto_passwd-1.html: PBKDF2 with SHA-512. The salt is the key's own: the same line each time."""
    salt = hashlib.sha256(f"salt {user} {password}".encode()).digest()[:12]
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return f"{user}:$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


class Passwords:
    """Mosquitto's file of passwords, written anew when the register changed."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], str] = {}
        self._said = ""

    def text(self) -> str:
        rows = Device.objects.filter(door=Device.Door.MQTT).exclude(state=Device.State.RETIRED)
        wanted = list(rows.order_by("code").values_list("code", "key_number"))
        self._lines = {
            (code, number): self._lines.get((code, number)) or _line(code, keys.key(code, number))
            for code, number in wanted if code != COLLECTOR
        }  # fmt: skip
        return "\n".join([_line(COLLECTOR, keys.collector()), *self._lines.values()]) + "\n"

    def bring(self, where: Path) -> bool:
        """Writes them when they changed, and tells a Mosquitto that runs. Whether they did."""
        text = self.text()
        if text == self._said:
            return False
        _write(where / "passwords", text)
        self._said = text
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((where / "pid").read_text()), signal.SIGHUP)
        return True


def _write(path: Path, text: str) -> None:
    making = path.with_suffix(".new")
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    making.replace(path)


def _first(found: str, where: Path) -> None:
    """A broker acknowledges what nobody wants, and throws it away: so it has our collector's session on its disk before the first
    device can reach it. Raises Missing."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    _write(where / "first.conf", configuration(where, {"port": port}))
    process = subprocess.Popen([found, "-c", str(where / "first.conf")], stderr=subprocess.PIPE)
    kept = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=SESSION, clean_session=False)
    client.username_pw_set(COLLECTOR, keys.collector())
    client.on_connect = lambda client, *_said: client.subscribe(TOPIC, qos=1)
    client.on_subscribe = lambda *_said: kept.set()
    client.reconnect_delay_set(1, 1)
    client.connect_async("127.0.0.1", port)
    client.loop_start()
    try:
        until = time.monotonic() + FIRST
        while not kept.wait(0.05):
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise Missing(f"mosquitto: {(process.communicate()[1] or b'').decode(errors='replace')[-500:]}")
    finally:
        client.disconnect()
        client.loop_stop()
        process.terminate()  # it writes its sessions as it ends
        process.communicate()
        (where / "first.conf").unlink()
        (where / "pid").unlink(missing_ok=True)


def prepare(where: Path | None = None, given: Mapping[str, Any] | None = None) -> list[tuple[str, list[str]]]:
    """Writes its files; gives the process to run: [(name, command)]. Raises Missing."""
    found = program()
    where = where or folder()
    where.mkdir(parents=True, exist_ok=True, mode=0o700)
    (where / "pid").unlink(missing_ok=True)  # of one that the power cut: another program may have its number now
    _write(where / "mosquitto.conf", configuration(where, section("mqtt") if given is None else given))
    _write(where / "rights", rights())
    Passwords().bring(where)
    if not (where / "mosquitto.db").exists():
        _first(found, where)
    return [("mosquitto", [found, "-c", str(where / "mosquitto.conf")])]
