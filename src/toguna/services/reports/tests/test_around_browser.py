"""Around and asking in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

import gzip
import io
import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from PIL import Image

from toguna.engines.cases import api as cases
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing_browser import look, press, shot, sound, until
from toguna.services.reports.around import alerts
from toguna.services.reports.asking import starter
from toguna.services.reports.models import Alert


def test_an_alert_from_the_hand_to_the_mailbox(browse, town, opened):
    for lon in (0.5, 0.505, 1.5):
        opened(lon=lon, text="Un grand trou devant l'école")
    page = browse()

    page.goto("/around/")
    sound(page, "around")
    page.locator("[name=email]").fill("personne")
    press(page.locator("form.narrow button.button").last)
    page.get_by_role("alert").first.wait_for()
    sound(page, "around-wrong")
    page.locator("[name=position]").fill("0.5, 0.5")
    press(page.locator("button[formmethod=get]"))
    page.wait_for_url("**/around/?*")
    assert page.locator("section.card li.item").count() == 2
    sound(page, "around-preview")
    page.locator("[name=email]").fill("awa@example.org")
    press(page.locator("form.narrow button.button").last)
    page.wait_for_url("**/around/")
    page.get_by_role("status").first.wait_for()
    row = Alert.objects.get()
    page.goto(f"/around/confirm/{alerts._asked.sign(row.public_id.hex)}")
    sound(page, "confirm")
    press(page.locator("main form button"))
    page.wait_for_url("**/around/")
    row.refresh_from_db()
    assert row.confirmed
    page.goto(alerts.end_link(row.public_id.hex).removeprefix(settings.TOGUNA_URL))
    sound(page, "end")
    press(page.locator("main form button"))
    page.get_by_role("heading", level=1).wait_for()
    sound(page, "ended")
    assert not Alert.objects.exists()
    for path, name in (("reports/districts", "districts"), ("reports/embed/code", "embed-code"), ("reports/", "list")):
        look(page, f"/{path}", name)


def test_a_question_from_the_hand_to_the_answer(browse, town, hire):
    starter.load()
    page = browse()

    page.goto("/ask/")
    sound(page, "ask")
    page.locator("[name=text]").fill("Combien coûte une place au marché pour vendre des mangues ?")
    press(page.locator("main form button"))
    page.locator("details summary").first.click()
    sound(page, "ask-send")
    page.locator("[name=contact]").fill("70")
    press(page.locator("button.button").last)
    page.get_by_role("alert").first.wait_for()
    sound(page, "ask-wrong")
    page.locator("[name=contact]").fill("70 00 00 01")
    page.locator("[name=open_to_all]").check()
    press(page.locator("button.button").last)
    code = page.locator(".code").inner_text().replace(" ", "")
    sound(page, "ask-thanks")
    case = cases.Case.objects.get(code=code)
    chief = browse(hire("manager"))
    chief.goto("/desk/questions/")
    sound(chief, "desk-questions")
    press(chief.get_by_role("link", name=re.compile("mangues")))
    sound(chief, "desk-question")
    chief.locator("#article").select_option("market-stall")
    press(chief.locator("form.card[method=get] button"))
    assert "régisseur" in chief.locator("#words").input_value()
    press(chief.locator("button[value=answer]"))
    chief.wait_for_url(f"**/desk/questions/{code}")
    sound(chief, "desk-answered")
    case.refresh_from_db()
    assert case.state == "answered"
    for path, name in (
        ("articles/", "articles"),
        (f"articles/new?from={code}", "article"),
        ("questions/teams", "teams"),
    ):
        look(chief, f"/desk/{path}", name)
    page.goto(f"/ask/{code}?key={cases.key_of(case)}")
    sound(page, "question")
    page.locator("#words").fill("Et le dimanche ?")
    press(page.locator("button[value=contest]"))
    page.get_by_role("status").first.wait_for()
    case.refresh_from_db()
    assert case.open
    for path, name in (
        ("ask/answers/", "answers"),
        ("ask/answers/?q=terrain", "answers-found"),
        ("ask/answers/land", "answer"),
    ):
        look(page, f"/{path}", name)


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
    return sum(red > 150 and red - blue > 70 for red, _green, blue in seen.get_flattened_data())


def test_heat_is_drawn_from_the_tiles(chromium, town, opened):
    """The switch draws what the tiles of reports hold; without it, they are not even asked for."""
    for n in range(30):
        opened(lon=0.4 + n / 200 if n < 10 else 0.45, lat=0.4 + n % 5 / 50 if n < 10 else 0.45)
    chromium.flags += ["--enable-unsafe-swiftshader", "--use-gl=swiftshader"]
    page = chromium.page(viewport={"width": 1200, "height": 900})
    asked, wrong = [], []
    page.on("request", lambda r: asked.append(r.url) if "/tiles/reports/" in r.url else None)
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.goto("/reports/")
    page.locator("summary").first.click()
    page.locator(".maplibregl-canvas").wait_for()
    page.wait_for_timeout(3000)  # time in which nothing may happen
    assert not asked and not warm(page)
    page.locator("[data-map-way=heat]").check()
    until(page, lambda: warm(page) > 150)
    assert asked
    assert not page.locator("a.mark").first.is_visible()
    shot(page, "heat")
    page.locator("[data-map-way=points]").check()
    until(page, lambda: warm(page) > 0)
    shot(page, "points")
    page.goto("/reports/embed")
    page.locator(".maplibregl-marker").first.wait_for()
    assert page.locator("a.mark").count() == 30
    with page.context.expect_page() as opening:
        page.locator("a.mark").first.evaluate("mark => mark.click()")
    assert re.search(r"/reports/\w{6}$", opening.value.url)
    shot(page, "embed")
    assert not [words for words in wrong if "WebGL" not in words and "GPU" not in words]


def test_what_is_merged_leads_to_the_other(town):
    starter.load()
    topic = cases.Topic.objects.get(slug="ask-other")
    first, second = (
        cases.open_case(cases.Asked(type="questions", topic=topic, text=f"Question {n}"), by=SYSTEM)[0]
        for n in range(2)
    )
    cases.merge(first.pk, [second.pk], by=SYSTEM)
    assert f"/ask/{first.code}" in Client().get(f"/ask/{second.code}").content.decode()
