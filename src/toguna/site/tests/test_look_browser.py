"""The home page and the style page in a real browser: narrow and wide, light and dark. No accessibility violation.

TOGUNA_SCREENSHOTS=FOLDER keeps what the browser showed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from django.urls import include, path

from toguna.kernel import town
from toguna.site import errors, style

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True),
]
urlpatterns = [path("style/", style.show), path("", include("toguna.site.urls"))]
handler404 = errors.not_found


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML", demo=True))
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [(320, "light", "fr"), (320, "dark", "pt"), (1280, "light", "en"), (1280, "dark", "fr")],
)
def test_pages_in_every_light(browser: Any, live_server: Any, width: int, scheme: str, locale: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(
        viewport={"width": width, "height": 700}, color_scheme=scheme, locale=locale, reduced_motion="reduce"
    )
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    with override_settings(ROOT_URLCONF=__name__):
        for address in ("/", "/style/", "/nowhere"):
            page.goto(live_server.url + address)
            if folder := os.environ.get("TOGUNA_SCREENSHOTS"):
                name = f"look{address.replace('/', '-')}{width}-{scheme}-{locale}.png"
                page.screenshot(path=Path(folder) / name, full_page=True)
            assert page.evaluate("document.documentElement.lang") == locale
            assert page.evaluate("getComputedStyle(document.body).margin") == "0px", "the style sheet is not there"
            assert page.evaluate("document.documentElement.scrollWidth") <= width, address
            found = Axe().run(page).response["violations"]
            assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], address
    # The browser itself says the 404; nothing else: no style that the policy blocks, no file that is missing.
    assert len(complaints) == 1 and "404" in complaints[0]


def test_targets_are_large(browser: Any, live_server: Any) -> None:
    """What one presses on a telephone is 44 pixels high, or stands inside a sentence."""
    page = browser.new_context(viewport={"width": 320, "height": 700}).new_page()
    page.goto(live_server.url)
    small = page.evaluate(
        """[...document.querySelectorAll('a, button, input, select, summary')]
           .filter(e => e.checkVisibility() && !e.closest('p') && !e.matches('.skip, .item a'))
           .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height]).filter(([, h]) => h > 0 && h < 44)"""
    )
    assert small == []


def test_without_scripts_the_language_changes(browser: Any, live_server: Any) -> None:
    page = browser.new_context(
        java_script_enabled=False, locale="fr", viewport={"width": 320, "height": 700}
    ).new_page()
    page.goto(live_server.url)
    page.get_by_role("button", name="Português").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Boas-vindas")
    assert page.url.rstrip("/") == live_server.url
