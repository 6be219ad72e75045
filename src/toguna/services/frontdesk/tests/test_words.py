"""By SMS and USSD: the log-in code on one's own screen, "this is not me"; and the alarm when the codes run out."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from toguna.engines.channels import api as channels
from toguna.engines.channels import sms
from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR
from toguna.kernel.models import AuditEntry
from toguna.services.frontdesk import alarm, commands
from toguna.services.frontdesk.tests.conftest import FAMILY

pytestmark = pytest.mark.django_db
count = iter(range(10_000))


def write(words: str, address: str = FAMILY) -> str:
    row = channels.receive("sms", address, words, reference=f"w{next(count)}")
    return row.answer.text if row.answer else ""


def write_to(person) -> None:
    channels.send("sms", FAMILY, key=f"k{next(count)}", text="Votre dossier avance.", person=person.pk)


@pytest.mark.parametrize("word", ["CODE", "mon code", "MY CODE", "meu código"])
def test_the_code_comes_to_whoever_asks_and_opens_their_page(client, town, word):
    people.person_for(name="Awa", phone=FAMILY)
    where = client.post(reverse("login"), {"contact": "70000001", "do": "dial"})["Location"]
    answer = write(word)
    code = re.match(r"\d{6}", answer)[0]
    assert sms.size(answer).parts == 1
    assert client.post(where, {"code": code})["Location"] == "/account/"


@pytest.mark.parametrize("word", ["FAUX", "faux !", "Not me", "Pas moi", "número errado", "ENGANO"])
def test_not_me_is_believed_when_the_phone_itself_says_it_twice(family, word):
    write_to(family.moussa)
    question = write(word)
    assert commands.proof(FAMILY) in question and sms.size(question).parts == 1
    assert people.reach(family.moussa)
    write(commands.proof(FAMILY))
    assert not people.reach(family.moussa) and people.reach(family.awa)
    entry = AuditEntry.objects.get(action="people.lose_contact")
    assert entry.subject == f"people.person:{family.moussa.pk}" and entry.data == {"why": "not-me"}


def test_who_forges_a_sender_does_not_know_the_digits(family):
    write_to(family.moussa)
    wrong = [d for d in ("0000", "1234", "oui") if d != commands.proof(FAMILY)]
    write("FAUX")
    for guess in wrong:
        write(guess)
    assert people.reach(family.moussa)


def test_guessing_the_digits_ends(family, monkeypatch):
    monkeypatch.setattr("toguna.engines.channels.talk.answering.MISSES", 100)
    write("FAUX")
    right = commands.proof(FAMILY)
    guesses = [f"{(int(right) + n) % 10_000:04d}" for n in range(1, 7)]
    for guess in guesses:
        write(guess)
    write("FAUX")
    write(right)
    assert people.reach(family.moussa) and people.reach(family.awa)


def test_cancelling_changes_nothing(family):
    write("FAUX")
    write("ANNULER")
    write(commands.proof(FAMILY))
    assert people.reach(family.moussa) and people.reach(family.awa)


def test_administrators_hear_once_that_codes_ran_out(hire, town):
    boss = hire(ADMINISTRATOR).account
    hire("agent"), hire(ADMINISTRATOR, "reports")
    for _ in range(2):
        alarm.on_codes_run_out(people.CodesRunOut(500, "2026-11-23 09"))
    row = channels.Message.objects.get()
    assert (row.address, row.medium) == (boss.email, "email") and "500" in row.text
