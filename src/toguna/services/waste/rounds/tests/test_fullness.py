"""How full bins are: coloured, on the map and in the list; who hears of it before a bin runs over, and when one burns."""

from __future__ import annotations

import dataclasses
import math
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from toguna.engines.channels.api import Message
from toguna.engines.people import api as people
from toguna.engines.telemetry import api as telemetry
from toguna.engines.telemetry.devices import register
from toguna.engines.telemetry.rules import declared, reacting
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste.bins import learning, reactions, reads
from toguna.services.waste.models import DayPlan, Fill, Forecast, PlaceSaid, PresentRound, Round, Visit
from toguna.services.waste.rounds import stops


def found(bin_, level: int, *, hours: float = 0, emptied: bool = False) -> None:
    learning.found(
        bin_.pk, level, source=Fill.Source.SENSOR, at=timezone.now() - timedelta(hours=hours), emptied=emptied
    )


@pytest.fixture
def bins(yard, monkeypatch):
    """Four bins of which something is known, at four levels; the first fills by 24 % a day."""
    monkeypatch.undo()  # the clock of the database is the real one
    Fill.objects.all().delete()
    Forecast.objects.all().delete()
    PresentRound.objects.all().delete()
    for bin_, level in zip(yard.bins[:4], (120, 80, 50, 10), strict=True):
        found(bin_, level, hours=1)
    now = timezone.now()
    for bin_ in yard.bins[:4]:
        Forecast.objects.create(place=bin_, computed=now, level=0, rate=24, full=now, error=1, visits=3)
    return yard.bins[:4]


def test_the_list_and_the_map_say_by_colour_and_words_how_full(bins, hire):
    assert reads.levels([b.pk for b in bins]) == {bins[0].pk: 121, bins[1].pk: 81, bins[2].pk: 51, bins[3].pk: 11}
    page = hire("manager").get(reverse("desk-bins")).content.decode()
    for words in ("121 %, full", "81 %, nearly full", "51 %, half full", "11 %, room left"):
        assert words in page
    assert 'data-map-own="waste-fullness"' in page
    found(bins[3], 95, emptied=True)
    assert reads.levels([bins[3].pk]) == {bins[3].pk: 0}


def test_what_is_found_while_forecasts_are_computed_is_not_forgotten(yard, monkeypatch):
    monkeypatch.undo()
    one, other = yard.bins[:2]
    tried = learning.forecasting.tried

    def meanwhile(*given):
        found(one, 90, emptied=True)
        return tried(*given)

    monkeypatch.setattr(learning.forecasting, "tried", meanwhile)
    before = Forecast.objects.get(place=other).full
    learning.forecast()
    row = Forecast.objects.get(place=one)
    assert row.level == 0 and row.full > timezone.now() + timedelta(days=1)
    assert abs(Forecast.objects.get(place=other).full - before) < timedelta(hours=1)


def tile(client, lon: float, lat: float, zoom: int) -> bytes:
    n = 2**zoom
    x, y = int((lon + 180) / 360 * n), int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
    answer = client.get(f"/tiles/waste-fullness/{zoom}/{x}/{y}.mvt")
    return answer.content if answer.status_code == 200 else b""


def test_the_map_is_drawn_near_and_far_for_who_may_see_it(bins, hire):
    head, full = hire("manager"), bins[0]
    near = tile(head, *full.point.coords, 15)
    assert f"{full.name}: 121 %".encode() in near and b"full" in near and f"/desk/bins/{full.code}".encode() in near
    assert b"full" in tile(head, *full.point.coords, 6)  # of the group of all, the colour of the fullest
    assert tile(Client(), *full.point.coords, 15) == b""


def test_a_bin_that_is_full_before_its_round_is_told_once_a_day(bins, yard, hire):
    head = hire("manager")
    hire("agent")  # who works there, and is no head
    today, truck = timezone.localdate(), yard.trucks[0]
    # The second fills in 19 hours, the third in two days; the truck comes for both in three days.
    round_ = PresentRound.objects.create(
        truck=truck, days=[(today + timedelta(days=3)).isoweekday()], places=[b.pk for b in bins]
    )
    early = {one.code: one for one in reads.early(None)}
    assert set(early) == {bins[0].code, bins[1].code, bins[2].code}
    assert 0.7 < (early[bins[1].code].full - timezone.now()) / timedelta(days=1) < 0.9
    assert timezone.localdate(early[bins[1].code].comes) == today + timedelta(days=3)
    page = head.get(reverse("desk-bins")).content.decode()
    assert "Full before their next round" in page and "3 bins. The heads" in page
    assert reactions.warn() == 1
    reactions.warn()
    message = Message.objects.get()
    assert message.address == head.account.email and bins[1].name in message.text and "/desk/bins/" in message.text
    # A published plan fetches the second tomorrow morning; where no round is known, a day is looked ahead.
    round_.delete()
    assert {one.code for one in reads.early(None)} == {bins[0].code, bins[1].code}
    plan = DayPlan.objects.create(day=today, state="published")
    now = timezone.now()
    one = Round.objects.create(plan=plan, truck=truck, departs=now, returns=now + timedelta(hours=3), metres=1)
    soon = now + timedelta(hours=2)
    Visit.objects.create(
        round=one, number=1, kind="stop", place=bins[1], arrives=soon, leaves=soon, metres=1, volume=0, weight=0
    )
    assert {one.code for one in reads.early(None)} == {bins[0].code}
    assert reads.early(frozenset()) == []


def test_the_heads_hear_of_a_full_and_of_a_burning_bin_until_the_town_names_others(yard, hire):
    head = hire("manager")
    hire("agent")
    assert list(reactions.BIN_BURNS.problems()) == []
    assert list(dataclasses.replace(reactions.BIN_BURNS, tells="waste.nothing").problems())
    register.bring()
    declared.bring()
    telemetry.register_device("bin-1", "http", telemetry.Told(service="waste"), by=SYSTEM)

    def says(seconds: int, **values: float) -> None:
        at = timezone.now().timestamp() + seconds
        telemetry.ingest("bin-1", [telemetry.Observation(at=at, values=values)], door="http")

    says(-50, fill=95, temperature=60)
    assert [(m.address, m.medium) for m in Message.objects.all()] == [(head.account.email, "email")]
    assert "Bin full" in Message.objects.get().text or "Bac plein" in Message.objects.get().text
    says(-40, temperature=90)
    burns = telemetry.Alarm.objects.get(rule__name="waste-bin-burns")
    assert burns.level == 3 and Message.objects.filter(address=head.account.email).count() == 2
    says(-30, temperature=40)
    people.set_grants(head.account, [("manager", "waste", None), ("manager", "telemetry", None)], by=SYSTEM)
    form = {
        "title": "Fire",
        "level": "3",
        "condition": "threshold",
        "quantity": "temperature",
        "above": "70",
        "notify": "+22370000009",
    }
    assert head.post("/desk/devices/rules/waste-bin-burns/edit", form).status_code == 302
    says(-20, temperature=90)
    assert Message.objects.filter(address="+22370000009").count() == 1
    assert Message.objects.filter(address=head.account.email).count() == 2


def test_an_alarm_puts_its_bin_in_the_next_round(yard, hire):
    register.bring()
    declared.bring()
    bin_ = yard.bins[0]
    bin_.device = telemetry.register_device("bin-1", "http", telemetry.Told(service="waste"), by=SYSTEM).pk
    bin_.save()
    head = hire("manager")
    people.set_grants(head.account, [("manager", "*", None)], by=SYSTEM)
    form = {
        "title": "Full",
        "level": "1",
        "condition": "threshold",
        "quantity": "fill",
        "above": "80",
        "does_round": "next",
    }
    assert head.post("/desk/devices/rules/waste-bin-full/edit", form).status_code == 302
    at = timezone.now().timestamp()
    telemetry.ingest("bin-1", [telemetry.Observation(at=at, values={"fill": 85})], door="http")
    run_jobs()
    said = PlaceSaid.objects.get()
    assert (said.place_id, said.what, said.channel, said.done) == (bin_.pk, "full", "sensor", None)
    alarm = telemetry.Alarm.objects.get()
    reactions.on_alarm(alarm, "next")
    assert PlaceSaid.objects.count() == 1
    due = {one.key: one.why for one in stops.due(timezone.localdate() + timedelta(days=1))}
    assert due[f"p{bin_.pk}"] == "said"
    assert list(reacting.AlarmReaction("not a name", "", "waste.work", list, reactions.on_alarm).problems())
