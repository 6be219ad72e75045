"""APPOINTMENT by SMS and by USSD."""

from __future__ import annotations

import re
from itertools import count

import pytest
from django.utils import formats, translation

from toguna.engines.bookings.models import Booking, Slot
from toguna.engines.bookings.tests.conftest import at
from toguna.engines.channels import api as channels
from toguna.engines.channels.talk import understanding
from toguna.engines.channels.ussd.sessions import MOST_GSM, step
from toguna.engines.people import api as people

PHONE = "+22370000001"


def the_day() -> str:
    with translation.override("en"):
        return formats.date_format(at(days=2), "l j F")


def number(screen: str, words: str) -> str:
    """Of the choice with these words."""
    found = re.search(rf"^(\d+) .*{words}", screen, re.M | re.I)
    assert found, screen
    return found[1]


@pytest.fixture(autouse=True)
def fresh_words():
    understanding.forget()
    yield
    understanding.forget()


@pytest.fixture
def say(counter):
    sent = count()

    def said(text: str, phone: str = PHONE) -> str:
        row = channels.receive("sms", phone, text, reference=f"t{next(sent)}")
        row.refresh_from_db()
        return row.answer.text if row.answer else ""

    return said


def test_an_hour_by_sms_and_given_back(say):
    assert "Which day?" in (days := say("APPOINTMENT"))
    assert "At what time?" in (hours := say(number(days, the_day()))) and "09:00" in hours
    assert "Your name?" in say("9:30")
    done = say("Fanta Koné")
    made = Booking.objects.get()
    assert made.code in done and "09:30" in done and made.person.name == "Fanta Koné" and made.channel == "sms"
    assert people.persons_at(PHONE) == [made.person_id]
    assert "Cancel" in say("APPOINTMENT")
    assert "is cancelled" in say("2")
    made.refresh_from_db()
    assert made.state == "cancelled" and Slot.objects.get().taken == 0


def test_somebody_elses_phone_is_offered_nothing_of_it(say, books, counter):
    books(counter, at())
    assert "Cancel" not in say("APPOINTMENT", "+22370000099")


@pytest.mark.parametrize(("language", "word"), [("fr", "RENDEZ-VOUS"), ("fr", "RDV"), ("pt", "MARCACAO")])
def test_in_our_languages(say, language, word):
    with translation.override(language):
        assert "\n1 " in say(word)


def test_an_hour_that_somebody_took_meanwhile(say, books, counter):
    assert "09:30" in say(number(say("APPOINTMENT"), the_day()))
    books(counter, at(days=2, hour=9, minute=30))
    assert "Send the number of an hour" in say("9:30")
    assert "Your name?" in say("9h")
    books(counter, at(days=2, hour=9))
    assert "just been taken" in say("Fanta Koné")
    assert not Booking.objects.filter(person__name="Fanta Koné", channel="sms").exists()


def test_by_ussd_every_screen_fits(counter):
    people.person_for(name="Fanta Koné", phone=PHONE, language="en")  # known: her name is not asked
    typed: list[str] = []
    screen = step("s1", PHONE, typed)
    for wanted in ("appointment", the_day(), "09:30"):
        for _more in range(8):
            assert len(screen.text) <= MOST_GSM
            if re.search(rf"^(\d+) .*{wanted}", screen.text, re.M | re.I):
                break
            typed.append("98")
            screen = step("s1", PHONE, typed)
        typed.append(number(screen.text, wanted))
        screen = step("s1", PHONE, typed)
    made = Booking.objects.get()
    assert screen.end and made.code in screen.text
    assert len(screen.text) <= MOST_GSM and made.channel == "ussd" and made.slot.start == at(days=2, hour=9, minute=30)
