"""Moderation and setting up in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.conf import settings

from toguna.engines.cases import api as cases
from toguna.kernel.access import SYSTEM
from toguna.services.reports import topics
from toguna.services.reports.tests.test_browser import browse, pytestmark, sound

__all__ = ["browse", "pytestmark"]


@pytest.fixture
def head(browse, live_server, hire) -> Any:
    session = hire("manager").cookies[settings.SESSION_COOKIE_NAME].value
    return browse([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])


def shot(page: Any, name: str) -> None:
    """TOGUNA_SHOTS=folder keeps what was seen, for a person to look at."""
    if folder := os.environ.get("TOGUNA_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
        page.set_viewport_size({"width": 1200, "height": 900})
        page.screenshot(path=f"{folder}/{name}-wide.png", full_page=True)
        page.set_viewport_size({"width": 320, "height": 640})


def test_a_photo_is_covered(browse, head, live_server, opened, picture, run_jobs):
    case = opened(text="Mamadou jette ses ordures", photos=(picture,))
    run_jobs()
    photo = case.photos.get()
    visitor = browse()
    visitor.goto(f"{live_server.url}/reports/{case.code}/flag")
    sound(visitor, browse)
    visitor.locator("input[name=reason]").first.check()
    visitor.locator("form.narrow button").click()
    visitor.wait_for_url(f"**/reports/{case.code}")
    head.goto(f"{live_server.url}/desk/moderation/")
    sound(head, browse)
    shot(head, "moderation")
    head.locator(f"a[href='/desk/moderation/{case.code}']").click()
    sound(head, browse)
    shot(head, "moderate")
    head.locator(f"a[href$='/photo/{photo.pk}']").click()
    sound(head, browse)
    cells = head.locator("input[name=cell]")
    cells.nth(0).scroll_into_view_if_needed()
    box = cells.nth(0).bounding_box()
    assert box["width"] >= 23.5, "a finger must hit one square"
    if browse.javascript:  # dragged from the first square over two more, then walked by keys
        head.mouse.move(box["x"] + 5, box["y"] + 5)
        head.mouse.down()
        head.mouse.move(box["x"] + box["width"] * 1.5, box["y"] + 5)
        head.mouse.move(box["x"] + box["width"] * 2.5, box["y"] + 5)
        head.mouse.up()
        head.keyboard.press("ArrowDown")
        head.keyboard.press("Space")
        ticked = ["0-0", "0-1", "0-2", "1-0"]
    else:
        for n in (0, 1):
            cells.nth(n).check()
        ticked = ["0-0", "0-1"]
    assert [cell.get_attribute("value") for cell in head.locator("input[name=cell]:checked").all()] == ticked
    shot(head, "cover")
    head.locator("form button.bad").last.click()
    head.wait_for_url(f"**/desk/moderation/{case.code}")
    former, now = photo.public_id, cases.Photo.objects.get(pk=photo.pk)
    assert now.redacted and now.public_id != former
    # The same browser, which has seen it, is not shown it from its cache either.
    assert head.goto(f"{live_server.url}/photos/{former}/large.jpg").status == 404


def test_every_page_of_setting_up(browse, head, live_server, town, opened):
    cases.save_template(
        cases.case_type("reports"),
        None,
        titles={"fr": "Reçu"},
        texts={"fr": "Merci"},
        topic=None,
        transition="",
        by=SYSTEM,
    )
    question = {
        "name": "size", "kind": "singlevaluelist", "label": {"fr": "Quelle taille ?"},
        "values": [{"key": "a", "name": {"fr": "Petite"}}, {"key": "b", "name": {"fr": "Grande"}, "stop": {"fr": "Appelez"}}],
    }  # fmt: skip
    cases.save_questions(cases.case_type("reports"), town.topics["pothole"], [question], by=SYSTEM)
    opened()
    topics.forget()
    rule = cases.Rule.objects.first()
    here = "/desk/setup/categories/pothole"
    for name, address in {
        "categories": "/desk/setup/", "new": "/desk/setup/new", "category": here, "questions": f"{here}/questions",
        "preview": f"{here}/preview", "close": f"{here}/close", "rules": f"/desk/setup/rules/?topic={town.topics['pothole'].pk}&zone={town.north.pk}&at=",
        "rule": f"/desk/setup/rules/{rule.pk}", "templates": "/desk/setup/templates/",
    }.items():  # fmt: skip
        assert head.goto(f"{live_server.url}{address}").status == 200
        sound(head, browse)
        shot(head, name)


def test_a_question_by_buttons(browse, head, live_server, town):
    cases.Topic.objects.update(questions=[])
    topics.forget()
    head.goto(f"{live_server.url}/desk/setup/categories/pothole/questions")
    head.locator("button[value=add]").click()
    head.locator("input[name=q0-label-fr]").fill("Combien de voies ?")
    head.locator("select[name=q0-kind]").select_option("number")
    head.locator("input[name=q0-label-fr]").press("Enter")  # as most people send a form
    head.wait_for_load_state("load")
    sound(head, browse)
    assert [q["kind"] for q in cases.Topic.objects.get(slug="pothole").questions] == ["number"]


def test_closed_meanwhile(browse, live_server, town):
    resident = browse()
    resident.goto(f"{live_server.url}/reports/new/pothole?all=1")
    cases.Topic.objects.filter(slug="pothole").update(active=False)
    topics.forget()
    resident.locator("[name=text]").fill("Un grand trou")
    resident.locator("[name=position]").fill("0.5, 0.5")
    for group in resident.locator("fieldset:has(input[type=radio][name^=q])").all():
        group.locator("input").first.check()
    resident.locator("form[enctype] > button.button").click()
    resident.get_by_role("alert").first.wait_for()
    sound(resident, browse)
    shot(resident, "closed")
    assert resident.locator("[name=text]").input_value() == "Un grand trou"
    with resident.expect_navigation():
        resident.locator("button[formaction$=flooding]").click()
    assert (
        "Un grand trou" in resident.content()
        or cases.Case.objects.filter(topic__slug="flooding", text="Un grand trou").exists()
    )
