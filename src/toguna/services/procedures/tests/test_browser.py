"""A request from the catalogue to the desk in a real browser, at 320 pixels, light and dark: nothing that axe finds, nothing wider
than the screen, light enough for 2G; what is typed is saved without pressing anything, and a signature is drawn."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from toguna.engines.cases import api as cases
from toguna.engines.forms.models import Filling
from toguna.engines.people.testing import staff
from toguna.kernel.testing_browser import look, press, sound
from toguna.services.procedures import starter


@pytest.fixture
def started(db) -> None:
    starter.load()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_residence_certificate_on_a_small_phone(chromium, started, scheme):
    page = chromium.page(locale="en-GB", color_scheme=scheme)
    name = f"request-{scheme}-"
    page.goto("/procedures/")
    sound(page, name + "catalogue")
    page.goto("/procedures/residence")
    sound(page, name + "procedure")
    press(page.get_by_role("button", name="Begin"))
    press(page.get_by_role("button", name="Continue"))
    sound(page, name + "errors")  # nothing was answered: what is missing is said above and beside
    page.get_by_label("Full name").fill("Fanta Koné")
    page.get_by_label("Where do you live?").fill("Zongo, near the pump")
    page.get_by_label("National identity card").check()
    page.get_by_label("Number of the paper").fill("CNI 778")  # it appeared by itself, and what was typed stayed
    page.locator("[data-saved]", has_text="Saved").wait_for()
    assert Filling.objects.get().values["applicant"]["name"] == "Fanta Koné"
    sound(page, name + "step")
    press(page.get_by_role("button", name="Save and go on later"))
    sound(page, name + "later")
    code = Filling.objects.get().code
    page.goto("/forms/resume")
    sound(page)
    page.goto(f"/requests/form/{code}/?page=1")
    page.get_by_label("Your date of birth").fill("1990-03-02")
    page.get_by_label("You live there since").fill("2015-01-01")
    page.get_by_label("Name of the owner").fill("Issa Koné")
    page.get_by_label("What is it for?").fill("A job")
    sound(page, name + "map")
    press(page.get_by_role("button", name="Continue"))
    page.get_by_text("Look at your answers").wait_for()
    sound(page, name + "end")
    press(page.locator("button[value=send]"))
    page.get_by_text("Your request is received").wait_for()
    sound(page, name + "request")
    assert cases.Case.objects.get().answers["home.owner"] == "Issa Koné"


def test_the_desk_on_a_small_screen(chromium, started):
    page = chromium.page(staff(), locale="en-GB")
    page.goto("/desk/requests/new/")
    sound(page, "desk-begin")
    press(page.locator("button[value=residence]"))
    sound(page, "desk-counter")
    page.get_by_label("Full name").fill("Fanta Koné")
    for path in (
        "/desk/requests/", "/desk/procedures/", "/desk/procedures/residence", "/desk/procedures/residence/form",
        "/desk/procedures/residence/steps", "/desk/procedures/residence/paper", "/desk/procedures/new",
    ):  # fmt: skip
        look(page, path)


def test_a_step_is_light_enough_for_2g(started):
    client = Client(headers={"accept-language": "en"})
    where = client.post("/procedures/residence/ask", {}, follow=True).redirect_chain[-1][0]
    parts = [client.get(where).content, client.get("/town.css").content]
    for name in ("toguna.css", "toguna.js", "forms/fill.js", "territory/map.js"):
        found = finders.find(name)
        assert found
        parts.append(Path(found).read_bytes())
    assert sum(len(gzip.compress(part)) for part in parts) < 30_000
