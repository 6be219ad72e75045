"""A town of two districts with a mosque in each, its prices and hours, two pre-collectors, and somebody in each role."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from toguna.engines.channels import api as channels
from toguna.engines.channels.models import Message
from toguna.engines.channels.talk import understanding
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import book
from toguna.engines.ledger import starter as chart
from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import following, http, ways
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.territory import names, zones
from toguna.engines.territory.models import Feature, Layer, Zone
from toguna.kernel import testing
from toguna.services.waste.models import PreCollector
from toguna.services.waste.orders import demo
from toguna.services.waste.orders import starter as orders
from toguna.services.waste.places import starter as places
from toguna.simulate.mtn import Mtn
from toguna.simulate.payments import GIVEN

HOME, OTHER, CART, TRICYCLE = "+22370000001", "+22370000002", "+22370000011", "+22370000012"


def square(west: float, south: float, east: float, north: float) -> MultiPolygon:
    return MultiPolygon(Polygon.from_bbox((west, south, east, north)), srid=4326)


def zone(name: str, west: float, south: float, east: float, north: float, level: int = 2) -> Zone:
    return Zone.objects.create(level=level, name=name, source=name, geom=square(west, south, east, north))


@pytest.fixture(autouse=True)
def english(monkeypatch):
    book.account_id.cache_clear()
    understanding.forget()
    monkeypatch.setattr(settings, "LANGUAGE_CODE", "en")
    with translation.override("en"):
        yield
    understanding.forget()


@pytest.fixture
def town(db):
    """Districts Nord (0..0.1 degrees) and Sud (0.1..0.2), the prices of the demo's act, hours every day."""
    whole = Zone.objects.create(level=0, name="Ville", source="t:0", geom=square(0, 0, 0.2, 0.1))
    north = Zone.objects.create(level=2, parent=whole, name="Nord", source="t:1", geom=square(0, 0, 0.1, 0.1))
    south = Zone.objects.create(level=2, parent=whole, name="Sud", source="t:2", geom=square(0.1, 0, 0.2, 0.1))
    layer = Layer.objects.create(slug="facilities", names={"fr": "Lieux"})
    for n, (name, lon) in enumerate((("Mosquée de Nord", 0.05), ("Mosquée de Sud", 0.15))):
        Feature.objects.create(layer=layer, source=f"t:{n}", name=name, kind="mosque", geom=Point(lon, 0.05, srid=4326))
    names.rebuild()
    zones.forget()
    chart.load()
    places.load()
    orders.load()
    for n, (slug, (fr, pt, en, rule)) in enumerate(demo.TARIFFS.items(), 1):
        ledger.Tariff.objects.create(
            slug=slug, since=date(2020, 1, 1), titles={"fr": fr, "pt": pt, "en": en}, law=demo.LAW.format(n), rule=rule,
            income=ledger.Account.objects.get(code="7068"),
        )  # fmt: skip
    return SimpleNamespace(whole=whole, north=north, south=south)


@pytest.fixture
def collectors(town):
    """Awa has a cart and works in Nord, Issa a tricycle and works everywhere."""

    def one(name: str, phone: str, zone: Zone | None, lon: float) -> PreCollector:
        row = PreCollector.objects.create(
            code=name.upper()[:4],
            name=name,
            phone=phone,
            language="en",
            state="active",
            point=Point(lon, 0.05, srid=4326),
        )
        if zone is not None:
            row.zones.add(zone)
        return row

    return SimpleNamespace(awa=one("Awa", CART, town.north, 0.05), issa=one("Issa", TRICYCLE, None, 0.15))


@pytest.fixture
def say(town):
    """say("PICKUP", phone) -> what the town answers at once."""

    def said(words: str, phone: str = HOME) -> str:
        row = channels.receive("sms", phone, words, reference=uuid.uuid4().hex)
        row.refresh_from_db()
        return row.answer.text if row.answer else ""

    return said


@pytest.fixture
def heard():
    """heard(phone) -> the last SMS to it, once all jobs are done."""

    def last(phone: str, most: int = 1) -> str:
        testing.run_jobs()
        rows = Message.objects.filter(address=phone).order_by("-pk")[:most]
        return "\n".join(row.text for row in rows)

    return last


@pytest.fixture
def hire(town):
    """hire("agent", zone) -> the browser of such a person."""

    def hired(role: str, zone: int | None = None, service: str = "waste") -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name=f"{role} of the town",
            grants=[(role, service, zone)],
        )  # fmt: skip
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        client.account = account
        return client

    return hired


@pytest.fixture
def tomorrow():
    return timezone.localdate() + timedelta(days=1)


@pytest.fixture
def company(monkeypatch):
    """The operator's stand-in. company.confirm() -> the payer of the last push types their secret code."""
    http.forget_tokens()
    with Mtn(webhook=ways.address("mtn")) as made:
        monkeypatch.setattr(ways, "tables", lambda: {"mtn": {**GIVEN["mtn"], "url": made.url, "currency": "XOF"}})
        connection.inc_thread_sharing()

        def confirm() -> PaymentRequest:
            testing.run_jobs()
            row = PaymentRequest.objects.latest("pk")
            made.pay(list(made.payments.values())[-1])
            following.follow(row.pk, timezone.now())
            testing.run_jobs()
            row.refresh_from_db()
            return row

        made.confirm = confirm
        yield made
        connection.dec_thread_sharing()
