"""The desk's pages of forms in a real browser, at 320 pixels, without JavaScript for what is done: nothing that axe finds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from toguna.engines.forms.tests.test_forms_pages import GOOD, workbook
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def sound(page: Any, shots: str = "") -> None:
    from axe_playwright_python.sync_playwright import Axe

    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), page.url
    found = Axe().run(page).response["violations"]
    assert not found, (page.url, [(v["id"], v["nodes"][0]["html"]) for v in found])
    if shots:
        page.screenshot(path=shots, full_page=True)


def test_a_form_is_brought_on_a_small_screen(live_server, monkeypatch, settings, tmp_path: Path):
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    client = Client()
    sign_in(
        client,
        people.create_staff(email="a@town.test", password="long enough", name="A", grants=[("manager", "*", None)]),
    )
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    file = tmp_path / "well.xlsx"
    file.write_bytes(workbook(*GOOD).read())
    shots = os.environ.get("SHOTS", "")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            small = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR")
            small.add_cookies([session])
            page = small.new_page()
            page.goto(f"{live_server.url}/desk/forms/")
            sound(page)
            page.set_input_files("[name=file]", str(file))
            page.click("main form[enctype] button")
            assert "trigger" in page.inner_text("main")
            sound(page, shots and f"{shots}-brought.png")
            page.click("button[value=publish]")
            page.click("button[value=field]")
            sound(page)
            page.goto(f"{live_server.url}/desk/forms/")
            sound(page, shots and f"{shots}-forms.png")
            page.goto(f"{live_server.url}/desk/odk")
            page.click("button[value=make]")
            sound(page, shots and f"{shots}-odk.png")
        finally:
            browser.close()
