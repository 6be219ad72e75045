"""What judges the pages: it sees what is wrong, it waits, and a page that goes away meanwhile is asked again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path

from toguna.kernel import testing
from toguna.kernel.testing_browser import Chromium, faults, press, sound, until
from toguna.kernel.web import public

GOOD = "<html lang=fr><title>x</title><style>body { margin: 0 }</style><main><h1>Bien</h1><a href=/bad>mal</a></main>"
BAD = "<html lang=fr><title>x</title><style>main { width: 400px }</style><main><h1>Mal</h1><img src=x></main>"
INLINE = {"Content-Security-Policy": "style-src 'unsafe-inline'"}


@public
def good(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(GOOD, headers=INLINE)


@public
def bad(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(BAD, headers=INLINE)


urlpatterns = [path("good", good), path("bad", bad), path("", include("toguna.site.urls"))]


def test_what_is_wrong_is_seen(chromium: Chromium) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        page = chromium.page()
        page.goto("/good")
        sound(page)
        page.evaluate("setTimeout(() => { location = '/good?again' }, 20)")  # it goes away while it is judged
        sound(page)
        until(page, lambda: page.url.endswith("again"))
        press(page.locator("a"))
        found = faults(page)
        assert found[0] == "the style sheet is not there" and "is wider than the screen" in found
        assert "image-alt" in [one[0] for one in found if isinstance(one, tuple)]
        with pytest.raises(AssertionError):
            sound(page)
        plain = chromium.page(java_script_enabled=False)
        plain.goto("/bad")
        assert "is wider than the screen" in faults(plain), "also where no script runs"


def connected() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


@pytest.fixture
def nobody_stays(transactional_db: None) -> Iterator[None]:
    before = connected()
    yield
    testing.until(lambda: connected() <= before)  # one that was closed just now is still seen for a moment


def test_what_a_test_asks_beside_its_browser_is_asked_by_nobody_afterwards(
    nobody_stays: None, chromium: Chromium
) -> None:
    assert connected()
