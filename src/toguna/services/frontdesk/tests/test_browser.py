"""The front desk in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.people.models import Contact, Person
from toguna.kernel.access import SYSTEM
from toguna.services.frontdesk import actions
from toguna.services.frontdesk.models import Call
from toguna.services.frontdesk.tests.conftest import FAMILY

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.django_db(transaction=True, available_apps=django_settings.INSTALLED_APPS),
]


@pytest.fixture(params=[False, True], ids=["without JavaScript", "with JavaScript"])
def page(request, monkeypatch, settings, live_server, hire):
    """An agent's page; `page.look(name)` judges it."""
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    # The test's server finds static files in the sources, by their plain names.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    session = hire("manager").cookies[settings.SESSION_COOKIE_NAME].value
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # playwright runs a loop in this thread
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": 320, "height": 640}, locale="fr-FR", java_script_enabled=request.param
        )
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        opened: Any = context.new_page()

        def look(name: str) -> None:
            opened.wait_for_load_state("load")
            if folder := os.environ.get("TOGUNA_SHOTS"):
                opened.screenshot(path=f"{folder}/front-{name}-{request.param}.png", full_page=True)
            if request.param:  # both ask the page by script
                opened.locator("details").evaluate_all("all => all.forEach(d => d.open = true)")
                assert opened.evaluate("document.documentElement.scrollWidth") <= 320, name
                found = Axe().run(opened).response["violations"]
                assert [(v["id"], v["nodes"][0]["html"]) for v in found] == [], name

        opened.look = look
        yield opened
        browser.close()


def test_a_call_from_the_ring_to_the_wrap_up(page, live_server, family):
    secret = actions.connect("Asterisk", by=SYSTEM)
    people.grant_mandate(family.moussa, family.awa, consent="De vive voix", by=SYSTEM)
    headers = {"authorization": f"Bearer {secret}"}
    Client().post("/telephony/events", {"event": "ringing", "id": "1", "from": FAMILY, "to": "201"}, headers=headers)
    for n, words in enumerate(("AGENT", "Mon acte de naissance ?")):
        channels.receive("sms", FAMILY, words, reference=str(n))
    page.goto(f"{live_server.url}/desk/front/")
    page.look("start")
    page.locator("a[href*='call=']").click()
    page.look("who")
    page.get_by_role("link", name="Awa Traoré").click()
    page.look("screen")
    assert "Mon acte de naissance" in page.content()
    page.locator("select[name=reason]").select_option("papers")
    page.locator("select[name=outcome]").select_option("answered")
    page.locator("form[action$='wrap-up'] button").click()
    page.wait_for_url("**/desk/front/")
    row = Call.objects.get()
    assert (row.person, row.reason, row.extension) == (family.awa, "papers", "201")
    for where in ("conversations", "call-backs", "day", "scripts", "scripts/welcome", "exchanges"):
        page.goto(f"{live_server.url}/desk/front/{where}")
        page.look(where.replace("/", "-"))
    page.goto(f"{live_server.url}/desk/front/conversations")
    page.locator("a[href*='/conversations/']").first.click()
    page.look("thread")
    page.locator("textarea[name=words]").fill("Venez avec votre carte.")
    page.locator("button[value=answer]").click()
    page.wait_for_load_state("load")
    assert channels.Message.objects.filter(text="Venez avec votre carte.").count() == 1
    page.locator("button[value=back]").click()
    page.wait_for_url("**/desk/front/conversations")
    page.goto(f"{live_server.url}/desk/front/call-backs")
    page.locator("input[name=number]").fill("abc")
    page.locator("textarea[name=why]").fill("x")
    page.locator("form.narrow button").click()
    page.look("call-backs-wrong")


def test_who_are_you_on_a_small_phone(page, live_server, town):
    for name in ("Awa Traoré", "Moussa Traoré"):
        Contact.objects.create(person=Person.objects.create(name=name), kind="phone", value=FAMILY)
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/account/login")
    page.look("login")
    page.locator("input[name=contact]").fill("70 00 00 01")
    page.locator("button[value=dial]").click()
    page.look("dial")
    page.locator("input[name=code]").fill(people.confirm_by_ussd(FAMILY))
    page.locator("main form button").click()
    page.look("who-are-you")
    assert "A••• T•••" in page.content()
    page.get_by_label("M••• T•••").check()
    page.locator("input[name=name]").fill("moussa")
    page.locator("main form button").click()
    page.wait_for_url("**/account/")
    assert "Moussa" in page.content()
