"""The rounds of tomorrow are planned each evening, and those whom it concerns are told, once each."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from toguna.engines.channels import api as channels
from toguna.kernel import registry
from toguna.kernel.access import SYSTEM
from toguna.kernel.tasks import Periodic
from toguna.kernel.testing import run_jobs
from toguna.services.waste.models import DayPlan, EveningPlan, Truck
from toguna.services.waste.rounds import changing, events, stops, telling
from toguna.services.waste.rounds.tests.test_rounds import make, publish, record, send


@pytest.fixture
def clock(yard, monkeypatch):
    """clock(hour, minute, day) -> it is that time."""

    def set_(hour: int, minute: int = 0, day: date | None = None) -> None:
        at = stops.moment_of(day or timezone.localdate(), hour * 3600 + minute * 60)
        monkeypatch.setattr(timezone, "now", lambda: at)

    return set_


@pytest.fixture
def hire(hire):
    """As everywhere, and spoken to in a language."""

    def hired(role: str, language: str = "en"):
        client = hire(role)
        client.account.language = language
        client.account.save()
        return client

    return hired


def evening() -> None:
    declared = registry.find(Periodic, "waste-evening-plan")
    assert declared is not None
    declared.run()
    run_jobs()


def said(account, about: str) -> list[str]:
    rows = channels.Message.objects.filter(address=account.email, key__startswith=about).order_by("pk")
    return list(rows.values_list("text", flat=True))


def test_tomorrow_is_planned_each_evening_and_waits_for_a_word(clock, hire):
    head, driver = hire("manager"), hire("agent", "fr")
    Truck.objects.filter(plate="AA-1").update(driver=driver.account.pk)
    clock(17, 50)
    evening()
    assert not DayPlan.objects.exists()
    clock(18, 0)
    for _ in range(2):
        evening()
    plan = DayPlan.objects.get()
    assert plan.day == timezone.localdate() + timedelta(days=1) and plan.state == "ready" and plan.published is None
    (told,) = said(head.account, "waste.planned")
    assert told.startswith(f"The rounds of {plan.day:%d/%m} are ready: 2 trucks, {plan.figures['plan']['stops']} stops")
    assert reverse("desk-rounds-plan", args=[plan.pk]) in told and not said(driver.account, "waste.")
    publish(head, plan)
    run_jobs()
    telling.on_published(events.RoundsPublished(plan.pk))  # said again, told once
    one = plan.rounds.get(truck__plate="AA-1")
    (told,) = said(driver.account, "waste.round")
    stops = one.visits.filter(kind="stop").count()
    assert told.startswith(f"Votre tournée du {plan.day:%d/%m} est prête : AA-1, {stops} arrêts, à partir de 0")
    assert told.endswith(reverse("rounds-app")) and len(said(head.account, "waste.")) == 1
    clock(18, 10)
    evening()
    assert DayPlan.objects.count() == 1


def test_a_town_may_have_them_given_at_once_or_never_made(clock, hire):
    head, agent = hire("manager"), hire("agent")
    address = reverse("desk-rounds-evening")
    assert agent.post(address, {"hour": "13", "gives": "on"}).status_code == 403
    head.post(address, {"hour": "3"})
    assert not EveningPlan.objects.exists()  # no evening
    head.post(address, {"hour": ""})
    clock(13)
    evening()
    assert not DayPlan.objects.exists() and "Every evening: Not by itself" in _text(head)
    head.post(address, {"hour": "13", "gives": "on"})
    assert "Every evening: 13:00" in _text(head) and EveningPlan.objects.count() == 1
    Truck.objects.update(driver=agent.account.pk)
    mine = make(head, day=(timezone.localdate() + timedelta(days=1)).isoformat())  # a draft, given to nobody
    evening()
    plan = DayPlan.objects.exclude(pk=mine.pk).get()
    assert plan.state == "published" and len(said(agent.account, "waste.round")) == 2
    (told,) = said(head.account, "waste.planned")
    assert told.startswith(f"The crews have the rounds of {plan.day:%d/%m}: 2 trucks")
    evening()
    assert DayPlan.objects.count() == 2


def _text(head) -> str:
    return " ".join(head.get(reverse("desk-rounds")).content.decode().replace("</summary>", " ").split())


def test_what_could_not_be_made_or_was_not_made_is_said_and_made(clock, yard, hire):
    head = hire("manager")
    yard.dump.state = "closed"
    yard.dump.save()
    clock(19)
    for _ in range(2):
        evening()
    tomorrow = timezone.localdate() + timedelta(days=1)
    (told,) = said(head.account, "waste.planned")
    assert "could not be made: No dump or transfer station is open" in told
    yard.dump.state = "open"
    yard.dump.save()
    # No current until the next day but one, in the morning: its own rounds are made then, while trucks are at the garage.
    later = tomorrow + timedelta(days=1)
    clock(9, 0, later)
    evening()
    assert not DayPlan.objects.filter(day=later).exists()
    clock(6, 30, later)
    evening()
    assert DayPlan.objects.get(day=later).state == "ready"


def test_a_driver_whose_round_is_changed_is_told_once(yard, hire):
    head = hire("manager")
    plan = publish(head, make(head))
    run_jobs()
    one, other = plan.rounds.order_by("truck__plate")
    drivers = {r.pk: hire("agent") for r in (one, other)}
    for r in (one, other):
        Truck.objects.filter(pk=r.truck_id).update(driver=drivers[r.pk].account.pk)
    Truck.objects.update(ends=time(20))  # a day that is full to its last minute loses stops as it goes on
    send(drivers[one.pk], record(one, "broken", words="Puncture"))
    run_jobs()
    telling.on_changed(events.RoundsChanged(plan.pk, 1, [one.pk, other.pk]))
    count = other.visits.filter(kind="stop", state="planned").count()
    (told,) = said(drivers[other.pk].account, "waste.round")
    assert told.startswith(f"Your round was changed: BB-2, {count} stops to do")
    assert not said(drivers[one.pk].account, "waste.round")
    changing.ask_change(plan.pk, words="A jam", by=SYSTEM)
    run_jobs()
    plan.refresh_from_db()
    assert plan.version == 2 and len(said(drivers[other.pk].account, "waste.round")) == 1, "its stops are the same"
