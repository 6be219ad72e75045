"""The home page and the style page in a real browser: narrow and wide, light and dark. No accessibility violation."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.urls import include, path

from toguna.kernel import town
from toguna.kernel.testing_browser import Chromium, press, sound
from toguna.site import errors, style

urlpatterns = [path("style/", style.show), path("", include("toguna.site.urls"))]
handler404 = errors.not_found


@pytest.fixture(autouse=True)
def demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML", demo=True))


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [(320, "light", "fr"), (320, "dark", "pt"), (1280, "light", "en"), (1280, "dark", "fr")],
)
def test_pages_in_every_light(chromium: Chromium, width: int, scheme: str, locale: str) -> None:
    page = chromium.page(viewport={"width": width, "height": 700}, color_scheme=scheme, locale=locale)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    with override_settings(ROOT_URLCONF=__name__):
        for address in ("/", "/style/", "/nowhere"):
            page.goto(address)
            assert page.locator("html").get_attribute("lang") == locale
            sound(page, f"look{address.replace('/', '-')}{width}-{scheme}-{locale}")
    # The browser itself says the 404; nothing else: no style that the policy blocks, no file that is missing.
    assert len(complaints) == 1 and "404" in complaints[0]


def test_targets_are_large(chromium: Chromium) -> None:
    """What one presses on a telephone is 44 pixels high, or stands inside a sentence."""
    page = chromium.page()
    page.goto("/")
    small = page.evaluate(
        """[...document.querySelectorAll('a, button, input, select, summary')]
           .filter(e => e.checkVisibility() && !e.closest('p') && !e.matches('.skip, .item a'))
           .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height]).filter(([, h]) => h > 0 && h < 44)"""
    )
    assert small == []


def test_without_scripts_the_language_changes(chromium: Chromium) -> None:
    page = chromium.page(java_script_enabled=False)
    page.goto("/")
    press(page.get_by_role("button", name="Português"))
    assert page.get_by_role("heading", level=1).inner_text().startswith("Boas-vindas")
    assert page.url.rstrip("/") == chromium.url
