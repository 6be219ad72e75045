"""Over SMPP with somebody else's operator: npm's `smpp`, which shares no line with ours."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toguna.engines.channels import api
from toguna.engines.channels.gateway.pump import Pump
from toguna.engines.channels.models import Incoming
from toguna.engines.channels.tests.test_kannel import Gateway, ports, states
from toguna.kernel import places
from toguna.kernel.testing import until

pytestmark = pytest.mark.django_db(transaction=True)
HERE = Path(__file__).parent / "operator"


@pytest.fixture(scope="module")
def packages() -> Path:
    """The packages of the lock file, kept in the home for the next time."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node is not installed: apt-get install nodejs npm")
    folder = places.home() / "npm-test"
    lock = (places.checkout() / "package-lock.json").read_text("utf-8")
    kept = folder / "package-lock.json"
    if not (folder / "node_modules" / "smpp").is_dir() or not kept.exists() or kept.read_text("utf-8") != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(places.checkout() / name, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(f"npm could not fetch its packages: {done.stderr[-200:]}")
    shutil.copy(HERE / "operator.cjs", folder)
    return folder


class Operator:
    """The process of Node, what it says, and what it is told."""

    def __init__(self, folder: Path, port: int) -> None:
        self.process = subprocess.Popen(
            ["node", "operator.cjs", str(port)], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.said: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        assert self.said.get(timeout=60) == {"ready": True}

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.said.put(json.loads(line))

    def write(self, sender: str, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"from": sender, "to": "36000", "text": text}) + "\n")
        self.process.stdin.flush()


@pytest.fixture
def operator(packages: Path, tmp_path: Path, live_server: Any) -> Iterator[tuple[Operator, Gateway]]:
    port = ports() + 20
    operator = Operator(packages, port)
    given = {
        "id": "op",
        "host": "127.0.0.1",
        "port": port,
        "system_id": "mairie",
        "password": "secret",
        "sender": "36000",
    }
    try:
        with Gateway(tmp_path, live_server.url, [{**given, "throughput": 500, "reconnect-delay": 1}]) as gateway:
            assert operator.said.get(timeout=60) == {"bound": True}
            yield operator, gateway
    finally:
        operator.process.kill()
        operator.process.wait()


def test_out_with_reports_and_back_in(operator: tuple[Operator, Gateway]) -> None:
    other, gateway = operator
    gateway.route()
    api.send("sms", "+22370000001", key="plain", text="Bonjour de la mairie : n°4, été")
    api.send("sms", "+22370000002", key="ucs", text="مرحبا بكم في البلدية")
    Pump().run_once()
    until(lambda: set(states().values()) == {"delivered"})
    seen = {}
    while len(seen) < 2:
        said = other.said.get(timeout=60)
        if "to" in said:
            seen[said["to"]] = said
    assert seen["22370000001"]["coding"] == 0 and seen["22370000001"]["from"] == "36000"
    assert seen["22370000002"]["text"] == "مرحبا بكم في البلدية" and seen["22370000002"]["coding"] == 8
    other.write("22370000003", "AIDE s'il vous plaît")
    other.write("22370000004", "ɓe ŋana")
    until(lambda: Incoming.objects.count() == 2)
    assert dict(Incoming.objects.values_list("address", "text")) == {
        "+22370000003": "AIDE s'il vous plaît",
        "+22370000004": "ɓe ŋana",
    }
