"""A phone that tells where it is, with network and without; a day replayed; pages at 320 pixels, with no accessibility violation."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as configured
from django.db import connection
from django.test import Client

from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.telemetry.devices import register
from toguna.engines.telemetry.models import Device, Latest
from toguna.engines.telemetry.rules import actions
from toguna.engines.telemetry.tests.conftest import say
from toguna.kernel.access import SYSTEM

# The slider goes to the end: the mark of the drawing with it. In one go: when the map is there, the drawing makes room for it.
SLID = """() => {
  const mark = document.querySelector("[data-way-now]"), before = mark?.getAttribute("cy"), slider = document.getElementById("way-at");
  slider.value = 1000;
  slider.dispatchEvent(new Event("input"));
  return !mark || mark.getAttribute("cy") !== before;
}"""
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def context(monkeypatch, settings) -> Iterator[Any]:
    """A 320-pixel browser in French, near the market."""
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = browser.new_context(
            viewport={"width": 320, "height": 640}, locale="fr-FR", permissions=["geolocation"],
            geolocation={"latitude": 12.65, "longitude": -8.0, "accuracy": 5},
        )  # fmt: skip
        made.set_default_timeout(60_000)
        yield made
        browser.close()


def sound(page: Any) -> None:
    page.wait_for_load_state("load")
    wide = "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 321).map(e => e.outerHTML.slice(0, 120))"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, (page.url, page.evaluate(wide))
    assert [(v["id"], v["nodes"][0]["html"]) for v in Axe().run(page).response["violations"]] == [], page.url


# A lock of the screen that the test can take back, and a clock that it can put forward, as if the phone had slept.
LOCK = """() => {
  const held = new EventTarget(), real = Date.now.bind(Date);
  held.release = async () => held.dispatchEvent(new Event("release"));
  window.asked = []; window.slept = 0; window.taken = () => held.release();
  Object.defineProperty(navigator, "wakeLock", { value: { request: async (what) => (window.asked.push(what), held) } });
  Object.defineProperty(document, "visibilityState", { get: () => (window.off ? "hidden" : "visible") });
  Date.now = () => real() + window.slept;
}"""
SLEEPS = """() => {
  window.off = true; document.dispatchEvent(new Event("visibilitychange"));
  window.slept = 90000;
  window.off = false; document.dispatchEvent(new Event("visibilitychange"));
}"""


def until(true: Any) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_phone_on_its_way_and_the_desk_that_sees_it(context, live_server, device):
    phone = device("awa-1", "phone", kind="phone", name="Awa")
    context.add_init_script(f"({LOCK})()")
    page = context.new_page()
    page.goto(f"{live_server.url}/telemetry/phone/#code=awa-1&key={register.key_of(phone)}&name=Awa")
    page.get_by_role("button", name="Démarrer").click()
    until(lambda: Latest.objects.filter(pk=phone.pk, lat=12.65).exists())
    assert "key" not in page.url
    sound(page)
    assert page.evaluate("asked") == ["screen"] and "L’écran reste allumé" in page.locator("#screen").inner_text()
    page.evaluate("taken()")
    page.get_by_text("Gardez l’écran allumé").wait_for()
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    context.set_offline(True)
    context.set_geolocation({"latitude": 12.651, "longitude": -8.0, "accuracy": 5})
    page.get_by_text("Pas de réseau").wait_for()
    # The phone is restarted without network: the page opens, goes on, and has what it had; then all of it is sent, once.
    page.close()
    page = context.new_page()
    page.goto(f"{live_server.url}/telemetry/phone/")
    page.get_by_role("button", name="Arrêter").wait_for()
    context.set_geolocation({"latitude": 12.652, "longitude": -8.0, "accuracy": 5})
    page.get_by_text(re.compile(r"envoi.? : [2-9]")).wait_for()
    page.evaluate(SLEEPS)
    page.get_by_text("Le navigateur s’est arrêté").wait_for()
    sound(page)
    context.set_offline(False)
    until(lambda: Latest.objects.filter(pk=phone.pk, lat=12.652).exists())
    page.get_by_text(re.compile(r"envoi.? : 0")).wait_for()
    page.get_by_role("button", name="Arrêter").click()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lat, count(*), count(DISTINCT seq) FROM telemetry_position WHERE device = %s GROUP BY 1", [phone.pk]
        )
        kept = cursor.fetchall()
    assert {lat for lat, _n, _seqs in kept} == {12.65, 12.651, 12.652} and all(n == seqs for _lat, n, seqs in kept)

    now = int(time.time())
    truck = device("356307042441013", "tcp", kind="tracker", name="Camion 3", service="waste", ref="truck:3")
    say(
        truck,
        [
            {
                "at": now - 3600 + n * 60,
                "lat": 12.65 + n / 2000,
                "lon": -8 + (n % 7) / 900,
                "speed": 20 + n % 9,
                "fuel": 60 - n / 3,
                "battery": 12,
            }
            for n in range(55)
        ],
        proof="door",
    )
    say(Device(code="stranger-9", door="http"), {"fill": 5}, proof="key:x")
    rule = actions.save_rule(
        "fuel",
        {
            "titles": {"fr": "Carburant bas", "en": "Fuel low"},
            "spec": {"kind": "threshold", "quantity": "fuel", "below": 45},
        },
        by=SYSTEM,
    )
    actions.switch(rule.pk, True, by=SYSTEM)
    say(truck, {"at": now, "fuel": 12}, proof="door")
    account = people.create_staff(
        email="chef@town.test",
        password="long enough to be one",
        name="Awa Traoré",
        grants=[("manager", "telemetry", None)],
    )
    client = Client()
    sign_in(client, account)
    context.add_cookies(
        [
            {
                "name": configured.SESSION_COOKIE_NAME,
                "value": client.cookies[configured.SESSION_COOKIE_NAME].value,
                "url": live_server.url,
            }
        ]
    )
    for path, words in {
        "/desk/devices/": "Camion 3", f"/desk/devices/{truck.pk}": "Carburant", f"/desk/devices/{truck.pk}/edit": "Comment il envoie",
        "/desk/devices/quarantine": "stranger-9", "/desk/devices/alarms": "Carburant bas", "/desk/devices/rules/fuel?try=1": "Sur les données passées", "/desk/devices/rules/fuel": "L’essayer sur les",
        "/desk/devices/rules/new": "Elle se déclenche quand", "/desk/devices/map": "Où sont les appareils", f"/desk/devices/{phone.pk}/key": "Page à ouvrir",
        "/desk/devices/decoders/new": "Marque et modèle",
    }.items():  # fmt: skip
        page.goto(f"{live_server.url}{path}")
        page.get_by_text(words).first.wait_for()
        sound(page)
        if os.environ.get("SHOTS"):
            page.screenshot(path=f"{os.environ['SHOTS']}/{path.strip('/').replace('/', '-')}.png", full_page=True)
    page.goto(f"{live_server.url}/desk/devices/{truck.pk}/day")
    assert page.evaluate(SLID)
    assert "km/h" in page.locator("#way-says").inner_text()
    sound(page)
    if os.environ.get("SHOTS"):
        page.screenshot(path=f"{os.environ['SHOTS']}/day.png", full_page=True)
