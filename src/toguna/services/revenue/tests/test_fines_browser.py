"""An officer's day in a real browser: the network cut, a ticket with a photo, a battery that dies, and the evening."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from django.conf import settings as django_settings
from PIL import Image

from toguna.services.revenue.fines import demo
from toguna.services.revenue.models import Ticket
from toguna.services.revenue.tests.test_collecting_browser import sound

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def test_a_ticket_without_network_survives_the_battery(live_server, settings, monkeypatch, tmp_path, zongo, hire):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    demo.load(None)
    agent, name = hire(), django_settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": agent.cookies[name].value, "url": live_server.url}
    Image.new("RGB", (900, 600), "green").save(tmp_path / "car.jpg")

    with sync_playwright() as play:

        def phone() -> tuple[Any, Any]:
            context = play.chromium.launch_persistent_context(
                str(tmp_path / "phone"), executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"],
                locale="en-GB", viewport={"width": 320, "height": 640}, geolocation={"longitude": -0.995, "latitude": 12.0051},
                permissions=["geolocation"],
            )  # fmt: skip
            page = context.new_page()
            page.set_default_timeout(30_000)
            return context, page

        context, page = phone()
        context.add_cookies([cookie])
        page.goto(f"{live_server.url}/tickets/app")
        page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        page.reload()  # through the worker now, which keeps the page
        page.locator("#load").click()
        page.locator("#says", has_text="Loaded").wait_for()

        context.set_offline(True)
        page.reload()
        page.locator("#plate").fill("ab 123-cd")
        page.locator("#known", has_text="No ticket of this plate").wait_for()
        page.locator("#kind").select_option("vitesse")
        page.locator("#measure").fill("27")
        page.locator("#amount", has_text="12,000").wait_for()
        page.locator("#photo").set_input_files(str(tmp_path / "car.jpg"))
        page.locator("#where", has_text="±").wait_for()
        sound(page, "ticket-form")
        page.locator("#ticket button:not([type])").click()
        page.locator("#slip .qr").wait_for()
        said = page.locator("#slip pre").inner_text()
        assert "AB123CD" in said and "12,000" in said
        assert page.locator("#rawbt").get_attribute("href").startswith("rawbt:base64,G0AbdB")
        sound(page, "ticket-paper")
        context.close()  # the battery dies

        context, page = phone()
        context.add_cookies([cookie])
        page.goto(f"{live_server.url}/tickets/app")
        page.locator("#waiting", has_text=": 0").wait_for()
        page.locator("#says", has_text="Everything is sent").wait_for()
        row = Ticket.objects.get()
        assert (row.plate, row.leaf, row.bill.amount, row.zone) == ("AB123CD", 1, 12000, zongo)
        assert row.number in said and row.photos.count() == 1
        context.close()
