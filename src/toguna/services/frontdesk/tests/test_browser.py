"""The front desk in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.people.models import Contact, Person
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing_browser import press, sound
from toguna.services.frontdesk import actions
from toguna.services.frontdesk.models import Call
from toguna.services.frontdesk.tests.conftest import FAMILY


@pytest.fixture(params=[False, True], ids=["without JavaScript", "with JavaScript"])
def page(request, chromium, hire):
    """An agent's page; `page.look(name)` judges it, with all that is folded in it."""
    opened: Any = chromium.page(hire("manager"), java_script_enabled=request.param)

    def look(name: str) -> None:
        opened.wait_for_load_state("load")
        opened.locator("details").evaluate_all("all => all.forEach(d => { d.open = true })")
        sound(opened, f"front-{name}-{request.param}")

    opened.look = look
    return opened


def test_a_call_from_the_ring_to_the_wrap_up(page, family):
    secret = actions.connect("Asterisk", by=SYSTEM)
    people.grant_mandate(family.moussa, family.awa, consent="De vive voix", by=SYSTEM)
    headers = {"authorization": f"Bearer {secret}"}
    Client().post("/telephony/events", {"event": "ringing", "id": "1", "from": FAMILY, "to": "201"}, headers=headers)
    for n, words in enumerate(("AGENT", "Mon acte de naissance ?")):
        channels.receive("sms", FAMILY, words, reference=str(n))
    page.goto("/desk/front/")
    page.look("start")
    press(page.locator("a[href*='call=']"))
    page.look("who")
    press(page.get_by_role("link", name="Awa Traoré"))
    page.look("screen")
    assert "Mon acte de naissance" in page.locator("main").inner_text()
    page.locator("select[name=reason]").select_option("papers")
    page.locator("select[name=outcome]").select_option("answered")
    press(page.locator("form[action$='wrap-up'] button"))
    page.wait_for_url("**/desk/front/")
    row = Call.objects.get()
    assert (row.person, row.reason, row.extension) == (family.awa, "papers", "201")
    for where in ("conversations", "call-backs", "day", "scripts", "scripts/welcome", "exchanges"):
        page.goto(f"/desk/front/{where}")
        page.look(where.replace("/", "-"))
    page.goto("/desk/front/conversations")
    press(page.locator("a[href*='/conversations/']").first)
    page.look("thread")
    page.locator("textarea[name=words]").fill("Venez avec votre carte.")
    press(page.locator("button[value=answer]"))
    assert channels.Message.objects.filter(text="Venez avec votre carte.").count() == 1
    press(page.locator("button[value=back]"))
    page.wait_for_url("**/desk/front/conversations")
    page.goto("/desk/front/call-backs")
    page.locator("input[name=number]").fill("abc")
    page.locator("textarea[name=why]").fill("x")
    press(page.locator("form.narrow button"))
    page.look("call-backs-wrong")


def test_who_are_you_on_a_small_phone(page, town):
    for name in ("Awa Traoré", "Moussa Traoré"):
        Contact.objects.create(person=Person.objects.create(name=name), kind="phone", value=FAMILY)
    page.context.clear_cookies()
    page.goto("/account/login")
    page.look("login")
    page.locator("input[name=contact]").fill("70 00 00 01")
    press(page.locator("button[value=dial]"))
    page.look("dial")
    page.locator("input[name=code]").fill(people.confirm_by_ussd(FAMILY))
    press(page.locator("main form button"))
    page.look("who-are-you")
    assert "A••• T•••" in page.locator("main").inner_text()
    page.get_by_label("M••• T•••").check()
    page.locator("input[name=name]").fill("moussa")
    press(page.locator("main form button"))
    page.wait_for_url("**/account/")
    assert "Moussa" in page.locator("main").inner_text()
