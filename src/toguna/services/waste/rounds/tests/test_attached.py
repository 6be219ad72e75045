"""Sensors and trackers, as a town attaches them: registered among the devices, chosen on the page of the bin or of the truck."""

from __future__ import annotations

import html
import json
import re
import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from toguna.engines.people import api as people
from toguna.engines.telemetry import api as telemetry
from toguna.engines.telemetry.devices import register
from toguna.kernel.access import SYSTEM
from toguna.services.waste.bins import reactions
from toguna.services.waste.models import Truck, WastePlace
from toguna.services.waste.rounds import planning
from toguna.services.waste.tests.conftest import zone

BIN = {
    "kind": "bin",
    "name": "Bin of the school",
    "position": "12.605, -8.005",
    "capacity": "660",
    "state": "open",
    "public": "1",
}
TRUCK = {
    "plate": "AA-1", "mode": "truck", "depot_name": "Depot", "volume": 8000, "weight": 3500, "begins": "07:00", "ends": "10:30",
    "pause_minutes": 0, "cost_km": 350, "cost_hour": 3000, "cost_day": 5000, "burns": 400, "active": "on",
}  # fmt: skip


@pytest.fixture
def head(yard, hire):
    zone("Town", -8.1, 12.5, -7.9, 12.7, level=0)
    register.bring()
    browser = hire("manager")
    people.set_grants(browser.account, [("manager", "*", None)], by=SYSTEM)
    return browser


def registered(head: Client, code: str, kind: str) -> tuple[str, str]:
    """(its number in the forms, its key): as the town's page of devices gives them."""
    said = {"code": code, "name": code, "kind": kind, "door": "http", "fastest": "160"}
    shown = head.post(reverse("desk-device-new"), said)["Location"]
    key = re.search(r"<code>Bearer ([^<]+)</code>", html.unescape(head.get(shown).content.decode()))
    return re.search(r"/(\d+)/", shown)[1], key[1]


def says(code: str, key: str, **said) -> None:
    body = {"at": timezone.now().timestamp(), **said}
    answer = Client().post(
        reverse("telemetry-in", args=[code]), json.dumps(body), content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )  # fmt: skip
    assert answer.status_code == 202


def heard(head: Client) -> dict[str, tuple[float, float]]:
    lines = head.get(reverse("desk-rounds-board")).context["lines"]
    return {line["round"].truck.plate: line["spot"].point for line in lines if line["spot"]}


def test_what_a_sensor_says_is_the_level_of_its_bin(yard, head, hire):
    number, key = registered(head, "lid-1", "sensor")
    tracker, _key = registered(head, "gps-1", "tracker")
    form = BIN | {"client_id": str(uuid.uuid4()), "device": number}
    assert head.post(reverse("desk-waste-place-new"), form | {"device": tracker}).status_code == 422
    assert head.post(reverse("desk-waste-place-new"), form | {"kind": "buyer"}).status_code == 422
    page = head.post(reverse("desk-waste-place-new"), form)["Location"]
    code = page.rsplit("/", 1)[-1]
    says("lid-1", key, fill=88)
    reactions.listen()
    seen = hire("reader").get(reverse("desk-bin", args=[code])).content.decode()
    assert "88" in seen and "sensor" in seen
    device = telemetry.devices(service="waste", refs=[f"bin:{code}"]).get()
    assert telemetry.Alarm.objects.count() == 0 and device.code == "lid-1"
    other = reverse("desk-waste-place", args=[yard.bins[0].code])
    assert "lid-1" in head.get(page).content.decode() and "lid-1" not in head.get(other).content.decode()
    assert head.post(other, form).status_code == 422, "it stands on one bin"
    head.post(
        reverse("desk-device-edit", args=[number]),
        {"code": "lid-1", "name": "Lid", "kind": "sensor", "door": "http", "fastest": "160", "service": "waste"},
    )
    assert telemetry.devices(service="waste", refs=[f"bin:{code}"]).exists(), (
        "what is edited of a device moves it nowhere"
    )
    assert head.post(page, form | {"state": "closed"}).status_code == 302
    assert "lid-1" in head.get(other).content.decode(), "what is closed gives it back"


def test_what_a_tracker_says_is_where_its_truck_is(yard, head):
    number, key = registered(head, "gps-1", "tracker")
    other, other_key = registered(head, "gps-2", "phone")
    plan = planning.ask(timezone.localdate(), by=SYSTEM, client_id=uuid.uuid4())
    planning.build(plan=plan.pk)
    head.post(reverse("desk-rounds-act", args=[plan.pk]), {"do": "publish"})
    truck, second = yard.trucks
    page = reverse("desk-truck", args=[truck.pk])
    assert head.post(page, TRUCK | {"device": number}).status_code == 302
    assert "gps-1" not in head.get(reverse("desk-truck", args=[second.pk])).content.decode()
    assert (
        head.post(reverse("desk-truck", args=[second.pk]), TRUCK | {"plate": "BB-2", "device": number}).status_code
        == 422
    )
    assert heard(head) == {}
    says("gps-1", key, lat=12.6, lon=-8.0, speed=20)
    assert heard(head) == {"AA-1": (-8.0, 12.6)}
    # The second's is tied in the register of equipment, and comes with its code.
    asset = {"client_id": str(uuid.uuid4()), "kind": "vehicle", "name": "Tipper", "device": other}
    code = re.search(r"/([A-Z0-9]{6})", head.post(reverse("desk-asset-new"), asset)["Location"])[1]
    told = TRUCK | {"plate": "BB-2", "equipment": code}
    assert head.post(reverse("desk-truck", args=[second.pk]), told).status_code == 302
    says("gps-2", other_key, lat=12.61, lon=-8.01, speed=20)
    assert heard(head) == {"AA-1": (-8.0, 12.6), "BB-2": (-8.01, 12.61)}
    # And what is chosen here is known there: there is one truth.
    assert head.post(page, TRUCK).status_code == 302
    assert head.post(reverse("desk-truck", args=[second.pk]), told | {"device": number}).status_code == 302
    assert "gps-1" in head.get(reverse("desk-asset-edit", args=[code])).content.decode()
    assert not Truck.objects.exclude(device=None).exists() and not WastePlace.objects.exclude(device=None).exists()
