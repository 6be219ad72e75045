"""Two pieces of equipment, who works on them; sentences in English."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from toguna.engines.assets import actions
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import ADMINISTRATOR, AGENT, Actor, Grant
from toguna.kernel.testing import forget_jobs

HEAD = Actor(name="Head", staff=True, grants=(Grant(ADMINISTRATOR, "assets"),))
MECHANIC = Actor(name="Mechanic", staff=True, grants=(Grant(AGENT, "assets"),))
DRIVER = "+22370000001"


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(settings, "LANGUAGE_CODE", "en")
    with translation.override("en"):
        yield


@pytest.fixture
def truck(db):
    forget_jobs()
    told = actions.Told("vehicle", "Tipper", "VM-101", tank=100, keepers=("70000001",))
    return actions.save(None, told, km=10_000, by=HEAD)


@pytest.fixture
def pump(db):
    forget_jobs()
    return actions.save(None, actions.Told("pump", "Pump of the market", "PF-01"), by=HEAD)


@pytest.fixture
def hire(db):
    """hire("agent") -> the browser of such a person of the service; in a zone only, with zone=."""

    def hired(role: str, zone: int | None = None) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name="Awa Traoré",
            grants=[(role, "assets", zone)], language="en",
        )  # fmt: skip
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        client.account = account
        return client

    return hired
