"""Around and asking in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image

from toguna.engines.cases import api as cases
from toguna.kernel.access import SYSTEM
from toguna.services.reports.around import alerts
from toguna.services.reports.asking import starter
from toguna.services.reports.models import Alert
from toguna.services.reports.tests.test_browser import CHROMIUM, browse, pytestmark, sound
from toguna.services.reports.tests.test_setup_browser import shot

__all__ = ["browse", "pytestmark"]


def signed_in(browse: Any, live_server: Any, client: Client) -> Any:
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    return browse([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])


def test_an_alert_from_the_hand_to_the_mailbox(browse, live_server, town, opened):
    for lon in (0.5, 0.505, 1.5):
        opened(lon=lon, text="Un grand trou devant l'école")
    page = browse()

    def look(name: str) -> None:
        sound(page, browse)
        shot(page, name)

    page.goto(f"{live_server.url}/around/")
    look("around")
    page.locator("[name=email]").fill("personne")
    page.locator("form.narrow button.button").last.click()
    page.get_by_role("alert").first.wait_for()
    look("around-wrong")
    page.locator("[name=position]").fill("0.5, 0.5")
    page.locator("button[formmethod=get]").click()
    page.wait_for_url("**/around/?*")
    assert page.locator("section.card li.item").count() == 2
    look("around-preview")
    page.locator("[name=email]").fill("awa@example.org")
    page.locator("form.narrow button.button").last.click()
    page.wait_for_url("**/around/")
    page.get_by_role("status").first.wait_for()
    row = Alert.objects.get()
    page.goto(f"{live_server.url}/around/confirm/{alerts._asked.sign(row.public_id.hex)}")
    look("confirm")
    page.locator("main form button").click()
    page.wait_for_url("**/around/")
    row.refresh_from_db()
    assert row.confirmed
    page.goto(alerts.end_link(row.public_id.hex).replace(settings.TOGUNA_URL, live_server.url))
    look("end")
    page.locator("main form button").click()
    page.get_by_role("heading", level=1).wait_for()
    look("ended")
    assert not Alert.objects.exists()
    for path, name in (("reports/districts", "districts"), ("reports/embed/code", "embed-code"), ("reports/", "list")):
        page.goto(f"{live_server.url}/{path}")
        look(name)


def test_a_question_from_the_hand_to_the_answer(browse, live_server, town, hire):
    starter.load()
    page = browse()

    def look(name: str, on: Any = None) -> None:
        sound(on or page, browse)
        shot(on or page, name)

    page.goto(f"{live_server.url}/ask/")
    look("ask")
    page.locator("[name=text]").fill("Combien coûte une place au marché pour vendre des mangues ?")
    page.locator("main form button").click()
    page.locator("details summary").first.click()
    look("ask-send")
    page.locator("[name=contact]").fill("70")
    page.locator("button.button").last.click()
    page.get_by_role("alert").first.wait_for()
    look("ask-wrong")
    page.locator("[name=contact]").fill("70 00 00 01")
    page.locator("[name=open_to_all]").check()
    page.locator("button.button").last.click()
    code = page.locator(".code").inner_text().replace(" ", "")
    look("ask-thanks")
    case = cases.Case.objects.get(code=code)
    staff = signed_in(browse, live_server, hire("manager"))
    staff.goto(f"{live_server.url}/desk/questions/")
    look("desk-questions", staff)
    staff.get_by_role("link", name=re.compile("mangues")).click()
    look("desk-question", staff)
    staff.locator("#article").select_option("market-stall")
    staff.locator("form.card[method=get] button").click()
    assert "régisseur" in staff.locator("#words").input_value()
    staff.locator("button[value=answer]").click()
    staff.wait_for_url(f"**/desk/questions/{code}")
    look("desk-answered", staff)
    case.refresh_from_db()
    assert case.state == "answered"
    for path, name in (
        ("articles/", "articles"),
        (f"articles/new?from={code}", "article"),
        ("questions/teams", "teams"),
    ):
        staff.goto(f"{live_server.url}/desk/{path}")
        look(name, staff)
    page.goto(f"{live_server.url}/ask/{code}?key={cases.key_of(case)}")
    look("question")
    page.locator("#words").fill("Et le dimanche ?")
    page.locator("button[value=contest]").click()
    page.get_by_role("status").first.wait_for()
    case.refresh_from_db()
    assert case.open
    for path, name in (
        ("ask/answers/", "answers"),
        ("ask/answers/?q=terrain", "answers-found"),
        ("ask/answers/land", "answer"),
    ):
        page.goto(f"{live_server.url}/{path}")
        look(name)


@pytest.mark.parametrize(
    "path", ["around/", "ask/", "ask/answers/", "reports/districts", "reports/embed", "reports/embed/code", "reports/"]
)
def test_light_enough_for_2g(path, town, opened):
    starter.load()
    for n in range(60):
        opened(lon=0.1 + n / 100, text="Un grand trou devant l'école, depuis longtemps")
    assert len(gzip.compress(Client().get(f"/{path}").content)) < 15_000


def warm(page: Any) -> int:
    """How many pixels of the map are of the colours of heat (or of the points)."""
    seen = Image.open(io.BytesIO(page.locator(".map").screenshot())).convert("RGB")
    return sum(red > 150 and red - blue > 70 for red, _green, blue in seen.getdata())


def drawn(page: Any, enough: Callable[[int], bool]) -> None:
    """Waits until the map looks so; a machine without a graphics card takes its time."""
    for _n in range(40):
        if enough(pixels := warm(page)):
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{pixels} pixels")


def test_heat_is_drawn_from_the_tiles(live_server, town, opened, settings, monkeypatch):
    """The switch draws what the tiles of reports hold; without it, they are not even asked for."""
    from playwright.sync_api import sync_playwright

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    for n in range(30):
        opened(lon=0.4 + n / 200 if n < 10 else 0.45, lat=0.4 + n % 5 / 50 if n < 10 else 0.45)
    with sync_playwright() as play:
        flags = ["--no-sandbox", "--enable-unsafe-swiftshader", "--use-gl=swiftshader"]
        browser = play.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_context(viewport={"width": 1200, "height": 900}, locale="fr-FR").new_page()
        asked, wrong = [], []
        page.on("request", lambda r: asked.append(r.url) if "/tiles/reports/" in r.url else None)
        page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
        page.goto(f"{live_server.url}/reports/")
        page.locator("summary").first.click()
        page.locator(".maplibregl-canvas").wait_for()
        page.wait_for_timeout(3000)
        assert not asked and not warm(page)
        page.locator("[data-map-way=heat]").check()
        drawn(page, lambda pixels: pixels > 150)
        assert asked
        assert not page.locator("a.mark").first.is_visible()
        shot(page, "heat")
        page.locator("[data-map-way=points]").check()
        drawn(page, lambda pixels: pixels > 0)
        shot(page, "points")
        page.goto(f"{live_server.url}/reports/embed")
        page.locator(".maplibregl-marker").first.wait_for()
        assert page.locator("a.mark").count() == 30
        with page.context.expect_page() as opening:
            page.locator("a.mark").first.evaluate("mark => mark.click()")
        assert re.search(r"/reports/\w{6}$", opening.value.url)
        shot(page, "embed")
        assert not [words for words in wrong if "WebGL" not in words and "GPU" not in words]
        browser.close()


def test_what_is_merged_leads_to_the_other(town):
    starter.load()
    topic = cases.Topic.objects.get(slug="ask-other")
    first, second = (
        cases.open_case(cases.Asked(type="questions", topic=topic, text=f"Question {n}"), by=SYSTEM)[0]
        for n in range(2)
    )
    cases.merge(first.pk, [second.pk], by=SYSTEM)
    assert f"/ask/{first.code}" in Client().get(f"/ask/{second.code}").content.decode()
