"""The library in a real browser, at 320 pixels, without JavaScript: found, read, written. No accessibility violation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from toguna.engines.documents.library.actions import Doing
from toguna.engines.documents.tests.test_library_acts import published
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def library(monkeypatch, settings, transactional_db) -> Iterator[None]:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    published(
        "portant règlement des marchés",
        text="Vu la loi ;\nChapitre I – Début\nArticle 1 – Objet\nUn.\nArticle 2. Deux.",
    )
    published(
        "modifiant",
        text="Article 1. Voir l'arrêté n° 2023-001.",
        changes=[Doing("arrêté 2023-001", "replace", "2", words="Autre.")],
    )
    yield
    with connection.cursor() as cursor:  # no model's table: nothing else empties it
        cursor.execute("DELETE FROM documents_text; DELETE FROM documents_word")


def sound(page: Any, address: str) -> str:
    """Nothing wider than the screen, nothing that axe finds; gives the words of the page."""
    from axe_playwright_python.sync_playwright import Axe

    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), address
    found = Axe().run(page).response["violations"]
    assert not found, (address, [(v["id"], v["nodes"][0]["html"]) for v in found])
    return page.inner_text("main")


def test_found_read_and_written_on_a_small_screen(library, live_server):
    from playwright.sync_api import sync_playwright

    client = Client()
    sign_in(
        client,
        people.create_staff(email="a@town.test", password="long enough", name="A", grants=[("manager", "*", None)]),
    )
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = browser.new_context(viewport={"width": 320, "height": 640}, locale="fr-FR").new_page()
            assert "2023-001" in sound(page, f"{live_server.url}/acts/?q=reglement+marche")
            assert "Autre." in sound(page, f"{live_server.url}/acts/bylaw/2023/001")
            bare = browser.new_context(
                viewport={"width": 320, "height": 640}, locale="fr-FR", java_script_enabled=False
            )
            bare.add_cookies([session])
            form = bare.new_page()
            form.goto(f"{live_server.url}/desk/acts/new")
            form.fill("[name=body]", "Le maire")
            form.fill("[name=subject]", "relatif aux puits")
            form.fill("[name=text]", "Article 1. Les puits sont couverts.")
            form.click("button[value=save]")
            where = form.url
            page.context.add_cookies([session])
            assert "Les puits sont couverts." in sound(page, where)
            sound(page, f"{live_server.url}/desk/acts/")
            sound(page, f"{live_server.url}/desk/acts/new")
            form.click("button[value=publish]")
            form.goto(f"{live_server.url}/acts/?q=puits")
            assert "relatif aux puits" in form.inner_text("main")
        finally:
            browser.close()
