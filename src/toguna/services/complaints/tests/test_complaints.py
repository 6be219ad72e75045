"""Complaining by each door, the ladder, what the desk may do, what everyone reads."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.cases import retention
from toguna.engines.channels import api as channels
from toguna.engines.channels.models import Message
from toguna.engines.people import api as people
from toguna.kernel.demo import DemoFiles
from toguna.kernel.testing import run_jobs as run_waiting
from toguna.services.complaints import actions, demo, reads
from toguna.services.complaints.models import Complaint, Level

EN = {"accept-language": "en"}
WORDS = "The clerk kept me waiting for three days."


def fields(**more):
    return {
        "client_id": uuid.uuid4(), "topic": "service", "text": WORDS, "about": "", "name": "Awa", "contact": "70000001", **more
    }  # fmt: skip


@pytest.fixture
def complain(town):
    def made(**more) -> cases.Case:
        answer = Client(headers=EN).post(reverse("complain"), fields(**more))
        assert answer.status_code == 302, answer.content.decode()[-2000:]
        case = cases.Case.objects.get(code=answer["Location"].split("/")[2].split("?")[0])
        case.link = answer["Location"]
        return case

    return made


def test_a_complaint_is_received_once_and_followed(complain, client):
    once = uuid.uuid4()
    case = complain(client_id=once)
    assert complain(client_id=once).pk == case.pk and Complaint.objects.count() == 1
    assert not case.public and case.due and case.reporter.name == "Awa"
    client = Client(headers=EN)
    assert WORDS in client.get(case.link).content.decode()
    stranger = client.get(reverse("complaint", args=[case.code])).content.decode()
    assert WORDS not in stranger and "Received" in stranger and "Awa" not in stranger
    run_waiting()
    assert case.code in Message.objects.get(medium="sms").text


@pytest.mark.parametrize("wrong", [{"text": "x"}, {"topic": "nothing"}, {"contact": "12"}, {"client_id": "x"}])
def test_what_is_wrong_is_said_and_nothing_kept(town, wrong):
    answer = Client(headers=EN).post(reverse("complain"), fields(**wrong))
    assert answer.status_code == 422 and not cases.Case.objects.exists()
    assert WORDS in answer.content.decode() or "text" in wrong


def test_what_it_is_about(complain):
    first = complain()
    assert complain(about=first.code.lower()).complaint.about == first.code
    other = complain(about="the water company")
    assert other.complaint.about == "" and "the water company" in other.text


def test_late_ones_rise_level_by_level_and_no_further(complain):
    case = complain()
    team = people.Team.objects.create(slug="head", names={"en": "Head"})
    Level.objects.filter(number=1).update(team=team)
    actions.escalate_late()  # not late yet
    assert Complaint.objects.get().level == 0
    for level in (1, 2, 3, 3):
        cases.Case.objects.update(due=timezone.now() - timedelta(days=1))
        actions.escalate_late()
        assert Complaint.objects.get().level == level
    case.refresh_from_db()
    assert case.team == team
    steps = case.steps.filter(action="escalated")
    assert [s.data["level"] for s in steps] == [1, 2, 3] and all(s.account is None and s.public for s in steps)
    run_waiting()
    assert Message.objects.filter(medium="sms").count() == 4  # received, and each level


def test_a_closed_one_does_not_rise(complain, hire):
    case = complain()
    hire().post(reverse("desk-complaint-act", args=[case.code]), {"do": "move", "transition": "reject", "words": "No."})
    cases.Case.objects.update(due=timezone.now() - timedelta(days=1))
    actions.escalate_late()
    assert Complaint.objects.get().level == 0


def test_who_does_not_agree_goes_one_level_higher(complain, hire):
    case = complain()
    key = case.link.split("key=")[1].split("&")[0]
    visitor, answer = Client(headers=EN), reverse("complaint-answer", args=[case.code])
    desk = reverse("desk-complaint-act", args=[case.code])
    hire().post(desk, {"do": "move", "transition": "reject", "words": "It was a holiday.", "seen": "received"})
    visitor.post(answer, {"key": "wrong", "do": "contest", "words": "No holiday."})
    assert cases.Case.objects.get().state == "rejected"
    visitor.post(answer, {"key": key, "do": "contest", "words": ""})  # why is asked
    assert cases.Case.objects.get().state == "rejected"
    visitor.post(answer, {"key": key, "do": "contest", "words": "No holiday."})
    row = cases.Case.objects.get()
    assert (row.state, row.complaint.level, row.complaint.contested) == ("received", 1, 1)
    assert "No holiday." in visitor.get(case.link).content.decode()


def test_the_desk(complain, hire):
    case = complain()
    page, act = reverse("desk-complaint", args=[case.code]), reverse("desk-complaint-act", args=[case.code])
    agent = hire()
    assert WORDS in agent.get(reverse("desk-complaints")).content.decode()
    assert (
        "Awa" not in agent.get(page).content.decode() and "Awa" in agent.get(page + "?reporter=show").content.decode()
    )
    agent.post(act, {"do": "escalate", "words": ""})
    agent.post(act, {"do": "note", "words": "Call her back.", "client_id": (once := uuid.uuid4())})
    agent.post(act, {"do": "note", "words": "Call her back.", "client_id": once})
    agent.post(act, {"do": "move", "transition": "uphold", "words": "You are right, we are sorry.", "seen": "received"})
    late = agent.post(act, {"do": "move", "transition": "reject", "words": "No.", "seen": "received"}, follow=True)
    assert "changed this case meanwhile" in late.content.decode()
    row = cases.Case.objects.get()
    assert (row.state, row.complaint.level, row.steps.filter(action="noted").count()) == ("upheld", 1, 1)
    assert "Call her back" not in Client(headers=EN).get(case.link).content.decode()


@pytest.mark.parametrize(("role", "service", "may"), [
    ("reader", "complaints", "read"), ("agent", "complaints", "handle"), ("agent", "reports", ""), ("manager", "complaints", "set_up"),
])  # fmt: skip
def test_who_may(complain, hire, role, service, may):
    case, client = complain(), hire(role, service)
    act = reverse("desk-complaint-act", args=[case.code])
    assert client.get(reverse("desk-complaint", args=[case.code])).status_code == (200 if may else 403)
    status = client.post(act, {"do": "reply", "words": "We look at it."}).status_code
    assert status == (302 if may in ("handle", "set_up") else 403)
    assert client.get(reverse("desk-complaint-levels")).status_code == (200 if may == "set_up" else 403)
    assert client.get(reverse("desk-complaint-new")).status_code == (200 if may in ("handle", "set_up") else 403)


def test_the_ladder_is_set(hire):
    team = people.Team.objects.create(slug="head", names={"en": "Head"})
    form = {f"l{n}-days": "7" for n in range(4)} | {"l1-team": str(team.pk)}
    manager = hire("manager")
    assert manager.post(reverse("desk-complaint-levels"), form | {"l0-days": "0"}).status_code == 422
    manager.post(reverse("desk-complaint-levels"), form)
    assert list(Level.objects.values_list("days", "team")) == [(7, None), (7, team.pk), (7, None), (7, None)]


def test_at_the_counter_for_somebody(hire):
    client = hire()
    client.post(reverse("desk-complaint-new"), fields())
    case = cases.Case.objects.get()
    assert (case.channel, case.reporter.name) == ("counter", "Awa")


def test_by_sms(town):
    def say(text):
        row = channels.receive("sms", "+22370000001", text)
        row.refresh_from_db()
        return row.answer.text

    asked = say("PLAINTE l'agent du guichet m'a insulté devant tout le monde")
    assert "1" in asked
    answer = say("2")
    case = cases.Case.objects.get()
    assert case.code in answer and case.topic.slug == "staff" and case.channel == "sms" and "guichet" in case.text
    assert len(answer) <= 160


def test_the_yearly_report(complain, hire):
    for _n in range(6):
        case = complain()
        actions_ = {"do": "move", "transition": "uphold", "words": "Yes.", "seen": "received"}
        hire().post(reverse("desk-complaint-act", args=[case.code]), actions_)
    complain(topic="charge")
    page = Client(headers=EN).get(reverse("complaints-report")).content.decode()
    assert "<dd>7</dd>" in page and "under 5" in page and "100 %" in page
    year = timezone.localdate().year
    assert Client().get(reverse("complaints-report-year", args=[year])).status_code == 200
    assert Client().get(reverse("complaints-report-year", args=[year - 30])).status_code == 404


def test_erasing_and_keeping_time(complain):
    case = complain()
    cases.Case.objects.update(open=False, state="rejected", closed=timezone.now() - timedelta(days=3000))
    retention.run()
    case.refresh_from_db()
    assert case.text == "" and case.reporter is None
    assert WORDS not in Client(headers=EN).get(case.link).content.decode()


def test_the_demo_has_a_year_of_them_once(town, tmp_path):
    files = DemoFiles(folder=tmp_path, people=20_000, until=date(2026, 6, 1), progress=lambda step, share: None)
    for _twice in "ab":
        demo.load(files)
    assert Complaint.objects.count() == demo.MANY == cases.Case.objects.count()
    assert {c.state for c in cases.Case.objects.all()} >= {"upheld", "rejected", "received"}
    lines, whole = reads.year(2026)
    assert whole.received > 20 and whole.in_time and len(lines) > 3
