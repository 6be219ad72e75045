"""A small town of two districts, its teams, and somebody in each role."""

from __future__ import annotations

import io
import uuid
from types import SimpleNamespace

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.test import Client
from PIL import Image

from toguna.engines.cases.api import Case, Rule, Topic
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel import access
from toguna.kernel import testing as jobs
from toguna.services.reports import starter, topics

MEDIA = "/photos/"


def square(west: float, south: float, east: float, north: float) -> MultiPolygon:
    return MultiPolygon(Polygon.from_bbox((west, south, east, north)), srid=4326)


@pytest.fixture(autouse=True)
def fresh(tmp_path, settings):
    """Nothing is remembered between tests; photos go to a folder of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    zones.forget()
    topics.forget()
    yield
    zones.forget()
    topics.forget()


@pytest.fixture
def town(db):
    """Town (0..2, 0..1 degrees) with districts Nord (0..1) and Sud (1..2); team Voirie has potholes, Eau the water of Sud."""
    whole = Zone.objects.create(level=0, name="Ville", source="t:0", geom=square(0, 0, 2, 1))
    north = Zone.objects.create(level=2, parent=whole, name="Nord", source="t:1", geom=square(0, 0, 1, 1))
    south = Zone.objects.create(level=2, parent=whole, name="Sud", source="t:2", geom=square(1, 0, 2, 1))
    starter.load()
    by_slug = {t.slug: t for t in Topic.objects.all()}
    roads = people.Team.objects.create(slug="voirie", names={"fr": "Voirie"}, email="voirie@town.test")
    water = people.Team.objects.create(slug="eau", names={"fr": "Eau"})
    Rule.objects.create(case_type="reports", topic=by_slug["pothole"], team=roads)
    Rule.objects.create(case_type="reports", topic=by_slug["water-point"], zone=south, team=water)
    return SimpleNamespace(whole=whole, north=north, south=south, roads=roads, water=water, topics=by_slug)


@pytest.fixture
def hire(town):
    """hire("agent", zone=..., teams=[...]) -> a client logged in as such a person, with a second factor."""

    def hired(
        role: str = "", *, zone: int | None = None, teams=(), service: str = "reports", factor: bool = True
    ) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test",
            password="long enough to be one",
            name=f"{role} of the town",
            grants=[(role, service, zone)] if role else [],
            teams=teams,
        )
        client = Client()
        sign_in(client, account, factor=factor)
        client.account = account
        return client

    return hired


@pytest.fixture(name="sign_in")
def signing_in():
    return sign_in


@pytest.fixture
def picture() -> bytes:
    """A JPEG with EXIF that says where it was taken."""
    made = io.BytesIO()
    image = Image.new("RGB", (2000, 1200), "brown")
    exif = image.getexif()
    exif[0x010F] = "SecretPhone"
    image.save(made, "JPEG", exif=exif)
    return made.getvalue()


@pytest.fixture
def fields(town):
    """What a resident sends: with another client_id each time it is called."""

    def values(**changes):
        return {
            "client_id": str(uuid.uuid4()),
            "position": "0.5, 0.5",
            "place": "Derrière la mosquée",
            "text": "Un grand trou",
            "name": "",
            "contact": "",
            "district": "",
            **changes,
        }

    return values


@pytest.fixture
def run_jobs(town):
    """Does the work that is queued, as the worker would, until none is left."""
    jobs.forget_jobs()
    return jobs.run_jobs


@pytest.fixture
def opened(town):
    """opened("pothole") -> a report, straight into the system."""
    from toguna.engines.cases import api as cases

    def make(slug: str = "pothole", *, lon: float = 0.5, lat: float = 0.5, text: str = "Un trou", **more) -> Case:
        asked = cases.Asked(type="reports", topic=town.topics[slug], text=text, lon=lon, lat=lat, **more)
        return cases.open_case(asked, by=access.NOBODY)[0]

    return make


@pytest.fixture(params=[False, True], ids=["without JavaScript", "with JavaScript"])
def browse(request, chromium):
    """browse(client) -> a page of a browser, as that person."""

    def page(client: Client | None = None):
        return chromium.page(client, java_script_enabled=request.param)

    page.javascript = request.param
    return page


@pytest.fixture
def head(browse, hire):
    return browse(hire("manager"))
