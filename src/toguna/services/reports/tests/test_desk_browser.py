"""The desk in a real browser at 320 pixels, with JavaScript off, then on; no accessibility violation."""

from __future__ import annotations

from typing import Any

import pytest

from toguna.engines.cases import api as cases
from toguna.kernel.access import NOBODY, SYSTEM
from toguna.kernel.testing_browser import press, sound


@pytest.fixture
def agent(browse, hire, town) -> Any:
    return browse(hire("agent", teams=[town.roads]))


def test_a_day_at_the_desk(browse, agent, opened, town, picture, run_jobs):
    cases.ReplyTemplate.objects.create(
        case_type="reports", transition="accept", titles={"fr": "Pris en charge"}, texts={"fr": "Nous venons demain."}
    )
    case = opened(text="Un grand trou", phone="+22370000001", name="Awa", photos=(picture,))
    twin = opened(text="Le même trou", phone="+22370000001", name="Awa", lon=0.5001)
    cases.add_photo(case.pk, picture + b"\0", by=SYSTEM, moment="after")
    cases.support(case.pk, by=NOBODY, device="x")
    run_jobs()
    desk = "/desk/reports/"

    agent.goto(f"{desk}?q=trou&supporters=0")
    sound(agent, "inbox")
    for code in (case.code, twin.code):
        agent.locator(f"input[value='{code}']").check()
    press(agent.locator("button[value=move]"))
    sound(agent, "bulk")
    agent.locator("input[value=accept]").check()
    press(agent.locator(".deskmain form button"))
    sound(agent, "done")
    assert set(cases.Case.objects.values_list("state", flat=True)) == {"accepted"}

    cases.move(case.pk, "solve", by=SYSTEM)
    cases.move(case.pk, "reopen", by=SYSTEM, words="Pas fini")
    cases.log_work(case.pk, by=SYSTEM, minutes=45, cost=12500)
    agent.goto(desk + case.code)
    agent.locator("details").evaluate_all("all => all.forEach(d => d.open = true)")
    sound(agent, "report")
    press(agent.locator("button[value=mine]"))
    agent.wait_for_url(f"**/{case.code}")
    assert cases.Case.objects.get(pk=case.pk).assignee is not None
    agent.locator(f"input[name=other][value='{twin.code}']").check()
    press(agent.locator("button[value=merge]"))
    agent.wait_for_url(f"**/{case.code}")
    assert cases.Case.objects.get(pk=twin.pk).merged_into_id == case.pk

    agent.goto(f"{desk}new")
    agent.locator("input[name=contact]").fill("70 00 00 01")
    agent.locator("select[name=topic]").select_option("pothole")
    sound(agent, "call")
    press(agent.locator("button[value=look]"))
    sound(agent, "entry")
    agent.locator("[name=position]").fill("0.5, 0.5")
    agent.locator("[name=text]").fill("Encore le trou")
    press(agent.locator("form.narrow button.button").last)
    sound(agent, "entry-near")
    press(agent.locator("button[name=sure]"))
    agent.wait_for_url("**/slip")
    sound(agent, "slip")
