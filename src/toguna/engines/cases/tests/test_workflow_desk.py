"""The generic desk: who sees what, decisions, many at once, figures, the file on paper."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.cases.desk import figures
from toguna.engines.cases.tests.workflows import KIND, TEAMS, Building
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM

pytestmark = pytest.mark.urls("toguna.engines.cases.tests.desk_pages")
DESK = "/desk/permits/"


@pytest.fixture
def building(db, monkeypatch):
    yield from Building.ready(monkeypatch)


def come(building, name):
    client = Client(headers={"accept-language": "en"})
    sign_in(client, building.accounts[name])
    return client


def read(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def test_a_file_from_the_list_to_the_decision_by_the_pages(building):
    case, agent, fire = building.open("building"), come(building, "agent"), come(building, "fire")
    assert case.code in read(agent, DESK)
    page, act = f"{DESK}{case.code}/", f"{DESK}{case.code}/act/"
    assert "The fee is not paid" in read(agent, page)
    agent.post(act, {"do": "paid", "fee": "file", "receipt": "R-77"})
    assert "R-77" in read(agent, page) and "The fee is not paid" not in read(agent, page)
    agent.post(act, {"do": "move", "transition": "examine", "seen": "asked"})
    assert case.code in read(fire, f"{DESK}?view=opinions")
    one = cases.Opinion.objects.get(case=case, team__slug="fire")
    assert "Give the opinion" in read(fire, page) and "Give the opinion" not in read(agent, page)
    fire.post(act, {"do": "opinion", "opinion": one.pk, "says": "unfavourable", "words": "No way out."})
    case.refresh_from_db()
    assert case.state == "refused" and "No way out." in read(agent, page)
    assert agent.get(f"{page}file.pdf").content.startswith(b"%PDF")
    drawn = read(agent, f"{page}workflow/")
    assert "<svg" in drawn and "The same as a table" in drawn


def test_who_has_no_right_sees_nothing(building):
    case = building.open("building")
    visitor = Client(headers={"accept-language": "en"})
    for path in (
        "",
        f"{case.code}/",
        "figures/",
        "absence/",
        "many/",
        f"{case.code}/file.pdf",
        f"{case.code}/workflow/",
    ):
        assert visitor.get(DESK + path).status_code in (302, 403), path
    reader = come(building, "reader")
    reader.post(f"{DESK}{case.code}/act/", {"do": "paid", "fee": "file", "receipt": "R-1"})
    assert not cases.Step.objects.filter(case=case, action="paid").exists()
    assert reader.get(f"{DESK}ZZZZZZ/").status_code == 404


def test_many_at_once_and_again(building):
    ones, agent = [building.open("certificate") for _n in range(3)], come(building, "agent")
    other = building.open("building")
    form = {
        "case": [one.code for one in (*ones, other)],
        "do": "move",
        "transition": "issue",
        "client_id": uuid.uuid4(),
    }
    assert "Issue" in read(agent, DESK) or agent.post(f"{DESK}many/", {"case": form["case"]}).status_code == 200
    assert cases.Case.objects.filter(state="issued").count() == 0  # the first page only asks
    for _twice in range(2):
        answer = agent.post(f"{DESK}many/", {**form, "confirmed": "yes"}).content.decode()
        assert other.code[:3] in answer and "There is no such action" in answer
    assert cases.Case.objects.filter(state="issued").count() == 3
    assert cases.Step.objects.filter(to_state="issued").count() == 3


def test_lists_cost_the_same_whatever_they_hold(building):
    agent = come(building, "agent")
    building.open("building")
    read(agent, DESK)
    with CaptureQueriesContext(connection) as few:
        read(agent, DESK)
    for _n in range(12):
        building.open("certificate")
    with CaptureQueriesContext(connection) as more:
        read(agent, DESK)
    assert len(more) <= len(few) + 1 and len(more) <= 15, [q["sql"][:80] for q in more.captured_queries]


@pytest.mark.parametrize(
    "query",
    [
        "?view=mine",
        "?view=late",
        "?view=applicant",
        "?view=nope&q=%00",
        "?q=plan&topic=building",
        "?after=9~9",
        "?state=asked",
    ],
)
def test_lists_by_any_question(building, query):
    building.open("building")
    read(come(building, "agent"), DESK + query)


def test_figures_say_load_and_bottlenecks(building):
    waits = []
    for days in (1, 2, 3, 4, 10):
        case = building.open("certificate")
        cases.assign(case.pk, by=SYSTEM, assignee=building.agent.account)
        waits.append((case, days))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL toguna.retention = 'on'")
        for case, days in waits:
            cursor.execute("UPDATE cases_step SET at = now() - %s WHERE case_id = %s", [timedelta(days=days), case.pk])
        cursor.execute("SET LOCAL toguna.retention = 'off'")
    cases.Case.objects.filter(pk=waits[0][0].pk).update(due=timezone.now() - timedelta(days=1))
    assert [(one.open, one.late) for one in figures.load(SYSTEM, KIND)] == [(5, 1)]
    for case, _days in waits:
        cases.move(case.pk, "issue", by=SYSTEM)
    [stay] = figures.stays(SYSTEM, KIND)
    assert (stay.state, stay.times, round(stay.median), round(stay.ninetieth, 1)) == ("asked", 5, 3, 7.6)
    assert "7.6" in read(come(building, "agent"), f"{DESK}figures/")


def test_absence_by_the_page(building):
    for name in ("agent", "fire"):
        building.accounts[name].teams.add(building.teams["land"])
    agent = come(building, "agent")
    today = timezone.localdate().isoformat()
    assert "fire" in read(agent, f"{DESK}absence/")
    agent.post(f"{DESK}absence/", {"start": today, "end": today, "delegate": building.accounts["fire"].pk})
    case = building.open("building")
    cases.assign(case.pk, by=SYSTEM, assignee=building.agent.account)
    case.refresh_from_db()
    assert case.assignee_id == building.accounts["fire"].pk
    assert TEAMS and "First day" in agent.post(f"{DESK}absence/", {"start": "x", "end": ""}).content.decode()
