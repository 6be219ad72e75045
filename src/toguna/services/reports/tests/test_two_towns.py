"""Two towns that really run, each with its database, its web and its worker: a report goes from one to the other, is solved
there, and whoever reported it sees that at home; in both directions."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toguna.kernel import places
from toguna.kernel.testing import until

# Does what it is told, block by block, each ended by a line of its own: a process that begins needs seconds.
SHELL = r"""
import contextlib, io, json, sys, traceback
import django
django.setup()
known = {}
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            exec(json.loads(line), known)
            wrong = ""
        except Exception:
            wrong = traceback.format_exc()
    print(json.dumps([said.getvalue(), wrong]), flush=True)
"""


@dataclass
class Town:
    home: Path
    name: str
    port: int
    server: subprocess.Popen | None = None
    desk: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TOGUNA_", "DATABASE_", "DJANGO_"))}
        return kept | {
            "TOGUNA_HOME": str(self.home), "PYTHONPATH": str(places.checkout() / "src"), "LANGUAGE": "en", "LC_ALL": "C.UTF-8",
            "TOGUNA_URL": self.url,
        }  # fmt: skip

    def serve(self) -> None:
        """Begins to serve; `alive` says when it does."""
        with (self.home / "serve.log").open("ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "toguna.cli", "serve", "--port", str(self.port)],
                env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip

    def open_desk(self) -> None:
        self.desk = subprocess.Popen(
            [sys.executable, "-c", SHELL], env=self.environment | {"DJANGO_SETTINGS_MODULE": "toguna.site.settings"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.shell("""
from toguna.engines.cases import api as cases
from toguna.kernel.access import AGENT, ADMINISTRATOR, Actor, Grant
from toguna.services.reports.bodies import actions, polling
from toguna.services.reports.models import *
agent = Actor(name='Agent', staff=True, grants=(Grant(AGENT),))
chief = Actor(name='Chief', staff=True, grants=(Grant(ADMINISTRATOR),))
""")

    def shell(self, code: str) -> str:
        """What somebody at the desk of this town does, in a process beside the one that serves."""
        self.desk.stdin.write(json.dumps(code) + "\n")
        self.desk.stdin.flush()
        said, wrong = json.loads(self.desk.stdout.readline())
        assert not wrong, wrong
        return said.strip()

    def end(self) -> None:
        for process in (self.desk, self.server):
            if process is not None:
                process.terminate()

    def wait(self) -> None:
        for process in (self.desk, self.server):
            if process is not None:
                process.wait(40)

    def get(self, path: str, **query: str):
        address = f"{self.url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        with urllib.request.urlopen(address, timeout=60) as response:
            body = response.read().decode()
        return json.loads(body) if "json" in response.headers["Content-Type"] else body

    def report(self, words: str) -> str:
        body = {"category": "pothole", "text": words, "lon": -16.5, "lat": 16.02, "client_id": str(uuid.uuid4())}
        request = urllib.request.Request(
            f"{self.url}/api/v1/reports", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())["code"]

    def sweep(self) -> None:
        """What the town does by itself every two minutes; its worker does the rest. It asks for what was done up to this
        second, which has begun: what was done in it would be told two minutes later."""
        time.sleep(1)
        self.shell("polling.sweep()")


def wait(true: Callable[[], Any], seconds: float = 60) -> Any:
    """Not so often that a town says that it is too often: both call from one address."""
    return until(true, seconds, pause=0.5)


def alive(town: Town) -> bool:
    try:
        return urllib.request.urlopen(f"{town.url}/healthz", timeout=5).status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def towns(town_made, empty_home):
    made = []
    try:
        for name in ("Saint-Louis", "Richard Toll"):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                town = Town(empty_home(), name, probe.getsockname()[1])
            made.append(town)
            town_made(town.home)
            settings = town.home / "town.toml"
            settings.write_text(settings.read_text().replace("Saint-Louis", name))
            town.serve()
        for town in made:
            wait(lambda town=town: alive(town), 120)
            town.open_desk()
        meet(*made)
        yield made
    finally:
        for town in made:
            town.end()
        for town in made:
            town.wait()


def meet(one: Town, other: Town) -> None:
    """Each gives the other a key, as the page of other bodies does."""
    for here in (one, other):
        there = other if here is one else one
        here.shell(
            f"body = Body(slug='other', names={{'fr': {there.name!r}}}, endpoint={there.url + '/open311/v2/'!r})\n"
            "actions.save_body(body, by=chief)\n"
            "topic = cases.Topic.objects.get(slug='pothole')\n"
            "actions.map_services(body, {topic.pk: ('pothole', False)}, by=chief)"
        )
    for here in (one, other):
        there = other if here is one else one
        key = here.shell("print(actions.make_key(Body.objects.get(slug='other'), by=chief))").splitlines()[-1]
        there.shell(f"Body.objects.filter(slug='other').update(api_key={key!r})")


def send_on(town: Town, code: str) -> None:
    town.shell(f"actions.transfer(cases.Case.objects.get(code={code!r}).pk, Body.objects.get(slug='other'), by=agent)")


@pytest.mark.parametrize("way", [(0, 1), (1, 0)], ids=["there", "and the other way"])
def test_a_report_goes_to_the_other_town_and_what_it_does_comes_back(towns, way):
    home, away = towns[way[0]], towns[way[1]]
    words = f"Un trou sur la route de {away.name} {uuid.uuid4().hex[:8]}"
    code = home.report(words)
    send_on(home, code)

    def arrived():
        rows = away.get("/open311/v2/requests.json")
        return [r for r in rows if words in r["description"]]

    (there,) = wait(arrived)
    assert f"[{home.name} {code}]" in there["description"]
    number = there["service_request_id"]
    wait(lambda: home.shell("print(Transfer.objects.latest('pk').remote_id)").splitlines()[-1] == number)

    # A resident's town adds words: the other one's team reads them.
    home.shell(f"cases.reply(cases.Case.objects.get(code={code!r}).pk, 'Deux motos sont tombées', by=agent)")
    wait(lambda: "Deux motos sont tombées" in away.get(f"/reports/{number}"))

    # An agent of the other town solves it; the resident sees it at home.
    away.shell(
        f"cases.move(cases.Case.objects.get(code={number!r}).pk, 'solve', by=agent, words='Trou rebouché mardi')"
    )
    wait(lambda: home.sweep() or home.get(f"/open311/v2/requests/{code}.json")[0]["status"] == "closed")
    assert f"{away.name}: Trou rebouché mardi" in home.get(f"/reports/{code}")
    home.sweep()
    home.sweep()
    time.sleep(3)
    assert home.get(f"/reports/{code}").count("Trou rebouché mardi") == 1
    assert away.get(f"/reports/{number}").count("Deux motos sont tombées") == 1
    assert len(arrived()) == 1

    # It never goes back to where it came from.
    refused = away.shell(
        f"case = cases.Case.objects.get(code={number!r})\ncases.move(case.pk, 'reopen', by=agent, words='x')\n"
        "try:\n    actions.transfer(case.pk, Body.objects.get(slug='other'), by=agent)\n"
        "except cases.Refused as error:\n    print('refused', error)"
    )
    assert "refused" in refused
    wait(lambda: home.sweep() or home.get(f"/open311/v2/requests/{code}.json")[0]["status"] == "open")


def test_the_other_town_is_down_and_comes_back(towns):
    home, away = towns
    away.server.terminate()
    away.server.wait(40)
    words = f"Un trou {uuid.uuid4().hex}"
    code = home.report(words)
    send_on(home, code)
    wait(lambda: home.shell("print(Transfer.objects.latest('pk').trouble)"))
    away.serve()
    wait(lambda: alive(away), 120)
    home.shell("actions.try_again(Transfer.objects.latest('pk').pk, by=agent)")
    wait(lambda: any(words in r["description"] for r in away.get("/open311/v2/requests.json")))
