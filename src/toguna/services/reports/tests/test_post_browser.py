"""The button for notices in a real browser, 320 pixels wide; only the browser's own line to its push service is stood in for."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from toguna.engines.channels.models import PushEndpoint
from toguna.engines.channels.post import mail_out, push
from toguna.services.reports.tests.test_browser import sound
from toguna.simulate.push import PushService

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]
BROWSE = type("Browse", (), {"javascript": True})
STAND_IN = """PushManager.prototype.subscribe = async function (asked) {
  if (asked.applicationServerKey.length !== 65 || !asked.userVisibleOnly) throw new Error("no key of the town");
  const { endpoint, ...keys } = %s;
  return { toJSON: () => ({ endpoint, keys }) };
};"""


@pytest.fixture
def page(live_server, town, tmp_path, monkeypatch, settings):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.TOGUNA_URL = live_server.url
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    monkeypatch.setattr(push, "_file", lambda: tmp_path / "push.pem")
    with sync_playwright() as play, PushService() as service:
        monkeypatch.setattr(push, "section", lambda name: {"hosts": [service.url.removeprefix("http://")]})
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR")
        context.grant_permissions(["notifications"], origin=live_server.url)
        made = context.new_page()
        made.set_default_timeout(30_000)
        made.add_init_script(STAND_IN % json.dumps(service.browser().subscription))
        yield made
        browser.close()


def test_a_browser_asks_to_be_told(page, live_server):
    page.goto(f"{live_server.url}/alerts/")
    form = page.locator("form[data-push]")
    form.wait_for()
    sound(page, BROWSE)
    form.locator("button").click()
    form.locator("[role=status]:not(:empty)").wait_for()
    assert form.locator("[role=status]").text_content() == form.get_attribute("data-done")
    assert (
        PushEndpoint.objects.get().keys["auth"]
        and page.evaluate("navigator.serviceWorker.getRegistrations().then(r => r.length)") == 1
    )
    sound(page, BROWSE)


def test_the_page_that_stops_letters(page, live_server):
    page.goto(mail_out.stop_link("awa@example.org"))
    sound(page, BROWSE)
    page.locator("main button").click()
    page.wait_for_load_state()
    sound(page, BROWSE)
