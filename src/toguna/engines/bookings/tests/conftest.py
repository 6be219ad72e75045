"""A counter that is open on weekday mornings, people, staff; sentences in English."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone, translation

from toguna.engines.bookings import actions, setup
from toguna.engines.bookings.models import Resource
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import ADMINISTRATOR, Actor, Grant
from toguna.kernel.testing import forget_jobs

CLERK = Actor(name="Clerk", staff=True, grants=(Grant(ADMINISTRATOR, "bookings"),))


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(settings, "LANGUAGE_CODE", "en")
    with translation.override("en"):
        yield


def told(**more):
    given = {
        "titles": {"en": "Counter", "fr": "Guichet"}, "notes": {"en": "Bring your papers"}, "icon": "calendar",
        "hours": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "08:00", "to": "10:00"}], "minutes": 30, "capacity": 1,
        "most_places": 1, "ahead_days": 30, "notice_minutes": 60, "waiting_list": True, "asks_place": False, "price": 0,
        "active": True, "order": 1,
    }  # fmt: skip
    return given | more


@pytest.fixture
def counter(db) -> Resource:
    forget_jobs()
    return setup.save_resource("counter", told(), by=CLERK)[0]


@pytest.fixture
def someone(db):
    numbers = iter(range(10, 99))

    def made(name: str = "Fanta Koné") -> people.Person:
        return people.person_for(name=name, phone=f"+223700000{next(numbers)}", language="en")

    return made


@pytest.fixture
def books(someone):
    def booked(resource, start, **more):
        wish = more.pop("wish", actions.Wish())
        person = more.pop("person", None) or someone()
        client_id = more.pop("client_id", None) or uuid.uuid4()
        return actions.book(resource, start, person=person, wish=wish, by=Actor(), client_id=client_id, **more)

    return booked


def at(days: int = 1, hour: int = 8, minute: int = 0) -> datetime:
    day = timezone.localdate() + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


@pytest.fixture
def hire(counter):
    """hire("agent") -> the browser of such a person."""

    def hired(role: str, zone: int | None = None, service: str = "bookings") -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name="Awa Traoré",
            grants=[(role, service, zone)],
        )  # fmt: skip
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        return client

    return hired
