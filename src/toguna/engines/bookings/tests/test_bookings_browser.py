"""An appointment at 320 pixels without JavaScript, in a real browser: nothing that axe finds, nothing that overflows."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from toguna.engines.bookings import actions
from toguna.engines.bookings.models import Slot
from toguna.engines.bookings.tests.conftest import CLERK, at, told
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def sound(page: Any, name: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), page.url
    found = Axe().run(page).response["violations"]
    assert not found, (page.url, [(v["id"], v["nodes"][0]["html"]) for v in found])
    if shots := os.environ.get("SHOTS", ""):
        page.screenshot(path=f"{shots}-{name}.png", full_page=True)


def test_an_appointment_on_a_small_screen(live_server, monkeypatch, settings, counter, books):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    actions.save_resource("counter", told(asks_place=True, most_places=2, capacity=6, price=500), by=CLERK)
    for _n in range(6):
        books(counter, at(hour=9))
    client = Client()
    sign_in(
        client,
        people.create_staff(email="a@town.test", password="long enough", name="A", grants=[("manager", "*", None)]),
    )
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            small = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR")
            page = small.new_page()
            page.goto(f"{live_server.url}/appointments/")
            sound(page, "choose")
            page.click("main .list a")
            sound(page, "times")
            page.click("main button[name=start]")
            sound(page, "who")
            page.click("main form button")
            assert page.locator(".error").count() == 3
            sound(page, "errors")
            page.fill("[name=name]", "Fanta Koné")
            page.fill("[name=contact]", "70 00 00 01")
            page.fill("[name=place]", "Badalabougou, derrière la mosquée")
            page.click("main form button")
            sound(page, "done")
            page.click("button[value=cancel]")
            sound(page, "cancelled")
            small.add_cookies([session])
            Slot.objects.filter(start=at(hour=9)).update(start=timezone.now() - timedelta(minutes=1), end=at())
            page.goto(f"{live_server.url}/desk/appointments/")
            sound(page, "day")
            page.goto(f"{live_server.url}/desk/appointments/new?day={timezone.localdate(at())}")
            sound(page, "new")
            page.goto(f"{live_server.url}/desk/appointments/set-up/")
            sound(page, "resources")
            actions.set_day("counter", timezone.localdate(at(5)), [], by=CLERK)
            page.goto(f"{live_server.url}/desk/appointments/set-up/counter")
            sound(page, "resource")
        finally:
            browser.close()
