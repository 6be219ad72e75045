"""A town with one district, its agents, and a family that shares a phone."""

from __future__ import annotations

import uuid
from types import SimpleNamespace

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.test import Client

from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel import registry
from toguna.kernel import town as kernel_town
from toguna.kernel.access import Actor, Grant
from toguna.kernel.demo import Starter

FAMILY = "+22370000001"
DESK = "/desk/front/"


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(kernel_town, "current", lambda: kernel_town.Town("Soundiakoura", "ML"))


@pytest.fixture
def town(db):
    square = MultiPolygon(Polygon.from_bbox((0, 0, 2, 1)), srid=4326)
    whole = Zone.objects.create(level=0, name="Ville", source="t:0", geom=square)
    zones.forget()
    for starter in registry.declared(Starter):
        starter.load()
    return whole


@pytest.fixture
def hire(town):
    """hire("agent") -> a client of such a person, `client.actor` being who they are."""

    def hired(role: str = "agent", service: str = "*", factor: bool = True) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test",
            password="long enough to be one",
            name=f"{role} of the town",
            grants=[(role, service, None)] if role else [],
        )
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account, factor=factor)
        client.account = account
        client.actor = Actor(account=account.pk, name=account.name, staff=True, grants=(Grant(role, service),))
        return client

    return hired


@pytest.fixture
def agent(hire):
    return hire()


@pytest.fixture
def family(town):
    """Awa and Moussa have one phone."""
    awa = people.person_for(name="Awa Traoré", phone=FAMILY, language="fr")
    moussa = people.person_for(name="Moussa Traoré", phone=FAMILY, language="fr")
    return SimpleNamespace(awa=awa, moussa=moussa)
