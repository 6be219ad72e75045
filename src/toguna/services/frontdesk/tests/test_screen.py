"""A day at the front desk, through HTTP."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.people import erasure
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.models import AuditEntry
from toguna.kernel.tasks import Lane
from toguna.services.frontdesk import reads
from toguna.services.frontdesk.models import Call, CallBack
from toguna.services.frontdesk.tests.conftest import DESK, FAMILY

pytestmark = pytest.mark.django_db


def said(answer) -> str:
    return unescape(answer.content.decode())


def at(person=None, number=FAMILY, **more) -> str:
    found = {"number": number, **({"person": person.public_id} if person else {}), **more}
    return "&".join(f"{k}={str(v).replace('+', '%2B')}" for k, v in found.items())


def report(person, words="Un trou", **more):
    topic = cases.Topic.objects.get(slug="pothole")
    asked = cases.Asked(type="reports", topic=topic, text=words, **more)
    return cases.open_case(asked, by=Actor(person=person.pk))[0]


def test_several_behind_one_phone_are_told_apart(agent, family):
    page = said(agent.get(DESK, {"number": "70 00 00 01"}))
    assert "Awa Traoré" in page and "Moussa Traoré" in page and "What was said before" not in page
    report(family.awa, "Le trou d’Awa")
    report(family.moussa, "Le trou de Moussa")
    hers = said(agent.get(f"{DESK}?{at(family.awa)}"))
    assert "Le trou d’Awa" in hers and "Le trou de Moussa" not in hers
    assert AuditEntry.objects.filter(action="frontdesk.read", subject=f"people.person:{family.awa.pk}").exists()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("number=abc", 422),
        ("number=%2B2237", 422),
        ("person=x", 404),
        ("call=1", 404),
        ("number=70000001&mandate=9", 404),
    ],
)
def test_a_wrong_address_is_answered(agent, query, status):
    answer = agent.get(f"{DESK}?{query}")
    assert answer.status_code == status
    if status == 422:
        assert "phone number" in said(answer)


def test_who_is_unknown_is_added_once(agent):
    page = said(agent.get(DESK, {"number": "70000009"}))
    assert "Nobody is known at this number" in page
    for _ in range(2):
        answer = agent.post(f"{DESK}person", {"at": "number=70000009", "name": " Fanta  Keïta ", "language": "fr"})
        assert answer.status_code == 302
    assert [p.name for p in people.Person.objects.filter(contacts__value="+22370000009")] == ["Fanta Keïta"]
    assert agent.post(f"{DESK}person", {"at": "number=70000009", "name": "", "language": "fr"}).status_code == 422


def test_all_doors_in_one_history_but_never_a_code(agent, family):
    report(family.awa, "Le trou d’Awa")
    channels.send("sms", FAMILY, key="a", text="Pour Awa", person=family.awa.pk)
    channels.send("sms", FAMILY, key="m", text="Pour Moussa", person=family.moussa.pk)
    channels.send("sms", FAMILY, key="c", text="123456 is your code", lane=Lane.ONE_TIME_CODE)
    channels.receive("sms", FAMILY, "Bonjour la mairie")
    page = said(agent.get(f"{DESK}?{at(family.awa)}"))
    assert "Le trou d’Awa" in page and "Pour Awa" in page
    assert "Pour Moussa" not in page and "123456" not in page


def test_a_case_that_the_agent_may_not_read_is_not_in_the_history(hire, family):
    report(family.awa, "Le trou d’Awa")
    front_only = hire("agent", "frontdesk")
    page = said(front_only.get(f"{DESK}?{at(family.awa)}"))
    assert "Awa Traoré" in page and "Le trou d’Awa" not in page
    assert "Type a report for somebody" not in page
    answer = front_only.post(f"{DESK}begin", {"at": at(family.awa), "action": "reports.new"})
    assert answer.status_code == 403


def test_a_number_that_changed_hands_keeps_the_secrets_of_the_first(agent, family):
    channels.send("sms", FAMILY, key="old", text="Vieille affaire")
    people.Contact.objects.filter(value=FAMILY).update(lost=timezone.now())
    channels.Message.objects.update(created=timezone.now() - timedelta(hours=1))
    fanta = people.person_for(name="Fanta", phone=FAMILY)
    channels.send("sms", FAMILY, key="new", text="Nouvelle affaire")
    page = said(agent.get(f"{DESK}?{at(fanta)}"))
    assert "Nouvelle affaire" in page and "Vieille affaire" not in page
    theirs = said(agent.get(f"{DESK}?{at(family.awa, number='')}"))
    assert "Vieille affaire" in theirs and "Nouvelle affaire" not in theirs and "no longer theirs" in theirs
    assert FAMILY not in [way.address for way in people.reach(family.awa)]
    taken_away = [m["text"] for m in erasure.export(fanta)["messages"]]
    assert taken_away == ["Nouvelle affaire"]
    erasure.erase(fanta, by=SYSTEM)
    assert list(channels.Message.objects.values_list("text", flat=True)) == ["Vieille affaire"]


def open_for(client, location, contact="70 00 00 01"):
    """From the note to the opened report, as the two forms of the service's desk go."""
    page = said(client.get(location))
    note = re.search(r'name="for" value="([^"]+)"', page)[1]
    first = {"for": note, "contact": contact, "channel": "phone", "topic": "pothole"}
    second = said(client.post("/desk/reports/new", {**first, "do": "look"}))
    key = re.search(r'name="client_id" value="([^"]+)"', second)[1]
    filled = {"position": "0.5, 0.5", "text": "Un trou profond", "client_id": key, "sure": "yes"}
    return page, client.post("/desk/reports/new", {**first, **filled, "do": "open"})


def test_a_report_is_taken_for_whoever_calls(agent, family):
    begun = agent.post(f"{DESK}begin", {"at": at(family.moussa), "action": "reports.new"})
    page, answer = open_for(agent, begun["Location"])
    assert "Moussa Traoré" in page
    assert answer.status_code == 302, said(answer)
    assert cases.Case.objects.get().reporter == family.moussa
    assert AuditEntry.objects.get(action="reports.open_for").data == {"person": family.moussa.pk}


def test_a_mediator_acts_with_recorded_consent_and_both_are_audited(agent, family):
    old = people.person_for(name="Vieille Sira")
    given = {"mandate-name": "Awa Traoré", "mandate-number": "70000001", "mandate-about": "reports", "do": "grant"}
    where = {"at": f"person={old.public_id}"}
    assert agent.post(f"{DESK}mandate", {**where, **given, "mandate-consent": ""}).status_code == 422
    answer = agent.post(f"{DESK}mandate", {**where, **given, "mandate-consent": "De vive voix, devant le chef"})
    assert answer.status_code == 302
    mandate = people.Mandate.objects.get()
    assert (mandate.person, mandate.mediator, mandate.recorded_by) == (old, family.awa, agent.account.pk)
    assert "Act for Vieille Sira" in said(agent.get(f"{DESK}?{at(family.awa)}"))
    acting = at(old, mandate=mandate.pk)
    assert "Awa Traoré acts for Vieille Sira" in said(agent.get(f"{DESK}?{acting}"))
    begun = agent.post(f"{DESK}begin", {"at": acting, "action": "reports.new"})["Location"]
    _page, answer = open_for(agent, begun)
    assert answer.status_code == 302, said(answer)
    assert cases.Case.objects.get().reporter == old
    entry = AuditEntry.objects.get(action="reports.open_for")
    assert entry.data == {"person": old.pk, "mediator": family.awa.pk, "mandate": mandate.pk}
    agent.post(f"{DESK}mandate", {"at": acting, "row": mandate.pk, "do": "end"})
    assert agent.get(f"{DESK}?{acting}").status_code == 404
    assert "Vieille Sira" not in said(agent.get(begun))  # the note is worth nothing any more


def test_a_mandate_for_one_service_opens_no_other(agent, family):
    mandate = people.grant_mandate(family.awa, family.moussa, consent="oui", about="revenue", by=SYSTEM)
    answer = agent.post(f"{DESK}begin", {"at": at(family.awa, mandate=mandate.pk), "action": "reports.new"})
    assert answer.status_code == 403


def test_a_note_is_good_for_its_agent_only(agent, hire, family):
    where = agent.post(f"{DESK}begin", {"at": at(family.awa), "action": "reports.new"})["Location"]
    assert "Awa Traoré" in said(agent.get(where)) and "Awa Traoré" not in said(hire().get(where))


@pytest.mark.parametrize(("consent", "until", "itself"), [("", None, False), ("oui", -1, False), ("oui", None, True)])
def test_mandates_that_are_refused(family, consent, until, itself):
    day = timezone.localdate() + timedelta(days=until) if until else None
    with pytest.raises(people.Refused):
        people.grant_mandate(family.awa, family.awa if itself else family.moussa, consent=consent, until=day, by=SYSTEM)
    assert not people.Mandate.objects.exists()


def wrap(client, call, **more):
    form = {"call": call, "door": "phone", "reason": "follow", "outcome": "answered", "minutes": "4", "note": "merci"}
    return client.post(f"{DESK}wrap-up", {**form, **more})


def test_a_call_is_wrapped_up_once(agent, hire, family):
    call = uuid.uuid4()
    for minutes in (4, 5):
        assert wrap(agent, call, at=at(family.awa), minutes=minutes).status_code == 302
    row = Call.objects.get()
    assert (row.minutes, row.person, row.number, row.account) == (5, family.awa, FAMILY, agent.account.pk)
    assert wrap(hire(), call, at=at(family.awa), minutes=9).status_code == 409
    assert Call.objects.get().minutes == 5
    assert wrap(agent, uuid.uuid4(), at=at(family.awa), minutes=-1).status_code == 422
    assert wrap(agent, uuid.uuid4(), at=at(family.awa), outcome="x").status_code == 422
    day = reads.day(timezone.localdate())
    assert (day.calls, day.minutes, day.reasons) == (1, 5, [("News of an earlier request", 1)])
    assert "News of an earlier request" in said(agent.get(f"{DESK}day"))
    assert "merci" in said(agent.get(f"{DESK}?{at(family.awa)}"))


@pytest.mark.parametrize("date", ["", "x", "2026-02-31", "9999-01-01", "0001-01-01"])
def test_any_date_is_answered(agent, date):
    assert agent.get(f"{DESK}day", {"date": date}).status_code == 200


def test_call_backs_come_in_order_and_come_back(agent, family):
    soon = timezone.localtime() + timedelta(minutes=5)
    for n, (why, priority) in enumerate((("tard", 9), ("urgent", 0), ("normal", 5))):
        form = {"at": at(family.awa), "key": uuid.uuid5(uuid.NAMESPACE_DNS, why), "number": "70000001", "why": why,
                "due": soon.strftime("%Y-%m-%dT%H:%M"), "priority": priority}  # fmt: skip
        for _ in range(1 + n % 2):  # sent twice, it is one
            assert agent.post(f"{DESK}call-backs/new", form).status_code == 302
    assert [row.why for row in reads.to_call()] == ["urgent", "normal", "tard"]
    assert reads.due() == 0 and reads.due(soon + timedelta(minutes=1)) == 3
    first = reads.to_call()[0]
    agent.post(f"{DESK}call-backs/{first.pk}", {"do": "again"})
    again = CallBack.objects.get(pk=first.pk)
    assert again.tries == 1 and again.due > soon + timedelta(hours=1) and again.done is None
    for _ in range(2):
        agent.post(f"{DESK}call-backs/{first.pk}", {"do": "done"})
    assert CallBack.objects.get(pk=first.pk).done_by == agent.account.pk
    assert AuditEntry.objects.filter(action="frontdesk.called").count() == 2
    page = said(agent.get(f"{DESK}call-backs"))
    assert "normal" in page and "urgent" not in page.split("Promise a call")[0]
    assert agent.post(f"{DESK}call-backs", {"number": "abc"}).status_code == 422


def test_scripts_are_the_towns_and_speak_the_callers_language(agent, hire, family):
    page = said(agent.get(f"{DESK}?{at(family.awa)}"))  # an agent who reads English, a caller who speaks French
    assert "Puis-je avoir votre nom" in page and "May I have your name" not in page
    chief = hire("manager")
    form = {
        "title_fr": "Coupure d’eau",
        "steps_fr": "Dire bonjour\n\n Demander le quartier ",
        "order": 1,
        "active": "on",
    }
    assert chief.post(f"{DESK}scripts", form).status_code == 302
    assert "Demander le quartier" in said(agent.get(f"{DESK}?{at(family.awa)}"))
    assert chief.post(f"{DESK}scripts/coupure-deau", {**form, "active": ""}).status_code == 302
    assert "Demander le quartier" not in said(agent.get(f"{DESK}?{at(family.awa)}"))
    assert chief.post(f"{DESK}scripts", {"order": 1}).status_code == 422


def test_erasing_somebody_leaves_the_count_and_nothing_else(agent, family):
    wrap(agent, uuid.uuid4(), at=at(family.awa))
    people.grant_mandate(family.awa, family.moussa, consent="oui", by=SYSTEM)
    assert erasure.export(family.awa)["frontdesk"]["calls"][0]["note"] == "merci"
    erasure.erase(family.awa, by=SYSTEM)
    row = Call.objects.get()
    assert (row.person, row.number, row.note, row.minutes) == (None, "", "", 4)
    assert not people.Mandate.objects.exists()


def test_a_code_that_is_for_the_household_alone_is_not_read_at_the_desk(agent, family):
    words = "Awa comes for pick-up K7M4XZ2. When it is taken, say this code: KW47"
    channels.send("sms", FAMILY, key="test:private", text=words, person=family.awa.pk, private="KW47")
    assert channels.Message.objects.get(key="test:private").text == words  # as it is sent
    page = said(agent.get(f"{DESK}?{at(family.awa)}"))
    assert "say this code: ••••" in page and "KW47" not in page
