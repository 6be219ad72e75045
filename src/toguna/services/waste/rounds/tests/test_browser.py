"""A driver's morning in a real browser of 320 pixels, its network cut; and the pages of the head of service and of residents, sound."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.urls import reverse
from django.utils import timezone

from toguna.engines.documents.api import File
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import open_offline, run_jobs
from toguna.services.waste.models import Truck, Visit
from toguna.services.waste.rounds import crew, planning
from toguna.services.waste.rounds.tests.test_rounds import jpeg

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def sound(page, name: str) -> None:
    """Nothing wider than the screen, and nothing that axe finds."""
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    found = Axe().run(page).response["violations"]
    if folder := os.environ.get("TOGUNA_SHOTS"):
        page.screenshot(path=Path(folder) / f"rounds-{name}.png", full_page=True)
    assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], name


def test_a_drivers_morning_without_network(yard, hire, live_server, tmp_path, monkeypatch, settings):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    plan = planning.ask(timezone.localdate(), by=SYSTEM)
    run_jobs()
    planning.publish(plan.pk, by=SYSTEM)
    one = plan.rounds.order_by("pk").first()
    driver, head = hire("agent"), hire("manager")
    Truck.objects.filter(pk=one.truck_id).update(driver=driver.account.pk)
    stops = list(one.visits.filter(kind="stop").order_by("number").select_related("place"))
    assert one.visits.order_by("number").first() == stops[0]
    # What roads say is in test_roads.py; here, that the telephone says it.
    monkeypatch.setattr(
        crew, "_turns", lambda _one, visits: {v.pk: [f"Turn left at {v.number}.", "Keep right."] for v in visits}
    )

    def cookie(client):
        name = django_settings.SESSION_COOKIE_NAME
        return [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]

    with sync_playwright() as play:
        context = play.chromium.launch_persistent_context(
            str(tmp_path / "phone"),
            executable_path=CHROMIUM,
            args=["--no-sandbox"],
            locale="en-GB",
            viewport={"width": 320, "height": 640},
        )
        context.add_init_script(
            "window.spoken = []; speechSynthesis.speak = (said) => spoken.push([said.text, said.lang]);"
            "speechSynthesis.cancel = () => { spoken.length = 0; };"
        )

        def hears(page, stop):
            page.get_by_role("button", name="Say the way").click()
            words = [f"Turn left at {stop.number}.", "Keep right.", stop.place.name]
            page.wait_for_function("spoken.length === 3")
            assert page.evaluate("spoken") == [[said, "en"] for said in words]

        page = context.new_page()
        context.add_cookies(cookie(driver))
        page.goto(f"{live_server.url}/rounds/app")
        page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
        page.reload()  # through the worker now, which keeps the page
        page.locator("#now-name", has_text=stops[0].place.name).wait_for()
        sound(page, "driver")
        hears(page, stops[0])
        context.set_offline(True)
        page.locator("[data-level='75']").click()
        page.locator("#now-name", has_text=stops[1].place.name).wait_for()
        hears(page, stops[1])
        page.locator("#skip summary").click()
        photo, reason = (page.locator(where).bounding_box() for where in ("#photo", "[data-reason='blocked']"))
        assert photo["y"] < reason["y"], "a tap on the reason sends at once: the photo is taken before"
        page.locator("#photo").set_input_files(
            {"name": "street.jpg", "mimeType": "image/jpeg", "buffer": jpeg((1600, 1200))}
        )
        page.locator("#words").fill("A lorry")
        if folder := os.environ.get("TOGUNA_SHOTS"):
            page.screenshot(path=Path(folder) / "rounds-skip.png", full_page=True)
        page.locator("[data-reason='blocked']").click()
        page.locator("#count", has_text="3").wait_for()  # its photo too
        open_offline(page, f"{live_server.url}/rounds/app")  # the telephone was switched off and on
        page.locator("#count", has_text="3").wait_for()
        hears(page, stops[2])
        assert not Visit.objects.exclude(state="planned").exists()
        context.set_offline(False)
        page.locator("#says", has_text="Everything is sent").wait_for()
        done, skipped = (Visit.objects.get(pk=v.pk) for v in stops[:2])
        assert (done.state, done.level, skipped.state, skipped.reason) == ("done", 75, "skipped", "blocked")
        file = File.objects.get(subject_name="waste.visit", subject_id=skipped.pk)
        assert skipped.words == "A lorry" and head.get(reverse("document", args=[file.public_id])).status_code == 200
        context.close()

        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(locale="en-GB", viewport={"width": 320, "height": 640})
        page = context.new_page()
        page.goto(f"{live_server.url}/truck?at={stops[2].place.code}")
        sound(page, "resident")
        context.add_cookies(cookie(head))
        for name, path in (
            ("plan", f"/desk/rounds/{plan.pk}"),
            ("board", "/desk/rounds/now"),
            ("bins", "/desk/bins/"),
            ("plans", "/desk/rounds/"),
        ):
            page.goto(f"{live_server.url}{path}")
            sound(page, name)
        browser.close()
