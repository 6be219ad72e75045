"""A small town with bins, dumps and two trucks, on a plane (no road network: distances as the crow flies), and who works there."""

from __future__ import annotations

import random
import uuid
from datetime import time, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.gis.geos import Point
from django.test import Client
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel import codes
from toguna.kernel.access import NOBODY
from toguna.kernel.testing import forget_jobs
from toguna.services.waste.bins import learning
from toguna.services.waste.models import Depot, Fill, Material, PresentRound, Taken, Truck, WastePlace
from toguna.services.waste.places import starter
from toguna.services.waste.rounds import changing, planning, solving, stops
from toguna.services.waste.rounds.tests.turns import Turns

LON, LAT = -8.0, 12.6


@pytest.fixture
def hire(db):
    """hire("agent") -> a client of such a person of the service, in English."""

    def hired(role: str = "agent", zone: int | None = None) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test",
            password="long enough to be one",
            name=role,
            grants=[(role, "waste", zone)],
        )
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        client.account = account
        return client

    return hired


def place(kind: str, name: str, at: tuple[float, float], **more) -> WastePlace:
    return WastePlace.objects.create(code=codes.make(6), kind=kind, name=name, point=Point(*at, srid=4326), **more)


def truck(plate: str, depot: Depot, **more) -> Truck:
    values = {
        "volume": 8000, "weight": 3500, "begins": time(7), "ends": time(10, 30), "cost_km": 350, "cost_hour": 3000, "cost_day": 5000, "burns": 400,
    }  # fmt: skip
    return Truck.objects.create(plate=plate, depot=depot, **(values | more))


@pytest.fixture
def early(monkeypatch):
    """It is twenty past seven, whenever the tests run: this morning or, before that, yesterday, for what comes from the future is not believed."""
    real = timezone.now
    ahead = stops.moment_of(timezone.localdate(), 7 * 3600 + 1200) - real()
    if ahead > timedelta(0):
        ahead -= timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: real() + ahead)


@pytest.fixture
def yard(db, early, monkeypatch):
    """24 bins, each visited every third day for a month with its own rate; 2 trucks and their present rounds, in no clever order. It is early
    in the morning."""
    forget_jobs()
    starter.load()
    monkeypatch.setattr(changing, "SECONDS", 0.5)
    monkeypatch.setattr(planning, "SECONDS", 0.2)
    solve = solving.solve
    monkeypatch.setattr(solving, "solve", lambda *given, **more: solve(*given, **more, clock=Turns()))
    draw = random.Random(5)
    depot = Depot.objects.create(name="Depot", point=Point(LON, LAT, srid=4326))
    dump = place("dump", "Dump", (LON + 0.03, LAT + 0.03))
    bins = [
        place("bin", f"Bin {n:02}", (LON + draw.uniform(-0.03, 0.03), LAT + draw.uniform(-0.03, 0.03)), capacity=660)
        for n in range(24)
    ]
    household = Material.objects.get(slug="household")
    Taken.objects.bulk_create(Taken(place=b, material=household) for b in bins)
    now = timezone.now()
    rows = []
    for one in bins:
        rate = draw.uniform(20, 45)
        rows += [
            (
                one.pk,
                now - timedelta(days=day),
                round(rate * 3 * draw.uniform(0.85, 1.15)),
                str(Fill.Source.DRIVER),
                True,
                uuid.uuid4(),
            )
            for day in range(30, 1, -3)
        ]
    learning.keep(rows)
    learning.forecast()
    trucks = [truck("AA-1", depot), truck("BB-2", depot)]
    for number, one in enumerate(trucks):
        PresentRound.objects.create(truck=one, days=list(range(1, 8)), places=[b.pk for b in bins[number::2]])
    return SimpleNamespace(depot=depot, dump=dump, bins=bins, trucks=trucks)


@pytest.fixture
def report_case(db):
    """report_case("waste-pile", point) -> a report of the town, as the service of reports opens it."""

    def opened(category: str, point: Point | None = None) -> cases.Case:
        topic, _made = cases.Topic.objects.get_or_create(
            case_type="reports", slug=category, defaults={"names": {"en": category}, "days": 3}
        )
        where = point or Point(LON + 0.01, LAT + 0.01, srid=4326)
        return cases.open_case(
            cases.Asked(type="reports", topic=topic, text="Here", lon=where.x, lat=where.y, client_id=uuid.uuid4()),
            by=NOBODY,
        )[0]

    return opened
