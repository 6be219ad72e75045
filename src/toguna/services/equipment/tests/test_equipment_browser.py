"""Equipment in a small browser, with work, remarks and figures in it: nothing that axe finds, nothing wider than the screen."""

from __future__ import annotations

import os
import shutil
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from toguna.engines.assets import api as assets
from toguna.engines.documents.tests.test_library_browser import sound
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def test_a_truck_with_a_past_on_a_small_screen(
    live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    forget_jobs()
    truck = assets.save(
        None, assets.Told("vehicle", "Camion-benne du service", "VM-101", tank=60), km=10_000, by=SYSTEM
    )
    at = timezone.now() - timedelta(days=20)
    for litres, km in [
        (30, 10_100),
        (30, 10_200),
        (30, 10_300),
        (30, 10_400),
        (30, 10_500),
        (140, 10_600),
        (30, 10_050),
    ]:
        assets.fill(truck.pk, litres, km=km, price=1_240_000, at=at, client_id=uuid.uuid4(), by=SYSTEM)
        at += timedelta(days=2)
    assets.say_broken(truck.pk, "Fumée au démarrage", by=SYSTEM, client_id=uuid.uuid4())
    account = people.create_staff(
        email="a@town.test", password="long enough to be one", name="A", grants=[("manager", "*", None)]
    )
    client = Client()
    sign_in(client, account)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    pages = [
        "/desk/assets/", f"/desk/assets/at/{truck.code}", f"/desk/assets/at/{truck.code}/edit", "/desk/assets/orders/", "/desk/assets/fuel/",
        "/desk/assets/due/", "/desk/assets/parts/", "/desk/assets/import", "/desk/equipment/figures/", f"/a/{truck.code}",
    ]  # fmt: skip
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR", reduced_motion="reduce")
        context.add_cookies([session])
        page = context.new_page()
        said = {path: sound(page, live_server.url + path) for path in pages}
        _without_network(page, context, live_server.url, truck.code)
        browser.close()
    forget_jobs()
    fill = truck.fills.order_by("-pk").first()
    assert (fill.litres, fill.channel) == (22.5, "app"), "what was said without network is written when it is back"
    assert "réservoir" in said["/desk/assets/fuel/"] and "VM-101" in said["/desk/equipment/figures/"]


def _without_network(page: Any, context: Any, url: str, code: str) -> None:
    """The label's bars are typed by a reader, fuel is said, and it is sent when the network is back."""
    page.goto(f"{url}/a/app")
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    page.reload()  # through the worker now, which keeps the page
    page.locator("#made", has_text="téléphone").wait_for()
    context.set_offline(True)
    page.goto(f"{url}/a/{code}")  # its QR, seen by the camera
    page.locator("#one-name", has_text="VM-101").wait_for()
    page.goto(f"{url}/a/app")
    page.locator("#code").fill(code)
    page.keyboard.press("Enter")  # as a reader of bars does
    page.locator("#one-name", has_text="VM-101").wait_for()
    page.locator("#fuel-box summary").click()
    page.locator("#fuel_litres").fill("22,5")
    page.locator("#fuel-box button").click()
    page.locator("#waiting", has_text=": 1").wait_for()
    context.set_offline(False)
    page.locator("#waiting", has_text=": 0").wait_for()
    sound(page, f"{url}/a/app")
