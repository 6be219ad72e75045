"""`./toguna simulate fleet` against a town that serves: a day in some seconds, seen by a resident and by the office while it lasts."""

from __future__ import annotations

import re
from time import sleep

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from toguna.cli import commands
from toguna.cli.__main__ import main
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste.fleet import playing
from toguna.services.waste.models import DayPlan, Visit
from toguna.services.waste.rounds import changing, reads
from toguna.services.waste.rounds.tests.conftest import *  # noqa: F403 - its town with two trucks


def test_the_day_is_played_and_seen(yard, hire, live_server, monkeypatch, capsys):
    monkeypatch.setattr(commands, "_town_is_there", lambda: None)
    monkeypatch.setattr(commands, "_django", lambda: None)  # the test's own database is ready
    monkeypatch.setattr(playing, "SECONDS", 0.5)
    resident, office, told, boards = Client(headers={"accept-language": "en"}), hire("reader"), [], []

    def look(seconds: float) -> None:
        """Between two positions, which must not be so near in time that no truck could drive so fast."""
        last = Visit.objects.filter(kind="stop").order_by("-leaves", "-pk")[0]
        told.append(resident.get(reverse("truck-comes-place", args=[last.place.code])).content.decode())
        boards.append(office.get(reverse("desk-rounds-board")).content.decode())
        sleep(seconds)

    monkeypatch.setattr(playing, "sleep", look)
    assert main(["simulate", "fleet", "--url", "http://127.0.0.1:9"]) == 1  # a town that does not answer
    assert "refused" in capsys.readouterr().err and not told
    assert main(["simulate", "fleet", "--seconds", "4", "--url", live_server.url]) == 0
    plan = DayPlan.objects.get(day=timezone.localdate(), state="published")
    stops = Visit.objects.filter(round__plan=plan, kind="stop")
    assert not stops.filter(state="planned").exists()
    done, skipped = (stops.filter(state=s).count() for s in ("done", "skipped"))
    assert f"{6 * plan.rounds.count()} positions taken" in capsys.readouterr().out
    # The resident of the last bin sees the truck come nearer, then that it came; the office sees each truck on its drawing.
    away = [int(found[1]) for page in told if (found := re.search(r"It is (\d+) m from this bin", page))]
    assert len(set(away)) > 2 and "the truck is under way" in told[0] and "Emptied today" in told[-1]
    assert all(page.count('r="20"') == plan.rounds.count() for page in boards)
    assert len({re.search(r'<circle cx="([^"]+)" cy="[^"]+" r="20"', page)[1] for page in boards}) > 3, "it moves"
    # Asked again, the day is over: nothing is done twice.
    assert main(["simulate", "fleet", "--seconds", "1", "--url", live_server.url]) == 0
    assert (stops.filter(state="done").count(), stops.filter(state="skipped").count()) == (done, skipped)
    assert "0 positions taken, 0 stops done" in capsys.readouterr().out


def test_the_day_goes_on_by_the_rounds_that_are_made_anew(yard, live_server, monkeypatch):
    """A truck breaks down: the other takes what it can, and is not hours too early by what the morning had planned."""
    monkeypatch.setattr(playing, "SECONDS", 0.5)
    plan, beats = playing.plan_of_today(), []

    def look(_seconds: float) -> None:
        beats.append(1)
        if len(beats) == 2:
            changing.ask_change(plan.pk, words="Broken", broken=[yard.trucks[0].pk], by=SYSTEM)
            run_jobs()

    monkeypatch.setattr(playing, "sleep", look)
    playing.play(plan, live_server.url, seconds=1, beats=6, say=lambda _words: None)
    broken, other = reads.rounds_of(plan)
    assert (plan.version, broken.state, other.state) == (1, "broken", "ended")
    assert not any(v.state == "planned" for v in other.visits.all())
    assert reads.lateness(other) in range(20)
