"""A real Chromium for the tests of any room: a telephone's screen, French, and patience; and how a page is judged there.

TOGUNA_SHOTS=FOLDER keeps what was seen, narrow and wide. TOGUNA_SLOW=6 makes pages six times slower, and late: what fails
then does not wait for what it needs.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test import Client

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PATIENCE = 60_000  # ms: the machine may have other things to do
FLAGS = ["--no-sandbox", "--disable-background-networking"]
SMALL: dict[str, Any] = {"viewport": {"width": 320, "height": 640}, "locale": "fr-FR", "reduced_motion": "reduce"}
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True, available_apps=configured.INSTALLED_APPS),
]
WIDE = """document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 120)).concat("is wider than the screen")"""
# An amount or a measure of which a part stands on another line.
BROKEN = r"""(() => {
  const found = [], range = document.createRange(), walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let text; text = walk.nextNode();) for (const m of text.data.matchAll(/\d{1,3}(?:[\u202f\u00a0.,]\d{3})+(?:\u00a0\p{L}+)?|\d+\u00a0[\p{L}%]+/gu)) {
    range.setStart(text, m.index); range.setEnd(text, m.index + m[0].length)
    if (new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1) found.push(m[0] + " stands on two lines")
  }
  return found
})()"""
STYLED = "getComputedStyle(document.body).margin === '0px'"
DRAWN = ".maplibregl-canvas-container"
SCRIPTS = "!matchMedia('(scripting: none)').matches"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Who asks for `chromium` is a test with a browser."""
    if "chromium" in getattr(item, "fixturenames", ()):
        for mark in MARKS:
            item.add_marker(mark)


class Chromium:
    """What a test opens: `page()` of a browser, or `phone()`, whose memory outlives its being closed.

    `client`: as whom. `options`: as of Playwright's `new_context`. Addresses may be given without the town's.
    """

    def __init__(self, play: Any, url: str, memory: Path) -> None:
        self.play, self.url, self.memory = play, url, memory
        self.flags = list(FLAGS)
        self._browser: Any = None

    def page(self, client: Client | None = None, **options: Any) -> Any:
        """A page of a browser that nobody used before."""
        if self._browser is None:
            self._browser = self.play.chromium.launch(executable_path=CHROMIUM, args=self.flags, timeout=PATIENCE)
        made = self._opened(self._browser.new_context(**self._options(options)), client)
        if slow := os.environ.get("TOGUNA_SLOW"):  # not of a phone: who looks at a page so takes its being offline away
            made.context.new_cdp_session(made).send("Emulation.setCPUThrottlingRate", {"rate": float(slow)})
        return made

    def phone(self, client: Client | None = None, **options: Any) -> Any:
        """A page of the test's telephone; `page.context.close()` is its battery that dies."""
        context = self.play.chromium.launch_persistent_context(
            str(self.memory), executable_path=CHROMIUM, args=self.flags, timeout=PATIENCE, **self._options(options)
        )
        return self._opened(context, client)

    def sign_in(self, context: Any, client: Client) -> None:
        """From here on the browser is the client's person."""
        name = configured.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.url}])

    def close(self) -> None:
        if self._browser is not None:
            self._browser.close()

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**SMALL, "base_url": self.url, **given}

    def _opened(self, context: Any, client: Client | None) -> Any:
        context.set_default_timeout(PATIENCE)
        if client is not None:
            self.sign_in(context, client)
        return context.new_page()


@pytest.fixture
def chromium(settings: Any, monkeypatch: pytest.MonkeyPatch, live_server: Any, tmp_path: Path) -> Iterator[Chromium]:
    """A browser before the town's door."""
    from playwright.sync_api import sync_playwright

    # The test's server finds static files in the sources, by their plain names.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    if slow := os.environ.get("TOGUNA_SLOW"):
        answer = WSGIHandler.get_response

        def late(self: WSGIHandler, request: Any) -> Any:
            time.sleep(float(slow) / 20)
            return answer(self, request)

        monkeypatch.setattr(WSGIHandler, "get_response", late)
    with sync_playwright() as play:
        made = Chromium(play, live_server.url, tmp_path / "phone")
        yield made
        made.close()
        # Where a loop runs, Django keeps connections apart from the thread's own: who removes the database does not see them.
        connections.close_all()


def sound(page: Any, name: str = "") -> None:
    """The style is there, nothing is wider than the screen, no amount stands on two lines, and axe, which needs scripts, finds
    nothing.

    `name`: of the picture, else its address's."""
    from playwright.sync_api import Error

    for attempt in range(5):
        page.wait_for_load_state("load")
        try:
            found = faults(page)
            break
        except Error:  # the page went away while it was asked
            if attempt == 4:
                raise
            page.wait_for_timeout(200)
    shot(page, name)
    assert found == [], (name, page.url)


def faults(page: Any) -> list[Any]:
    """What is wrong with a page that is there."""
    from axe_playwright_python.sync_playwright import Axe

    found: list[Any] = [] if page.evaluate(STYLED) else ["the style sheet is not there"]
    found += page.evaluate(WIDE) + page.evaluate(BROKEN)
    if page.evaluate(SCRIPTS):  # what a map draws never holds still: all around it is judged
        axe = Axe().run(page, context={"exclude": [DRAWN]}).response["violations"]
        if axe:  # what is still being drawn is judged when it stands
            page.wait_for_timeout(1000)
            axe = Axe().run(page, context={"exclude": [DRAWN]}).response["violations"]
        found += [(v["id"], v["nodes"][0]["html"]) for v in axe]
    return found


def look(page: Any, address: str, name: str = "") -> str:
    """Goes there, unfolds what is folded, and judges; gives the words of the page."""
    answer = page.goto(address)
    assert answer is not None and answer.ok, address
    page.locator("details").evaluate_all("all => all.forEach(d => { d.open = true })")
    sound(page, name)
    return str(page.locator("main").inner_text())


def shot(page: Any, name: str = "") -> None:
    """A picture for a person to look at."""
    if not (folder := os.environ.get("TOGUNA_SHOTS")):
        return
    name = name or urlsplit(page.url).path.strip("/").replace("/", "-") or "home"
    path = Path(folder) / (name if page.evaluate(SCRIPTS) else f"{name}-plain")
    page.screenshot(path=f"{path}.png", full_page=True)
    if page.viewport_size["width"] == SMALL["viewport"]["width"]:
        page.set_viewport_size({"width": 1200, "height": 900})
        page.screenshot(path=f"{path}-wide.png", full_page=True)
        page.set_viewport_size(SMALL["viewport"])


def press(target: Any) -> None:
    """Presses a link or button (a locator) that leads to another page, and waits for that page."""
    with target.page.expect_navigation():
        target.click()


def until(page: Any, true: Callable[[], Any]) -> None:
    """Waits for what no locator can tell. The page may go away while it is asked."""
    from playwright.sync_api import Error

    end = time.monotonic() + PATIENCE / 1000
    while True:
        why: object = "it never was so"
        try:
            if true():
                return
        except Error as error:
            why = error
        assert time.monotonic() < end, why
        page.wait_for_timeout(100)


def install(page: Any, address: str) -> None:
    """Opens a page of the field with network, until the telephone has kept it."""
    page.goto(address)
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    page.reload()  # through the worker now


def open_offline(page: Any, address: str) -> None:
    """Opens a page that the telephone kept. A browser that was only just switched on, on a busy machine, can go past its
    service worker: a person would try again too."""
    until(page, lambda: page.goto(address) or True)
