"""A request from the catalogue to the desk in a real browser, at 320 pixels, light and dark: nothing that axe finds, nothing wider
than the screen, light enough for 2G; what is typed is saved without pressing anything, and a signature is drawn."""

from __future__ import annotations

import gzip
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from toguna.engines.cases import api as cases
from toguna.engines.forms.models import Filling
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.services.procedures import starter

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def sound(page: Any, name: str = "") -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.wait_for_load_state("load")
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), page.url
    found = Axe().run(page).response["violations"]
    assert not found, (page.url, [(v["id"], v["nodes"][0]["html"]) for v in found])
    if name and (folder := os.environ.get("SHOTS")):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.fixture
def browser(settings, monkeypatch, tmp_path):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    starter.load()
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_residence_certificate_on_a_small_phone(live_server, browser, scheme):
    page = browser.new_context(viewport={"width": 320, "height": 640}, locale="en-GB", color_scheme=scheme).new_page()
    page.set_default_timeout(30_000)
    shot = f"request-{scheme}-"
    page.goto(f"{live_server.url}/procedures/")
    sound(page, shot + "catalogue")
    page.goto(f"{live_server.url}/procedures/residence")
    sound(page, shot + "procedure")
    page.get_by_role("button", name="Begin").click()
    page.get_by_role("button", name="Continue").click()
    sound(page, shot + "errors")  # nothing was answered: what is missing is said above and beside
    page.get_by_label("Full name").fill("Fanta Koné")
    page.get_by_label("Where do you live?").fill("Zongo, near the pump")
    page.get_by_label("National identity card").check()
    page.get_by_label("Number of the paper").fill("CNI 778")  # it appeared by itself, and what was typed stayed
    page.locator("[data-saved]", has_text="Saved").wait_for()
    assert Filling.objects.get().values["applicant"]["name"] == "Fanta Koné"
    sound(page, shot + "step")
    page.get_by_role("button", name="Save and go on later").click()
    sound(page, shot + "later")
    code = Filling.objects.get().code
    page.goto(f"{live_server.url}/forms/resume")
    sound(page)
    page.goto(f"{live_server.url}/requests/form/{code}/?page=1")
    page.get_by_label("Your date of birth").fill("1990-03-02")
    page.get_by_label("You live there since").fill("2015-01-01")
    page.get_by_label("Name of the owner").fill("Issa Koné")
    page.get_by_label("What is it for?").fill("A job")
    sound(page, shot + "map")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Look at your answers").wait_for()
    sound(page, shot + "end")
    page.locator("button[value=send]").click()
    page.get_by_text("Your request is received").wait_for()
    sound(page, shot + "request")
    assert cases.Case.objects.get().answers["home.owner"] == "Issa Koné"


def test_the_desk_on_a_small_screen(live_server, browser):
    client = Client()
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@t.test", password="long enough", name="A", grants=[("manager", "*", None)]
    )
    sign_in(client, account)
    context = browser.new_context(viewport={"width": 320, "height": 640}, locale="en-GB")
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{live_server.url}/desk/requests/new/")
    sound(page, "desk-begin")
    page.locator("button[value=residence]").click()
    sound(page, "desk-counter")
    page.get_by_label("Full name").fill("Fanta Koné")
    for number, path in enumerate((
        "/desk/requests/", "/desk/procedures/", "/desk/procedures/residence", "/desk/procedures/residence/form",
        "/desk/procedures/residence/steps", "/desk/procedures/residence/paper", "/desk/procedures/new",
    )):  # fmt: skip
        page.goto(f"{live_server.url}{path}")
        sound(page, f"desk-{number}")


def test_a_step_is_light_enough_for_2g(settings, db):
    starter.load()
    client = Client(headers={"accept-language": "en"})
    where = client.post("/procedures/residence/ask", {}, follow=True).redirect_chain[-1][0]
    parts = [client.get(where).content, client.get("/town.css").content]
    for name in ("toguna.css", "toguna.js", "forms/fill.js", "territory/map.js"):
        found = finders.find(name)
        assert found
        parts.append(Path(found).read_bytes())
    assert sum(len(gzip.compress(part)) for part in parts) < 30_000
