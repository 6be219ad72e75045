"""The fleet plays its day through a real Mosquitto: each truck with its own key, the board and the map see it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from toguna.engines.telemetry import api as telemetry
from toguna.engines.telemetry import testing as needs
from toguna.engines.telemetry.devices import keys
from toguna.engines.telemetry.doors import broker, mqtt, wire
from toguna.engines.telemetry.intake import taking
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs, until
from toguna.services.waste.fleet import playing
from toguna.services.waste.models import Visit
from toguna.services.waste.rounds import planning, reads
from toguna.services.waste.rounds.tests.conftest import *  # noqa: F403 - its town with two trucks


@pytest.fixture
def mosquitto(yard, tmp_path, monkeypatch):
    """Started, with the keys of who is in the register by then; the address."""
    needs.mosquitto()

    def started() -> tuple[str, int]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = probe.getsockname()
        ((_name, command),) = broker.prepare(tmp_path / "mosquitto", {"port": address[1]})
        monkeypatch.setattr(telemetry, "broker_address", lambda: address)
        running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        until(lambda: socket.socket().connect_ex(address) == 0)
        return address

    running: list[subprocess.Popen[bytes]] = []
    yield started
    for process in running:
        process.kill()
        process.wait()


def test_a_day_is_played_through_the_broker(yard, hire, mosquitto):
    plan = planning.ask(timezone.localdate(), by=SYSTEM, seconds=0.5)
    run_jobs()
    planning.publish(plan.pk, by=SYSTEM)
    rounds = reads.rounds_of(plan)
    playing.trackers(rounds, mqtt=True)
    address = mosquitto()
    done = playing.play(plan, "", seconds=0, beats=8, mqtt=True, say=lambda _words: None)
    assert done["positions"] == 8 * len(rounds)

    async def waiting() -> list[wire.Publish]:
        make = lambda: wire.Subscriber(broker.SESSION, broker.COLLECTOR, keys.collector(), broker.TOPIC)  # noqa: E731
        _transport, session = await asyncio.get_running_loop().create_connection(make, *address)
        await session.ready()
        come: list[wire.Publish] = []
        while len(come) < done["positions"]:
            come += await asyncio.wait_for(session.come(), 60)
        session.acknowledge(come)
        session.close()
        return come

    assert taking.take(mqtt._records(asyncio.run(waiting()))).rows == done["positions"]
    now, spots = datetime.now(UTC), reads.positions(reads.rounds_of(plan))
    for one in rounds:
        one.truck.refresh_from_db()
        assert len(telemetry.track(one.truck.device, now - timedelta(hours=1), now + timedelta(hours=1))) == 8
        assert abs(spots[one.pk].point[0] - one.truck.depot.point.x) < 0.001  # it is back
    assert not Visit.objects.filter(round__plan=plan, state="planned").exists()
    late = [reads.lateness(one) for one in reads.rounds_of(plan)]
    assert all(minutes is not None and minutes < 15 for minutes in late)  # a played day is on time
    assert hire("reader").get(reverse("desk-rounds-board")).content.decode().count('r="20"') == len(rounds)
