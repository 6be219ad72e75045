"""Other bodies in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

from toguna.kernel.testing_browser import press, shot, sound
from toguna.services.reports.models import Body, BodyService, Transfer
from toguna.services.reports.tests.test_bodies import water

__all__ = ["water"]


def test_a_body_is_added_and_a_report_sent_on(browse, head, opened, water, run_jobs, town):
    case = opened("water-point", text="Une fuite")
    head.goto("/desk/bodies/")
    sound(head)
    press(head.locator("a[href='/desk/bodies/new']"))
    press(head.locator("form.narrow button"))
    sound(head, "body-wrong")
    head.locator("[name=names_fr]").fill("Compagnie des eaux")
    head.locator("[name=contact_fr]").fill("Téléphone 80 00 11 22")
    head.locator("[name=endpoint]").fill(water.endpoint)
    head.locator("[name=active]").check()
    press(head.locator("form.narrow button"))
    head.wait_for_url("**/desk/bodies/compagnie-des-eaux")
    press(head.locator("button[value=check]"))
    head.locator("text=Fuites").first.wait_for(state="attached")
    sound(head)
    head.locator("[name=code-water-point]").fill("W1")
    shot(head, "body")
    press(head.locator("button[value=services]"))
    assert BodyService.objects.get().service_code == "W1"
    press(head.locator("button[value=key]"))
    sound(head)
    assert len(head.locator("code").first.inner_text()) > 30

    water.answer = lambda handler, method, *_: (
        method == "POST"
        and (handler.rows("errors", "error", [{"code": "400", "description": "Numéro de compteur ?"}], 400) or True)
    )
    head.goto(f"/desk/reports/{case.code}")
    head.locator("#to-body").select_option("compagnie-des-eaux")
    press(head.locator("form[action*='/desk/bodies/send/'] button"))
    run_jobs()
    head.goto(f"/desk/reports/{case.code}")
    sound(head, "body-report")
    head.goto("/desk/bodies/compagnie-des-eaux")
    head.locator("text=Numéro de compteur").first.wait_for(state="attached")
    sound(head, "body-problems")
    water.answer = lambda *_: False
    press(head.locator("button[value=again]"))
    run_jobs()
    assert Transfer.objects.get().remote_id == "W-1" and Body.objects.get().trouble == ""
    head.goto("/desk/bodies/")
    sound(head, "bodies")
