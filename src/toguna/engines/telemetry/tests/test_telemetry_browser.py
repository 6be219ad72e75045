"""A phone that tells where it is, with network and without; a day replayed; pages at 320 pixels, with no accessibility violation."""

from __future__ import annotations

import re
import time

from django.db import connection

from toguna.engines.people.testing import staff
from toguna.engines.telemetry.devices import register
from toguna.engines.telemetry.models import Device, Latest
from toguna.engines.telemetry.rules import actions
from toguna.engines.telemetry.tests.conftest import say
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing_browser import open_offline, sound, until

# The slider goes to the end: the mark of the drawing with it. In one go: when the map is there, the drawing makes room for it.
SLID = """() => {
  const mark = document.querySelector("[data-way-now]"), before = mark?.getAttribute("cy"), slider = document.getElementById("way-at");
  slider.value = 1000;
  slider.dispatchEvent(new Event("input"));
  return !mark || mark.getAttribute("cy") !== before;
}"""


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


def test_a_phone_on_its_way_and_the_desk_that_sees_it(chromium, device):
    phone = device("awa-1", "phone", kind="phone", name="Awa")
    market = {"latitude": 12.65, "longitude": -8.0, "accuracy": 5}
    page = chromium.page(permissions=["geolocation"], geolocation=market)
    context = page.context
    context.add_init_script(f"({LOCK})()")
    page.goto(f"/telemetry/phone/#code=awa-1&key={register.key_of(phone)}&name=Awa")
    page.get_by_role("button", name="Démarrer").click()
    until(page, lambda: Latest.objects.filter(pk=phone.pk, lat=12.65).exists())
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
    open_offline(page, "/telemetry/phone/")
    page.get_by_role("button", name="Arrêter").wait_for()
    context.set_geolocation({"latitude": 12.652, "longitude": -8.0, "accuracy": 5})
    page.get_by_text(re.compile(r"envoi.? : [2-9]")).wait_for()
    page.evaluate(SLEEPS)
    page.get_by_text("Le navigateur s’est arrêté").wait_for()
    sound(page)
    context.set_offline(False)
    until(page, lambda: Latest.objects.filter(pk=phone.pk, lat=12.652).exists())
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
    chromium.sign_in(context, staff(service="telemetry"))
    for path, words in {
        "/desk/devices/": "Camion 3", f"/desk/devices/{truck.pk}": "Carburant", f"/desk/devices/{truck.pk}/edit": "Comment il envoie",
        "/desk/devices/quarantine": "stranger-9", "/desk/devices/alarms": "Carburant bas", "/desk/devices/rules/fuel?try=1": "Sur les données passées", "/desk/devices/rules/fuel": "L’essayer sur les",
        "/desk/devices/rules/new": "Plus rien ne vient", "/desk/devices/rules/new?condition=threshold": "Elle cesse à", "/desk/devices/map": "Où sont les appareils", f"/desk/devices/{phone.pk}/key": "Page à ouvrir",
        "/desk/devices/decoders/new": "Marque et modèle",
    }.items():  # fmt: skip
        page.goto(path)
        page.get_by_text(words).first.wait_for()
        sound(page)
    page.goto(f"/desk/devices/{truck.pk}/day")
    assert page.evaluate(SLID)
    assert "km/h" in page.locator("#way-says").inner_text()
    sound(page)
