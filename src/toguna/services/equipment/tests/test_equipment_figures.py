"""Figures and open data of equipment, from a register that works were done on."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from toguna.engines.assets import api as assets
from toguna.engines.indicators import api as indicators
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel import registry
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs
from toguna.services.equipment import measures, views


@pytest.fixture
def fleet(db):
    forget_jobs()
    van = assets.save(None, assets.Told("vehicle", "Van", "V-1", tank=60), km=1000, by=SYSTEM)
    hidden = assets.save(None, assets.Told("pump", "Secret pump", public=False), by=SYSTEM)
    now = timezone.now()
    for n in range(3):
        at = now - timedelta(minutes=70 * (3 - n))
        assets.fill(van.pk, 10, km=1100 + 100 * n, price=7000, at=at, client_id=uuid.uuid4(), by=SYSTEM)
    assets.say_broken(hidden.pk, "Dry", by=SYSTEM, client_id=uuid.uuid4())
    return van, hidden


def test_the_page_of_figures(fleet):
    van, _hidden = fleet
    account = people.create_staff(
        email="head@town.test", password="long enough to be one", name="Head", grants=[("reader", "assets", None)]
    )
    client = Client(headers={"accept-language": "en"})
    assert client.get("/desk/equipment/figures/").status_code == 302
    sign_in(client, account)
    page = client.get("/desk/equipment/figures/").content.decode()
    assert f"/desk/assets/at/{van.code}" in page and "21,000" in page and "<svg" in page
    assert van.code not in client.get("/desk/equipment/figures/?kind=pump").content.decode()


def test_open_data_holds_what_is_public_and_no_plate(fleet):
    client = Client(headers={"accept-language": "en"})
    table = b"".join(client.get("/data/equipment.csv")).decode()
    assert "Van" in table and "Secret" not in table and "V-1" not in table
    costs = b"".join(client.get("/data/equipment-costs.csv")).decode()
    assert "vehicle,30,21000,0" in costs


def test_measures_count_what_happened(fleet):
    """Also of a state that is said to begin a moment from now: it has not lasted yet."""
    rows, (van, _hidden) = {}, fleet
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO assets_state (asset_id, state, at, why) VALUES (%s, 'upkeep', now() + interval '5 minutes', '')",
            [van.pk],
        )
    indicators.refresh_all()
    for one in registry.declared(indicators.Measure):
        if one in measures.MEASURES:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT sum(numerator)::float8, sum(denominator)::float8 FROM ({one.sql}) q",
                    {"since": date(2020, 1, 1)},
                )
                rows[one.name] = cursor.fetchone()
    assert rows["equipment-breakdowns"][0] == 1 and rows["equipment-fuel"][0] == 30
    served, whole = rows["equipment-served"]
    assert 0 <= served <= whole
    cost, km = rows["equipment-cost-km"]
    assert (cost, km) == (21_000, 200)


def test_twelve_months_end_with_this_one():
    assert views.months(date(2026, 3, 31), 4) == [
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
        date(2026, 3, 1),
    ]
