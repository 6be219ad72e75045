"""A pick-up ordered from a small telephone without a script; every public page of waste is sound, and those of the desk."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.gis.geos import Point
from django.test import Client
from django.utils import timezone

from toguna.engines.documents.tests.test_library_browser import sound
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs
from toguna.services.waste import households
from toguna.services.waste.models import Material, PickUp, PreCollector, Reward, SortingCampaign, Taken, WastePlace
from toguna.services.waste.orders import actions, matching, telling
from toguna.services.waste.sorting import actions as sorting
from toguna.services.waste.tests.conftest import CART

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def test_from_the_hub_to_the_order_and_through_the_back_office(live_server, settings, monkeypatch, town, collectors):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.TOGUNA_URL = live_server.url
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    place = WastePlace.objects.create(
        code="ACH222", kind="buyer", name="Plastiques Sira", point=Point(0.05, 0.05, srid=4326), zone=town.north
    )
    Taken.objects.create(place=place, material=Material.objects.get(slug="plastic"), price=75)
    Reward.objects.create(slug="soap", titles={"en": "A bar of soap"}, points=100)
    person = people.person_for(name="Fanta", phone="+22370000001")
    home = households.keep("+22370000001", spot=households.read_spot("Mosquée de Nord"))
    sorting.earn(home, Material.objects.get(slug="plastic"), 20_000, key="a", by=SYSTEM)
    campaign = SortingCampaign.objects.create(
        slug="c",
        titles={"en": "Spring"},
        since=timezone.localdate() - timedelta(weeks=4),
        until=timezone.localdate() + timedelta(days=9),
    )
    campaign.zones.add(town.north)
    client = Client()
    staff = people.create_staff(
        email="a@town.test", password="long enough to be one", name="A", grants=[("manager", "*", None)]
    )
    people.Account.objects.filter(pk=staff.pk).update(person=person)
    people.Contact.objects.create(person=person, kind="phone", value=CART, verified=timezone.now())
    sign_in(client, staff)
    session: Any = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    small: Any = {"viewport": {"width": 320, "height": 640}, "locale": "en"}
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        try:
            phone = browser.new_context(**small, java_script_enabled=False).new_page()
            phone.goto(f"{live_server.url}/waste/")
            phone.locator("a[href='/waste/pickup']").click()
            phone.locator("a[href='/waste/pickup/household']").click()
            phone.fill("[name=where]", "Mosquée de Nord")
            phone.fill("[name=contact]", "70000001")
            phone.select_option("[name=start]", index=3)
            phone.locator("main form button.button").last.click()
            row = PickUp.objects.get()
            assert phone.url.startswith(f"{live_server.url}/waste/pickup/o/{row.code}?key=")
            assert matching.offer_next(row.pk)
            actions.accept(actions.by_id(row.pk), collectors.awa)
            phone.reload()
            assert row.secret in phone.locator("main").inner_text()

            looked = browser.new_context(**small)
            looked.add_cookies([session])
            page = looked.new_page()
            for path in (
                "/waste/", "/waste/pickup", "/waste/pickup/household", telling.path_of(row), "/waste/places", "/waste/places?material=plastic&q=Nord",
                "/waste/p/ACH222", "/waste/sorting", "/waste/mine", "/waste/jobs", "/desk/waste/pickups/", "/desk/waste/pickups/new", f"/desk/waste/pickups/{row.code}",
                "/desk/waste/collectors/", f"/desk/waste/collectors/{PreCollector.objects.first().pk}", "/desk/waste/collectors/new",
                "/desk/waste/places/", "/desk/waste/places/new", "/desk/waste/places/import", "/desk/waste/scales/", "/desk/waste/scales/new", "/desk/waste/sorting/",
                "/desk/waste/sorting/new", "/desk/waste/sorting/c", "/desk/waste/figures/",
            ):  # fmt: skip
                sound(page, f"{live_server.url}{path}")
        finally:
            browser.close()
            forget_jobs()
