"""The desk's documents in a real browser, at 320 pixels, without JavaScript. No accessibility violation."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from toguna.engines.documents.models import File, FileKind
from toguna.engines.documents.tests.test_library_browser import sound
from toguna.engines.documents.tests.test_store_files import pdf
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


def test_brought_held_and_listed_on_a_small_screen(
    live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    FileKind.objects.create(name="letters", title={"fr": "Lettres"}, keep_years=0, then="destroy")
    (tmp_path / "plan.pdf").write_bytes(pdf())
    client = Client()
    sign_in(
        client,
        people.create_staff(email="a@town.test", password="long enough", name="A", grants=[("manager", "*", None)]),
    )
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    small: Any = {"viewport": {"width": 320, "height": 640}, "locale": "fr-FR"}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            bare = browser.new_context(**small, java_script_enabled=False)
            bare.add_cookies([session])
            form = bare.new_page()
            form.goto(f"{live_server.url}/desk/documents/")
            form.set_input_files("[name=file]", tmp_path / "plan.pdf")
            form.fill("[name=title]", "Plan du marché")
            form.locator("main form[method=post] [name=kind]").select_option("letters")
            form.locator("main form[method=post] button").click()
            looked = browser.new_context(**small)
            looked.add_cookies([session])
            page = looked.new_page()
            assert "Plan du marché" in sound(page, form.url)
            assert "Plan du marché" in sound(page, f"{live_server.url}/desk/documents/ends")
            if folder := os.environ.get("TOGUNA_SHOTS"):
                page.screenshot(path=f"{folder}/ends.png", full_page=True)
            form.fill("[name=reason]", "Procès en cours")
            form.locator("form:has([name=reason]) button").click()
            assert File.objects.get().hold_reason == "Procès en cours"
            for name in ("", "plan", str(File.objects.get().public_id)):
                sound(page, f"{live_server.url}/desk/documents/{name}")
                if folder:
                    page.screenshot(path=f"{folder}/{name[:4] or 'list'}.png", full_page=True)
        finally:
            browser.close()
