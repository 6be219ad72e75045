"""Kannel itself, over its own imitation of an operator and over SMPP: out, back, and in."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from toguna.engines.channels import api
from toguna.engines.channels.gateway import kannel_setup
from toguna.engines.channels.gateway.pump import Pump
from toguna.engines.channels.models import Incoming, Message, Route
from toguna.kernel.tasks import Lane
from toguna.kernel.testing import until
from toguna.simulate.smpp import Operator

try:
    kannel_setup.programs()
except kannel_setup.Missing as error:
    pytest.skip(f"Kannel is not installed: {error}", allow_module_level=True)

pytestmark = pytest.mark.django_db(transaction=True)


def ports() -> int:
    """A port of which also the three others that Kannel takes are free. Another process may look for one too."""
    for base in random.sample(range(21000, 29000, 50), 160):
        with contextlib.ExitStack() as held:
            try:
                for port in (base, base + 1, base + 2, base + 13):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return base
    raise AssertionError("no free ports")


@dataclass
class Gateway:
    """A Kannel of our own."""

    folder: Path
    here: str
    operators: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Gateway:
        self.port = ports()
        self.file = self.folder / "kannel.conf"
        self.file.write_text(
            kannel_setup.configuration(self.folder, self.here, port=self.port, operators=self.operators)
        )
        self.bearerbox, self.smsbox = (self._start(program) for program in kannel_setup.programs())
        return self

    def _start(self, program: str) -> subprocess.Popen[bytes]:
        """Starts one of the two, and waits until it listens."""
        made = subprocess.Popen(
            [program, "-v", "4", str(self.file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder
        )
        until(lambda: self._listens(self.port + (13 if program.endswith("smsbox") else 1)))
        return made

    def restart_smsbox(self) -> None:
        self.smsbox.kill()
        self.smsbox.wait()
        self.smsbox = self._start(kannel_setup.programs()[1])

    @staticmethod
    def _listens(port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def __exit__(self, *_error: object) -> None:
        for process in (self.smsbox, self.bearerbox):
            process.kill()
            process.wait()

    def route(self, **more: Any) -> Route:
        """Like the one that `serve --sms` makes."""
        settings = {
            "url": f"http://127.0.0.1:{self.port + 13}/cgi-bin/sendsms",
            "callback": self.here,
            "sender": "36000",
        }
        if self.operators:
            settings["smsc"] = self.operators[0]["id"]
        return Route.objects.create(slug="kannel-demo", kind="kannel", rate=500, settings=settings, **more)


class Phones:
    """All phones of the country, on the fake operator of Kannel: lines of text over a socket."""

    def __init__(self, port: int) -> None:
        self.received: list[str] = []
        self.socket = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            for line in self.socket.makefile("r", encoding="utf-8", errors="replace"):
                self.received.append(line.rstrip("\n"))

    def write(self, sender: str, text: str) -> None:
        self.socket.sendall(f"{sender} 36000 text {text}\n".encode())


@pytest.fixture
def kannel(tmp_path: Path, live_server: Any) -> Iterator[Gateway]:
    with Gateway(tmp_path, live_server.url) as made:
        yield made


@pytest.fixture
def phones(kannel: Gateway) -> Iterator[Phones]:
    made = Phones(kannel.port + 2)
    yield made
    made.socket.close()


def states() -> dict[str, str]:
    return dict(Message.objects.values_list("key", "state"))


def test_out_and_the_reports_come_back(kannel: Gateway, phones: Phones) -> None:
    kannel.route(price=12)
    api.send("sms", "+22370000001", key="plain", text="Réunion à 9 h, école [1] : 10 €")
    api.send("sms", "+22370000002", key="other", text="مرحبا بكم")
    api.send("sms", "+22370000003", key="long", text="a" * 200)
    api.send("sms", "+22370000004", key="code", text="123456", lane=Lane.ONE_TIME_CODE)
    Pump().run_once()
    until(lambda: set(states().values()) == {"delivered"})
    until(lambda: len(phones.received) == 5)
    assert any(line == "36000 +22370000001 text Réunion à 9 h, école [1] : 10 €" for line in phones.received)
    arabic = next(line for line in phones.received if "+22370000002" in line)
    assert arabic.startswith("36000 +22370000002 ucs-2 ")
    assert len([line for line in phones.received if "+22370000003 udh" in line]) == 2
    rows = {row.key: row for row in Message.objects.all()}
    assert [rows[key].parts for key in ("plain", "other", "long")] == [1, 1, 2]
    assert [int(rows[key].price or 0) for key in ("plain", "other", "long")] == [12, 12, 24]
    assert rows["code"].text == "" and rows["plain"].delivered is not None
    day = Route.objects.get().days.get()
    assert (day.messages, day.parts, int(day.cost)) == (4, 5, 60)


def test_what_somebody_writes_is_kept_once_and_answered(kannel: Gateway, phones: Phones) -> None:
    kannel.route()
    phones.write("+22370000001", "AIDE")
    row = until(lambda: Incoming.objects.exclude(state="new").first())
    assert (row.address, row.to, row.text, row.state) == ("+22370000001", "36000", "AIDE", "answered")
    assert row.route is not None and row.route.slug == "kannel-demo"
    phones.write("+22370000001", "AIDE")  # the operator did not hear that it was taken
    phones.write("+22370000002", "été là-bas")
    until(lambda: Incoming.objects.filter(address="+22370000002").exclude(state="new").exists())
    assert Incoming.objects.filter(address="+22370000001").count() == 1
    assert Incoming.objects.get(address="+22370000002").text == "été là-bas"
    Pump().run_once()
    until(lambda: [line for line in phones.received if line.startswith("36000 +22370000001")])


def test_smsbox_killed_and_started_again_loses_nothing(kannel: Gateway, phones: Phones) -> None:
    kannel.route()
    for number in range(30):
        api.send("sms", f"+2237000{number:04d}", key=f"k{number}", text=f"message {number}")
    pump = Pump()
    worker = threading.Thread(target=kannel.restart_smsbox)
    worker.start()
    pump.run_once()
    worker.join()
    until(_sent_or_known)
    doubtful = Message.objects.filter(state="doubtful").count()
    until(lambda: len(phones.received) >= 30 - doubtful)
    sent = [line.split()[1] for line in phones.received]
    assert len(sent) == len(set(sent)), "nobody is texted twice"


def _sent_or_known() -> bool:
    """Runs the pump again until no message waits: each is delivered, or reported as doubtful."""
    from django.utils import timezone

    Message.objects.filter(state="queued").update(due=timezone.now())
    Route.objects.update(down_until=None, failures=0)
    Pump().run_once()
    return not Message.objects.exclude(state__in=["delivered", "doubtful"]).exists()


@pytest.fixture
def operator(tmp_path: Path, live_server: Any) -> Iterator[tuple[Operator, Gateway]]:
    with Operator() as smsc:
        given = {"id": "op", "host": "127.0.0.1", "port": smsc.port, "system_id": "mairie", "password": "secret"}
        with Gateway(
            tmp_path, live_server.url, [{**given, "sender": "36000", "throughput": 500, "reconnect-delay": 1}]
        ) as gateway:
            until(lambda: smsc.connections)
            yield smsc, gateway


def test_over_smpp_out_and_back(operator: tuple[Operator, Gateway]) -> None:
    smsc, gateway = operator
    gateway.route()
    smsc.throttle = 1  # Kannel slows down and tries again by itself
    api.send("sms", "+22370000001", key="plain", text="Bonjour de la mairie")
    api.send("sms", "+22370000002", key="ucs", text="مرحبا بكم في البلدية")
    Pump().run_once()
    until(lambda: set(states().values()) == {"delivered"})
    by_number = {m.to: m for m in smsc.submitted}
    assert by_number["22370000001"].text == "Bonjour de la mairie" and by_number["22370000001"].coding == 0
    assert by_number["22370000002"].text == "مرحبا بكم في البلدية" and by_number["22370000002"].coding == 8
    assert by_number["22370000001"].sender == "36000"


def test_over_smpp_a_phone_that_is_off_and_reports_in_the_wrong_order(operator: tuple[Operator, Gateway]) -> None:
    smsc, gateway = operator
    gateway.route()
    smsc.reports = "UNDELIV"
    api.send("sms", "+22370000003", key="off", text="x")
    Pump().run_once()
    until(lambda: states() == {"off": "failed"})
    smsc.reports = ""
    api.send("sms", "+22370000004", key="on", text="y")
    Pump().run_once()
    message = until(lambda: next((m for m in smsc.submitted if m.to == "22370000004"), None))
    smsc.report(message, "DELIVRD")
    until(lambda: states()["on"] == "delivered")
    smsc.report(message, "ACCEPTD")  # late
    smsc.report(message, "DELIVRD")  # twice
    time.sleep(0.5)
    assert states()["on"] == "delivered"


def test_over_smpp_what_is_long_or_in_another_script_comes_whole(operator: tuple[Operator, Gateway]) -> None:
    smsc, gateway = operator
    gateway.route()
    long = "SIGNALER " + "un trou devant l'ecole " * 12
    smsc.write("+22370000001", "36000", long)
    smsc.write("+22370000002", "36000", "C'est cassé, ɓe ŋana 😀 …")
    smsc.write("+22370000003", "36000", "ɛ" * 100)
    until(lambda: Incoming.objects.count() == 3)
    found = dict(Incoming.objects.values_list("address", "text"))
    assert found["+22370000001"] == long.strip()
    assert found["+22370000002"] == "C'est cassé, ɓe ŋana 😀 …"
    assert found["+22370000003"] == "ɛ" * 100


def test_the_configuration_keeps_strangers_out(tmp_path: Path) -> None:
    text = kannel_setup.configuration(
        tmp_path, "http://127.0.0.1:8000", operators=[{"id": "o", "host": "h", "system_id": "s"}]
    )
    for wanted in ("admin-interface = 127.0.0.1", "smsbox-interface = 127.0.0.1", "sendsms-interface = 127.0.0.1"):
        assert wanted in text
    assert "smsc = fake" not in text and "smsc = smpp" in text
    with pytest.raises(kannel_setup.Missing):
        kannel_setup.configuration(
            tmp_path, "http://x", operators=[{"id": "o\ngroup = core", "host": "h", "system_id": "s"}]
        )


def test_a_machine_without_kannel_says_the_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_a, **_k: None)
    with pytest.raises(kannel_setup.Missing, match="apt-get install -y kannel kannel-extras"):
        kannel_setup.programs()
