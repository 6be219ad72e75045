"""The button for notices in a real browser, 320 pixels wide; only the browser's own line to its push service is stood in for."""

from __future__ import annotations

import json

import pytest

from toguna.engines.channels.models import PushEndpoint
from toguna.engines.channels.post import mail_out, push
from toguna.kernel.testing_browser import press, sound
from toguna.simulate.push import PushService

STAND_IN = """PushManager.prototype.subscribe = async function (asked) {
  if (asked.applicationServerKey.length !== 65 || !asked.userVisibleOnly) throw new Error("no key of the town");
  const { endpoint, ...keys } = %s;
  return { toJSON: () => ({ endpoint, keys }) };
};"""


@pytest.fixture
def page(chromium, town, tmp_path, monkeypatch, settings):
    settings.TOGUNA_URL = chromium.url
    monkeypatch.setattr(push, "_file", lambda: tmp_path / "push.pem")
    with PushService() as service:
        monkeypatch.setattr(push, "section", lambda name: {"hosts": [service.url.removeprefix("http://")]})
        made = chromium.page(permissions=["notifications"])
        made.add_init_script(STAND_IN % json.dumps(service.browser().subscription))
        yield made


def test_a_browser_asks_to_be_told(page):
    page.goto("/alerts/")
    form = page.locator("form[data-push]")
    form.wait_for()
    sound(page)
    form.locator("button").click()
    form.locator("[role=status]:not(:empty)").wait_for()
    assert form.locator("[role=status]").text_content() == form.get_attribute("data-done")
    assert (
        PushEndpoint.objects.get().keys["auth"]
        and page.evaluate("navigator.serviceWorker.getRegistrations().then(r => r.length)") == 1
    )
    sound(page)


def test_the_page_that_stops_letters(page):
    page.goto(mail_out.stop_link("awa@example.org"))
    sound(page)
    press(page.locator("main button"))
    sound(page)
