"""Trucks in the register of equipment: what does not serve is in no round; a breakdown in a round opens its work order."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from toguna.engines.assets import api as assets
from toguna.engines.channels import api as channels
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.waste.models import DayPlan, Round, Truck
from toguna.services.waste.rounds import planning, vehicles


@pytest.fixture
def fleet(yard):
    trucks = list(Truck.objects.select_related("depot").order_by("plate"))
    for _twice in range(2):
        vehicles.register(trucks, by=SYSTEM)
    assert assets.Asset.objects.count() == 2
    return trucks


def _plan() -> DayPlan:
    plan = planning.ask(timezone.localdate(), by=SYSTEM, client_id=uuid.uuid4())
    planning.build(plan=plan.pk)
    plan.refresh_from_db()
    return plan


def test_a_truck_in_upkeep_is_in_no_round_until_it_serves_again(fleet, hire):
    assets.set_state(fleet[0].asset, "upkeep", by=SYSTEM)
    assert {r.truck_id for r in _plan().rounds.all()} == {fleet[1].pk}
    head = hire("manager")
    assert "AA-1" in head.get(reverse("desk-rounds")).content.decode().split("in no round", 1)[1]
    assert "in upkeep" in head.get(reverse("desk-trucks")).content.decode()
    assets.set_state(fleet[1].asset, "retired", by=SYSTEM)
    assert _plan().state == DayPlan.State.FAILED
    assets.set_state(fleet[0].asset, "service", by=SYSTEM)
    assert {r.truck_id for r in _plan().rounds.all()} == {fleet[0].pk}


def test_what_a_driver_says_is_known_at_the_garage_once(fleet, hire):
    plan = planning.publish(_plan().pk, by=SYSTEM)
    one = plan.rounds.select_related("truck").first()
    sent = {
        "id": str(uuid.uuid4()),
        "round": one.pk,
        "do": "broken",
        "words": "Brakes",
        "at": timezone.now().isoformat(),
    }
    driver = hire("agent")
    Truck.objects.filter(pk=one.truck_id).update(driver=driver.account.pk)
    body = {"account": driver.account.pk, "records": [sent]}
    for _twice in range(2):
        answer = driver.post(reverse("rounds-sync"), json.dumps(body), content_type="application/json")
        assert answer.json()["results"][0]["state"] == "sent"
    order = assets.WorkOrder.objects.get()
    assert (order.title, order.asset_id, order.stops) == ("Brakes", one.truck.asset, True)
    assert order.ref == f"waste.round:{one.pk}"
    assert assets.unavailable(t.asset for t in fleet) == {one.truck.asset}
    run_jobs()
    plan.refresh_from_db()
    assert (plan.version, plan.changing) == (1, None)  # what the register then says of that truck changes nothing again


def test_what_the_garage_says_changes_the_rounds_of_today(fleet):
    plan = planning.publish(_plan().pk, by=SYSTEM)
    one = plan.rounds.select_related("truck").first()
    assets.say_broken(one.truck.asset, "Engine", by=SYSTEM, client_id=uuid.uuid4())
    run_jobs()
    one.refresh_from_db()
    plan.refresh_from_db()
    assert (one.state, plan.version) == (Round.State.BROKEN, 1)
    assert not one.visits.filter(state="planned").exists()


def test_a_plan_of_tomorrow_with_a_truck_that_stands_is_made_anew_and_not_given(fleet, hire):
    head = hire("manager")
    day = timezone.localdate() + timedelta(days=1)
    plan = planning.ask(day, by=SYSTEM, client_id=uuid.uuid4())
    run_jobs()
    plan.refresh_from_db()
    one = plan.rounds.select_related("truck").first()
    page = reverse("desk-rounds-plan", args=[plan.pk])
    assert "Give these rounds" in head.get(page).content.decode()
    assets.say_broken(one.truck.asset, "Engine", by=SYSTEM, client_id=uuid.uuid4())
    run_jobs()
    shown = head.get(page).content.decode()
    assert f"in this plan: {one.truck.plate}" in shown and "Give these rounds" not in shown
    head.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "publish"})
    plan.refresh_from_db()
    assert plan.state == DayPlan.State.READY
    anew = DayPlan.objects.get(day=day, pk__gt=plan.pk)
    assert {r.truck_id for r in anew.rounds.all()} == {t.pk for t in fleet} - {one.truck_id}
    assert "sont prêtes" in channels.Message.objects.filter(key__startswith=f"waste.planned:{anew.pk}").first().text


def test_a_truck_is_tied_by_the_code_on_its_label(yard, hire):
    asset = assets.save(None, assets.Told("vehicle", "Tipper"), by=SYSTEM)
    truck = yard.trucks[0]
    head, path = hire("manager"), reverse("desk-truck", args=[truck.pk])
    fields = {
        "plate": truck.plate, "mode": "truck", "depot_name": "Depot", "volume": 8000, "weight": 3500, "begins": "07:00", "ends": "10:30",
        "pause_minutes": 0, "cost_km": 1, "cost_hour": 1, "cost_day": 1, "burns": 400, "active": "on",
    }  # fmt: skip
    assert head.post(path, fields | {"equipment": "ZZZZZZ"}).status_code == 422
    assert head.post(path, fields | {"equipment": asset.code.lower()}).status_code == 302
    truck.refresh_from_db()
    assert truck.asset == asset.pk
    assert asset.code in head.get(path).content.decode()


def test_a_truck_of_no_register_is_driven_as_before(yard):
    assert vehicles.off(yard.trucks) == []
    vehicles.on_state(assets.AssetState(10**9, "broken", "service"))
    one = Round(truck=yard.trucks[0])
    vehicles.said_broken(one, "Brakes", uuid.uuid4(), by=SYSTEM)
    assert not assets.WorkOrder.objects.exists()
