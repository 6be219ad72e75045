"""Moderation and setting up in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

from toguna.engines.cases import api as cases
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing_browser import look, press, shot, sound
from toguna.services.reports import topics


def test_a_photo_is_covered(browse, head, opened, picture, run_jobs):
    case = opened(text="Mamadou jette ses ordures", photos=(picture,))
    run_jobs()
    photo = case.photos.get()
    visitor = browse()
    visitor.goto(f"/reports/{case.code}/flag")
    sound(visitor)
    visitor.locator("input[name=reason]").first.check()
    press(visitor.locator("form.narrow button"))
    visitor.wait_for_url(f"**/reports/{case.code}")
    head.goto("/desk/moderation/")
    sound(head, "moderation")
    press(head.locator(f"a[href='/desk/moderation/{case.code}']"))
    sound(head, "moderate")
    press(head.locator(f"a[href$='/photo/{photo.pk}']"))
    sound(head)
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
    press(head.locator("form button.bad").last)
    head.wait_for_url(f"**/desk/moderation/{case.code}")
    former, now = photo.public_id, cases.Photo.objects.get(pk=photo.pk)
    assert now.redacted and now.public_id != former
    # The same browser, which has seen it, is not shown it from its cache either.
    assert head.goto(f"/photos/{former}/large.jpg").status == 404


def test_every_page_of_setting_up(browse, head, town, opened):
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
        look(head, address, name)


def test_a_question_by_buttons(browse, head, town):
    cases.Topic.objects.update(questions=[])
    topics.forget()
    head.goto("/desk/setup/categories/pothole/questions")
    press(head.locator("button[value=add]"))
    head.locator("input[name=q0-label-fr]").fill("Combien de voies ?")
    head.locator("select[name=q0-kind]").select_option("number")
    with head.expect_navigation():
        head.locator("input[name=q0-label-fr]").press("Enter")  # as most people send a form
    sound(head)
    assert [q["kind"] for q in cases.Topic.objects.get(slug="pothole").questions] == ["number"]


def test_closed_meanwhile(browse, town):
    resident = browse()
    resident.goto("/reports/new/pothole?all=1")
    cases.Topic.objects.filter(slug="pothole").update(active=False)
    topics.forget()
    resident.locator("[name=text]").fill("Un grand trou")
    resident.locator("[name=position]").fill("0.5, 0.5")
    for group in resident.locator("fieldset:has(input[type=radio][name^=q])").all():
        group.locator("input").first.check()
    press(resident.locator("form[enctype] > button.button"))
    resident.get_by_role("alert").first.wait_for()
    sound(resident, "closed")
    assert resident.locator("[name=text]").input_value() == "Un grand trou"
    press(resident.locator("button[formaction$=flooding]"))
    assert (
        "Un grand trou" in resident.content()
        or cases.Case.objects.filter(topic__slug="flooding", text="Un grand trou").exists()
    )
