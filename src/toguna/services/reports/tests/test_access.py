"""Every page of the service against every role, and two agents at once."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from toguna.engines.cases import api as cases
from toguna.engines.cases.api import Step
from toguna.kernel.access import SYSTEM, Denied
from toguna.services.reports import urls
from toguna.services.reports.desk import urls as desk_urls

OPEN_TO_ALL = {"reports", "report-choose", "report-new", "report-thanks", "report-follow", "report"}
DESK = {"desk-reports", "desk-report", "desk-report-act"}
DESK_MORE = {  # who may: test_desk.py
    "desk-report-new", "desk-report-slip", "desk-report-pdf", "desk-bulk", "desk-reports-export", "desk-keep",
}  # fmt: skip


def address(name: str, code: str) -> str:
    from django.urls import reverse

    return reverse(
        name,
        args={"report-new": ["pothole"]}.get(
            name, [code] if name in {*DESK, "report", "report-thanks"} - {"desk-reports"} else []
        ),
    )


def test_every_page_is_in_this_matrix():
    assert {p.name for p in urls.urlpatterns} == OPEN_TO_ALL | {
        "report-answer",
        "report-me-too",
    }  # who may: the test below
    assert {p.name for p in desk_urls.urlpatterns} == DESK | DESK_MORE
    assert get_resolver()


@pytest.mark.parametrize("name", sorted(OPEN_TO_ALL))
@pytest.mark.parametrize("role", ["nobody", "", "reader", "agent", "manager", "administrator"])
def test_public_pages_are_open_to_all(name, role, hire, opened):
    client = Client() if role == "nobody" else hire(role)
    assert client.get(address(name, opened().code)).status_code == 200


def test_only_the_person_who_reported_answers(opened, town, hire, run_jobs):
    """With the key of their links, within the time: never somebody else, and never another transition than theirs."""
    case = opened(email="awa@example.org")
    cases.move(case.pk, "solve", by=SYSTEM)
    url, key = f"/reports/{case.code}/answer", cases.key_of(case)
    contest = {"transition": "contest", "words": "Le trou est toujours là"}
    anyone = Client()

    def state() -> str:
        return cases.Case.objects.values_list("state", flat=True).get(pk=case.pk)

    for wrong in ({}, {"key": "x"}, {"key": key[:-1]}, {"key": cases.key_of(opened())}):
        anyone.post(url, {**contest, **wrong})
        assert state() == "solved"
    anyone.post(url, {**contest, "key": key, "transition": "reopen"})
    anyone.post(url, {**contest, "key": key, "words": " "})
    assert state() == "solved"
    assert "transition" not in anyone.get(f"/reports/{case.code}").content.decode()
    assert "transition" in anyone.get(f"/reports/{case.code}?key={key}").content.decode()
    anyone.post(url, {"key": key, "transition": "thank"})
    assert state() == "solved"
    anyone.post(url, {**contest, "key": key})
    assert state() == "accepted"
    run_jobs()
    from toguna.engines.channels.models import Message

    assert Message.objects.filter(address="voirie@town.test", text__contains="toujours là").count() == 1
    assert Message.objects.filter(address="awa@example.org", text__contains=f"?key={key}").exists()
    agent = hire("agent")
    agent.post(f"/desk/reports/{case.code}/act", {"do": "move", "transition": "solve"})
    agent.post(f"/desk/reports/{case.code}/act", {"do": "move", "transition": "thank"})
    from datetime import timedelta

    from django.utils import timezone

    cases.Case.objects.filter(pk=case.pk).update(closed=timezone.now() - timedelta(days=29))
    anyone.post(url, {**contest, "key": key})
    assert state() == "solved"


@pytest.mark.parametrize("name", sorted(DESK))
@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("nobody", 302),
        ("no factor", 302),
        ("", 403),
        ("other service", 403),
        ("reader", 200),
        ("agent", 200),
        ("manager", 200),
        ("administrator", 200),
    ],
)
def test_the_desk_is_open_to_roles_that_read(name, role, expected, hire, opened):
    match role:
        case "nobody":
            client = Client()
        case "no factor":
            client = hire("agent", factor=False)
        case "other service":
            client = hire("manager", service="waste")
        case _:
            client = hire(role)
    response = client.get(address(name, opened().code))
    if expected == 200 and name == "desk-report-act":
        expected = 302  # a GET leads back to the report
        assert response.url.endswith(address("desk-report", response.url.rsplit("/", 1)[-1]))
    elif expected == 302:
        assert response.url.startswith("/account/staff?")
    assert response.status_code == expected


@pytest.mark.parametrize(
    ("role", "zone", "sees", "acts"),
    [
        ("reader", "whole", True, False), ("reader", "north", True, False), ("reader", "south", False, False),
        ("agent", "whole", True, True), ("agent", "north", True, True), ("agent", "south", False, False),
        ("manager", "north", True, True), ("manager", "south", False, False), ("administrator", "whole", True, True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("action", ["move", "assign", "reply", "note"])
def test_actions_by_role_and_zone(role, zone, sees, acts, action, hire, opened, town):
    case = opened()
    client = hire(role, zone=getattr(town, zone).pk)
    assert (case.code in client.get("/desk/reports/").content.decode()) is sees
    assert client.get(f"/desk/reports/{case.code}").status_code == (200 if sees else 404)
    body = {"do": action, "transition": "accept", "words": "x", "team": town.water.pk}
    status = client.post(f"/desk/reports/{case.code}/act", body).status_code
    assert status == (302 if acts else 403 if sees else 404)
    case.refresh_from_db()
    changed = case.state != "received" or case.team != town.roads or Step.objects.filter(case=case).count() > 1
    assert changed is acts


def test_a_team_member_sees_the_teams_cases_outside_the_zone(hire, opened, town):
    case = opened()  # in Nord, for Voirie
    member = hire("agent", zone=town.south.pk, teams=[town.roads])
    assert case.code in member.get("/desk/reports/").content.decode()
    assert member.get(f"/desk/reports/{case.code}").status_code == 200
    assert member.post(f"/desk/reports/{case.code}/act", {"do": "reply", "words": "x"}).status_code == 403


def test_words_of_a_stale_page_are_refused(hire, opened, town):
    case, agent = opened(), hire("agent")
    cases.move(case.pk, "solve", by=SYSTEM)
    response = agent.post(
        f"/desk/reports/{case.code}/act",
        {"do": "move", "transition": "refuse", "seen": "received", "words": "non"},
        follow=True,
    )
    assert "meanwhile" in response.content.decode() or "entre-temps" in response.content.decode()
    case.refresh_from_db()
    assert case.state == "solved"


def test_nobody_may_act_from_inside_either(opened):
    from toguna.kernel.access import NOBODY

    case = opened()
    for act in (
        lambda: cases.move(case.pk, "accept", by=NOBODY),
        lambda: cases.assign(case.pk, by=NOBODY),
        lambda: cases.reply(case.pk, "x", by=NOBODY),
    ):
        with pytest.raises(Denied):
            act()


@pytest.mark.django_db(transaction=True)
def test_two_agents_at_once(opened):
    case = opened()
    start, results = threading.Barrier(2), []

    def take(transition: str) -> None:
        try:
            start.wait()
            cases.move(case.pk, transition, by=SYSTEM, seen="received", words="x")
            results.append("done")
        except cases.Conflict:
            results.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=[t]) for t in ("accept", "refuse")]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(results) == ["conflict", "done"]
    assert Step.objects.filter(case=case, action="moved").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_form_twice_at_once(town):
    import uuid

    from toguna.kernel.access import NOBODY

    asked = cases.Asked(
        type="reports", topic=town.topics["pothole"], text="x", lon=0.5, lat=0.5, client_id=uuid.uuid4()
    )
    start, codes = threading.Barrier(4), []

    def send() -> None:
        try:
            start.wait()
            codes.append(cases.open_case(asked, by=NOBODY))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len({case.code for case, _ in codes}) == 1 and sum(new for _, new in codes) == 1
    assert cases.Case.objects.count() == Step.objects.count() == 1
