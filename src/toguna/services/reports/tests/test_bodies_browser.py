"""Other bodies in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

from toguna.services.reports.models import Body, BodyService, Transfer
from toguna.services.reports.tests.test_bodies import water
from toguna.services.reports.tests.test_browser import browse, pytestmark, sound
from toguna.services.reports.tests.test_setup_browser import head, shot

__all__ = ["browse", "head", "pytestmark", "water"]


def test_a_body_is_added_and_a_report_sent_on(browse, head, live_server, opened, water, run_jobs, town):
    case = opened("water-point", text="Une fuite")
    head.goto(f"{live_server.url}/desk/bodies/")
    sound(head, browse)
    head.locator("a[href='/desk/bodies/new']").click()
    head.locator("form.narrow button").click()
    sound(head, browse)
    shot(head, "body-wrong")
    head.locator("[name=names_fr]").fill("Compagnie des eaux")
    head.locator("[name=contact_fr]").fill("Téléphone 80 00 11 22")
    head.locator("[name=endpoint]").fill(water.endpoint)
    head.locator("[name=active]").check()
    head.locator("form.narrow button").click()
    head.wait_for_url("**/desk/bodies/compagnie-des-eaux")
    head.locator("button[value=check]").click()
    head.locator("text=Fuites").first.wait_for(state="attached")
    sound(head, browse)
    head.locator("[name=code-water-point]").fill("W1")
    shot(head, "body")
    head.locator("button[value=services]").click()
    head.wait_for_load_state()
    assert BodyService.objects.get().service_code == "W1"
    head.locator("button[value=key]").click()
    sound(head, browse)
    assert len(head.locator("code").first.inner_text()) > 30

    water.answer = lambda handler, method, *_: (
        method == "POST"
        and (handler.rows("errors", "error", [{"code": "400", "description": "Numéro de compteur ?"}], 400) or True)
    )
    head.goto(f"{live_server.url}/desk/reports/{case.code}")
    head.locator("#to-body").select_option("compagnie-des-eaux")
    head.locator("form[action*='/desk/bodies/send/'] button").click()
    head.wait_for_load_state()
    run_jobs()
    head.goto(f"{live_server.url}/desk/reports/{case.code}")
    sound(head, browse)
    shot(head, "body-report")
    head.goto(f"{live_server.url}/desk/bodies/compagnie-des-eaux")
    head.locator("text=Numéro de compteur").first.wait_for(state="attached")
    sound(head, browse)
    shot(head, "body-problems")
    water.answer = lambda *_: False
    head.locator("button[value=again]").click()
    head.wait_for_load_state()
    run_jobs()
    assert Transfer.objects.get().remote_id == "W-1" and Body.objects.get().trouble == ""
    head.goto(f"{live_server.url}/desk/bodies/")
    sound(head, browse)
    shot(head, "bodies")
