"""Conversations handed over, the telephone exchange, and who may open what."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Denied
from toguna.kernel.models import AuditEntry
from toguna.services.frontdesk import actions, reads, telephony, urls
from toguna.services.frontdesk.models import Call, CallBack, Exchange, Script
from toguna.services.frontdesk.tests.conftest import DESK, FAMILY
from toguna.services.frontdesk.tests.test_screen import said

pytestmark = pytest.mark.django_db


# Conversations


def waiting(address=FAMILY, words="bla bla", minutes=0):
    channels.receive("sms", address, "AGENT", reference=f"{address}a")
    row = channels.receive("sms", address, words, reference=f"{address}b")
    before = timezone.now() - timedelta(minutes=minutes)
    channels.Incoming.objects.filter(address=address).update(at=before)
    channels.Message.objects.filter(address=address).update(created=before)
    return row.conversation


def answer(client, talk, words="Bonjour, nous regardons.", seen=None):
    page = said(client.get(f"{DESK}conversations/{talk.pk}"))
    seen = page.split('name="seen" value="')[1].split('"')[0] if seen is None else seen
    form = {"do": "answer", "words": words, "seen": seen}
    return seen, client.post(f"{DESK}conversations/{talk.pk}", form)


def test_what_was_said_in_one_moment_is_shown_in_its_order(town):
    talk = waiting()
    for n, words in enumerate(("Bonjour.", "Venez lundi.")):
        channels.send("sms", FAMILY, key=f"talk:{n}", text=words)
    channels.Message.objects.update(created=timezone.now())
    assert [line.words for line in reads.thread(talk)][-2:] == ["Bonjour.", "Venez lundi."]


def test_who_has_waited_longest_comes_first_and_an_answer_ends_the_wait(agent, town):
    late, early = waiting(minutes=3), waiting("+22370000002", minutes=50)
    assert [t.pk for t in reads.talks()] == [early.pk, late.pk] and reads.waiting() == 2
    page = said(agent.get(f"{DESK}conversations"))
    assert page.index("70 00 00 02") < page.index("70 00 00 01")
    seen, sent = answer(agent, early)
    assert sent.status_code == 302
    assert channels.Message.objects.filter(address="+22370000002", text="Bonjour, nous regardons.").exists()
    assert [(t.pk, t.waits is None) for t in reads.talks()] == [(late.pk, False), (early.pk, True)]
    # The same press again, and a colleague who had opened the page before: neither writes a second time.
    assert answer(agent, early, seen=seen)[1].status_code == 422
    assert channels.Message.objects.filter(key__startswith="talk:").count() == 1
    channels.receive("sms", "+22370000002", "et alors ?", reference="again")
    assert reads.waiting() == 2
    assert agent.post(f"{DESK}conversations/{early.pk}", {"do": "back"}).status_code == 302
    assert [t.pk for t in reads.talks()] == [late.pk]
    assert agent.get(f"{DESK}conversations/{early.pk}").status_code == 404
    assert AuditEntry.objects.filter(action="channels.give_back").count() == 1


def test_an_empty_answer_is_not_sent(agent, town):
    talk = waiting()
    assert answer(agent, talk, words=" ")[1].status_code == 422
    assert not channels.Message.objects.filter(key__startswith="talk:").exists()


# The exchange


@pytest.fixture
def ring(hire):
    secret = actions.connect("Asterisk", by=hire("manager").actor)

    def rung(secret=secret, as_json=False, **fields):
        kind = "application/json" if as_json else "application/x-www-form-urlencoded"
        body = (
            json.dumps(fields) if as_json else "&".join(f"{k}={str(v).replace('+', '%2B')}" for k, v in fields.items())
        )
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        return Client().post("/telephony/events", body, content_type=kind, headers=headers)

    return rung


def test_a_call_rings_on_the_screen(agent, family, ring):
    answered = ring(**{"event": "ringing", "id": "1.1", "from": "+22370000001", "to": "201"})
    assert answered.status_code == 200
    assert "+223 70 00 00 01 → 201" in said(agent.get(DESK))
    page = said(agent.get(answered.json()["url"]))
    assert "Awa Traoré" in page and "Moussa Traoré" in page
    ring(event="hangup", id="1.1")
    assert "+223 70 00 00 01" not in said(agent.get(DESK))
    day = reads.day(timezone.localdate())
    assert day.missed == 1 and day.calls == 0
    assert Exchange.objects.get().heard is not None


@pytest.mark.parametrize("seed", range(6))
def test_events_twice_and_in_any_order_make_one_call(ring, seed):
    order = ["ringing", "answered", "hangup"] * 2
    random.Random(seed).shuffle(order)
    for event in order:
        assert ring(as_json=seed % 2 == 0, **{"event": event, "id": "7", "from": "70000001"}).status_code == 200
    row = Call.objects.get()
    assert row.number == FAMILY and row.answered and row.hung_up and row.rang
    assert not reads.ringing().exists()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"event": "dance", "id": "1"}, 400),
        ({"event": "ringing"}, 400),
        ({"event": "ringing", "id": "x" * 81}, 400),
        ({"event": ["ringing"], "id": "1"}, 400),
        ({"event": "ringing", "id": "1", "from": "y" * 5000}, 413),
        ({"event": "ringing", "id": "1\x00", "from": {"a": 1}, "to": [1]}, 200),
        ({"event": "ringing", "id": 7, "from": "anonymous"}, 200),
        ({"event": "ringing", "id": "8", "from": "201"}, 200),
    ],
)
def test_what_an_exchange_may_say(ring, fields, status):
    answered = ring(as_json=True, **fields)
    assert answered.status_code == status, answered.content
    assert ("error" in answered.json()) == (status != 200)
    assert Call.objects.filter(number="").count() == (1 if status == 200 else 0)


def test_only_a_connected_exchange_is_heard(ring, hire):
    fields = {"event": "ringing", "id": "1"}
    assert ring(secret="", **fields).status_code == ring(secret="guess", **fields).status_code == 401
    assert Client().get("/telephony/events").status_code == 405
    assert not Call.objects.exists()
    refused = [ring(secret="guess", **fields) for _ in range(telephony.WRONG_A_MINUTE * 2)]
    assert refused[-1].status_code in (401, 429) and 429 in {r.status_code for r in refused}
    assert ring(**fields).status_code == 200  # those who guess do not shut out who knows
    page = said(hire("manager").post(f"{DESK}exchanges", {"do": "connect", "name": "asterisk"}))
    secret = page.split('<code class="secret">')[1].split("<")[0]
    assert ring(**fields).status_code in (401, 429)  # the old one is worth nothing
    assert ring(secret=secret, **fields).status_code == 200
    assert secret not in said(hire("manager").get(f"{DESK}exchanges"))
    hire("manager").post(f"{DESK}exchanges", {"do": "disconnect", "exchange": "asterisk"})
    assert ring(secret=secret, **fields).status_code in (401, 429)


# Who may


AGENTS = {AGENT, MANAGER, ADMINISTRATOR}
CHIEFS = {MANAGER, ADMINISTRATOR}
MATRIX = {p.name: CHIEFS if "script" in p.name or "exchange" in p.name else AGENTS for p in urls.urlpatterns}


def address(name: str) -> str:
    if name == "front-talk":
        return reverse(name, args=[waiting().pk])
    if name == "front-script":
        return reverse(name, args=["welcome"])
    if name == "front-back-called":
        row = CallBack.objects.create(number=FAMILY, why="x", due=timezone.now())
        return reverse(name, args=[row.pk])
    return reverse(name)


@pytest.mark.parametrize(
    "who", ["nobody", "resident", "no factor", "none", READER, AGENT, MANAGER, ADMINISTRATOR, "of reports"]
)
@pytest.mark.parametrize("name", sorted(MATRIX))
def test_who_may_open_what(hire, name, who):
    where = address(name)
    if who in ("nobody", "resident"):
        client = Client()
        if who == "resident":
            account = people.Account.objects.create_user(person=people.Person.objects.create(name="Fanta"))
            sign_in(client, account, factor=False)
    else:
        role = {"no factor": ADMINISTRATOR, "none": "", "of reports": ADMINISTRATOR}.get(who, who)
        client = hire(role, "reports" if who == "of reports" else "*", who != "no factor")
    for answered in (client.get(where), client.post(where, {"do": "nothing"})):
        if who in ("nobody", "resident", "no factor"):
            assert answered.status_code == 302 and answered["Location"].startswith(reverse("staff-login"))
        elif who in MATRIX[name]:
            assert answered.status_code in (200, 302, 404, 405, 422)
        else:
            assert answered.status_code == 403
    if who not in MATRIX[name]:
        assert not CallBack.objects.filter(tries__gt=0).exists()


def test_the_verbs_ask_too(hire, family):
    reader, agent = hire(READER).actor, hire(AGENT).actor
    with pytest.raises(Denied):
        actions.new_person(name="X", number="", language="fr", by=reader)
    with pytest.raises(Denied):
        actions.connect("x", by=agent)
    with pytest.raises(Denied):
        actions.save_script(None, titles={"fr": "x"}, steps={"fr": ["y"]}, by=agent)
    assert Script.objects.count() == 4 and not Exchange.objects.exists()
