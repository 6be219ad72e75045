"""Equipment in a small browser, with work, remarks and figures in it: nothing that axe finds, nothing wider than the screen."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.utils import timezone

from toguna.engines.assets import api as assets
from toguna.engines.people.testing import staff
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing_browser import Chromium, install, look, open_offline


def test_a_truck_with_a_past_on_a_small_screen(chromium: Chromium) -> None:
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
    pages = [
        "/desk/assets/", f"/desk/assets/at/{truck.code}", f"/desk/assets/at/{truck.code}/edit", "/desk/assets/orders/", "/desk/assets/fuel/",
        "/desk/assets/due/", "/desk/assets/parts/", "/desk/assets/import", "/desk/equipment/figures/", f"/a/{truck.code}",
    ]  # fmt: skip
    page = chromium.page(staff())
    said = {path: look(page, path) for path in pages}
    _without_network(page, truck.code)
    fill = truck.fills.order_by("-pk").first()
    assert (fill.litres, fill.channel) == (22.5, "app"), "what was said without network is written when it is back"
    assert "réservoir" in said["/desk/assets/fuel/"] and "VM-101" in said["/desk/equipment/figures/"]


def _without_network(page: Any, code: str) -> None:
    """The label's bars are typed by a reader, fuel is said, and it is sent when the network is back."""
    install(page, "/a/app")
    page.locator("#made", has_text="téléphone").wait_for()
    page.context.set_offline(True)
    open_offline(page, f"/a/{code}")  # its QR, seen by the camera
    page.locator("#one-name", has_text="VM-101").wait_for()
    page.goto("/a/app")
    page.locator("#code").fill(code)
    page.keyboard.press("Enter")  # as a reader of bars does
    page.locator("#one-name", has_text="VM-101").wait_for()
    page.locator("#fuel-box summary").click()
    page.locator("#fuel_litres").fill("22,5")
    page.locator("#fuel-box button").click()
    page.locator("#waiting", has_text=": 1").wait_for()
    page.context.set_offline(False)
    page.locator("#waiting", has_text=": 0").wait_for()
    look(page, "/a/app")
