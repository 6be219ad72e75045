"""A town with a chart of accounts, tariffs, two quarters and two streets."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from django.contrib.gis.geos import LineString, MultiPolygon, Point, Polygon
from django.test import Client
from django.utils import timezone, translation

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import demo as ledger_demo
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.territory import zones as territory_zones
from toguna.engines.territory.models import Feature, Layer, Zone
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs
from toguna.services.revenue.models import Base, Taxed, Taxpayer
from toguna.services.revenue.register import actions, starter


def square(west: float, south: float, side: float) -> MultiPolygon:
    return MultiPolygon(Polygon.from_bbox((west, south, west + side, south + side)))


@pytest.fixture(autouse=True)
def english(settings):
    settings.LANGUAGE_CODE = "en"
    with translation.override("en"):
        yield


@pytest.fixture
def town(db):
    """The tariffs of the demo's council; quarters "Zongo" and "Plateau" side by side; "Rue du Marché" along Zongo."""
    forget_jobs()
    from toguna.engines.ledger import book

    book.account_id.cache_clear()
    ledger_demo.load(None)
    starter.load()
    whole = Zone.objects.create(level=0, name="Town", names={}, source="t:0", geom=square(-1, 12, 0.04))
    Zone.objects.create(level=2, parent=whole, name="Zongo", names={}, source="t:1", geom=square(-1, 12, 0.02))
    Zone.objects.create(level=2, parent=whole, name="Plateau", names={}, source="t:2", geom=square(-0.98, 12, 0.02))
    streets = Layer.objects.create(slug="streets", names={"fr": "Rues"}, geometry="line")
    Feature.objects.create(
        layer=streets,
        source="s:1",
        name="Rue du Marché",
        kind="residential",
        geom=LineString((-0.999, 12.005), (-0.981, 12.005)),
    )
    territory_zones.forget()
    return whole


@pytest.fixture
def zongo(town):
    return Zone.objects.get(name="Zongo")


@pytest.fixture
def plateau(town):
    return Zone.objects.get(name="Plateau")


@pytest.fixture
def stall(town):
    """stall("Awa Traoré") -> a stall of that taxpayer in Zongo, on the street, 4 m2."""

    def made(
        name: str = "Awa Traoré",
        *,
        phone: str = "",
        lon: float = -0.995,
        lat: float = 12.0051,
        base: str = "etal",
        m2: str = "4",
    ) -> Taxed:
        who = actions.add_taxpayer(actions.Who(name=name, phone=phone, point=Point(lon, lat, srid=4326)), by=SYSTEM)
        what = actions.What(words="Place 12", measures={"m2": m2}, point=Point(lon, lat, srid=4326))
        return actions.declare(Base.objects.get(slug=base), [who.pk], what, by=SYSTEM)

    return made


@pytest.fixture
def bill(town):
    """bill(taxpayer, 5000) -> an open bill, due last month."""

    def made(
        taxpayer: Taxpayer, amount: int = 5000, *, thing: Taxed | None = None, due: date | None = None
    ) -> ledger.Bill:
        about = ("taxed", thing.code) if thing else ("", "")
        return ledger.issue(
            taxpayer.payer, [ledger.Due("principal", "Market stall: 4 m2", amount, "7336")], key=f"test:{uuid.uuid4()}",
            due=due or timezone.localdate() - timedelta(days=30), by=SYSTEM, words="2026 · Market stall", about=about,
        )  # fmt: skip

    return made


@pytest.fixture
def hire(town):
    """hire("agent") -> the browser of such a person; zone: where only."""

    def hired(role: str = "agent", service: str = "revenue", zone: int | None = None) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name=f"Awa {role}",
            grants=[(role, service, zone)] if role else [],
        )  # fmt: skip
        client = Client(headers={"accept-language": "en"})
        sign_in(client, account)
        client.account = account
        return client

    return hired
