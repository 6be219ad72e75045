"""When a truck may come: to a bin, apart from when people may; to a dump that closes at midday."""

from __future__ import annotations

import uuid
from datetime import time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from toguna.kernel.access import SYSTEM
from toguna.services.waste.models import PlaceSaid, Truck, Visit
from toguna.services.waste.rounds import planning, stops
from toguna.services.waste.tests.conftest import zone

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@pytest.fixture
def head(yard, hire):
    zone("Town", -8.1, 12.5, -7.9, 12.7, level=0)
    return hire("manager")


def told(head, row, **more) -> None:
    form = {
        "client_id": str(row.client_id), "kind": row.kind, "name": row.name, "position": f"{row.point.y:.6f}, {row.point.x:.6f}",
        "capacity": row.capacity, "state": "open", "public": "1", "takes_household": "0",
    }  # fmt: skip
    assert head.post(reverse("desk-waste-place", args=[row.code]), form | more).status_code == 302


def planned():
    plan = planning.ask(timezone.localdate(), by=SYSTEM, client_id=uuid.uuid4())
    planning.build(plan=plan.pk)
    plan.refresh_from_db()
    return plan


def test_a_truck_comes_when_it_may_whatever_the_hours_of_people(yard, head):
    tomorrow = DAYS[(timezone.localdate() + timedelta(days=1)).weekday()]
    early, shut, school = yard.bins[:3]
    for one in (early, shut, school):
        PlaceSaid.objects.create(client_id=uuid.uuid4(), place=one, what="full")
    told(head, early, hours=f"{tomorrow} 8:00-12:00", served="9:00-9:30")
    told(head, shut, served=f"{tomorrow} 8:00-12:00")
    told(head, school, hours=f"{tomorrow} 8:00-12:00")
    plan = planned()
    visit = Visit.objects.get(round__plan=plan, place=early)
    assert "09:00" <= f"{timezone.localtime(visit.leaves):%H:%M}" <= "09:35"
    assert Visit.objects.filter(round__plan=plan, place=school).exists()
    assert not Visit.objects.filter(round__plan=plan, place=shut).exists()
    assert plan.left.get(place=shut).why == "window"


def test_nobody_is_sent_to_a_dump_in_its_midday_closure(yard, head):
    told(head, yard.dump, hours="07:00-12:00, 14:00-18:00")
    Truck.objects.update(begins=time(11), ends=time(15, 30), volume=1700)
    for one in yard.bins:
        PlaceSaid.objects.create(client_id=uuid.uuid4(), place=one, what="full")
    plan = planned()
    emptied = Visit.objects.filter(round__plan=plan, kind="dump")
    begun = [timezone.localtime(v.leaves - timedelta(seconds=stops.EMPTYING["dump"])).time() for v in emptied]
    assert all(time(7) <= at <= time(12) or time(14) <= at <= time(18) for at in begun)
    assert min(begun) <= time(12) and max(begun) >= time(14), "before it and after it"
