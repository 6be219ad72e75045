"""A day of counting in a real browser at 320 pixels, the network cut; then the pages of a resident, the desk and the public check."""

from __future__ import annotations

import os

from django.conf import settings as django_settings

from toguna.engines.territory import zones
from toguna.kernel.testing import open_offline
from toguna.services.reports.tests.test_browser import CHROMIUM, pytestmark, sound
from toguna.services.revenue.models import Taxed
from toguna.services.revenue.tests.test_profile import PHONE, resident

__all__ = ["pytestmark"]


def test_a_day_without_network_then_the_pages(live_server, hire, stall, bill, tmp_path, monkeypatch, settings):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    zones.forget()
    there = stall("Awa Traoré", phone=PHONE)
    taxpayer = there.parts.get().taxpayer
    bill(taxpayer, 12000, thing=there)
    browse = type("Browse", (), {"javascript": True})

    def cookie(client):
        name = django_settings.SESSION_COOKIE_NAME
        return {"name": name, "value": client.cookies[name].value, "url": live_server.url}

    with sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            str(tmp_path / "phone"), executable_path=CHROMIUM, args=["--no-sandbox"], locale="fr-FR",
            viewport={"width": 320, "height": 640}, permissions=["geolocation"], geolocation={"longitude": -0.99, "latitude": 12.0051},
        )  # fmt: skip
        page = context.new_page()
        agent = hire()
        context.add_cookies([cookie(agent)])
        page.goto(f"{live_server.url}/census/app")
        page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        page.reload()
        page.locator("#where", has_text="±").wait_for()
        sound(page, browse)
        context.set_offline(True)
        open_offline(page, f"{live_server.url}/census/app")
        page.locator("#where", has_text="±").wait_for()
        page.locator("#base").select_option("etal")
        for n in range(3):
            page.locator("#name").fill(f"Commerçant {n}")
            page.locator("#words").fill(f"Place {n}")
            page.locator("[data-measure=m2]").fill("4")
            page.locator("#count button:not([type])").click()
            page.locator("#queue li").nth(n).wait_for()
        assert Taxed.objects.count() == 1
        context.set_offline(False)
        page.locator("#send").click()
        page.locator("#waiting", has_text=": 0").wait_for()
        assert Taxed.objects.filter(state="seen", street_name="Rue du Marché").count() == 3
        page.locator("#send").click()  # again: nothing changes
        page.locator("#says", has_text="Tout").wait_for()
        assert Taxed.objects.count() == 4
        for path in ("", f"{taxpayer.number}", f"thing/{there.code}", "new", "imports/", "same"):
            page.goto(f"{live_server.url}/desk/register/{path}")
            sound(page, browse)
        context.clear_cookies()
        context.add_cookies([cookie(resident(PHONE))])
        for path in (
            f"/taxes/{taxpayer.number}",
            f"/taxes/{taxpayer.number}/contest",
            f"/registered/?code={there.code}",
        ):
            page.goto(f"{live_server.url}{path}")
            sound(page, browse)
        context.close()
