"""A pick-up by USSD, on a telephone with keys: each screen fits, in each language."""

from __future__ import annotations

import re

import pytest

from toguna.engines.channels.ussd.sessions import MOST_GSM, Screen, step
from toguna.engines.people import api as people
from toguna.services.waste.models import PickUp
from toguna.services.waste.tests.conftest import HOME

# What is chosen in menus, in this order; a figure or a place is typed.
WALKS = {
    "en": ("waste fetched", "Household", "=3", "=Mosquee de Nord", r"\d\d:\d\d", "Yes"),
    "fr": ("enlever", "Ordures", "=3", "=Mosquee de Nord", r"\d\d", "Oui"),
    "pt": ("lixo|recolh", "Lixo de casa", "=3", "=Mosquee de Nord", r"\d\d", "Sim"),
}


def choose(session: str, phone: str, typed: list[str], wanted: str) -> Screen:
    """Goes on to the page of the menu where that stands, and types its number. Each screen fits."""
    for _more in range(8):
        screen = step(session, phone, typed)
        assert len(screen.text) <= MOST_GSM and not screen.end
        if found := re.search(rf"^(\d+) .*(?:{wanted})", screen.text, re.M | re.I):
            typed.append(found[1])
            screen = step(session, phone, typed)
            assert len(screen.text) <= MOST_GSM
            return screen
        typed.append("98")
    raise AssertionError(screen.text)


@pytest.mark.parametrize("language", WALKS)
def test_by_ussd_every_screen_fits(collectors, language):
    people.person_for(name="Fanta Koné", phone=HOME, language=language)
    typed: list[str] = []
    step("s1", HOME, typed)
    for wanted in WALKS[language]:
        if wanted.startswith("="):
            typed.append(wanted[1:])
        else:
            screen = choose("s1", HOME, typed, wanted)
    made = PickUp.objects.get()
    assert screen.end and made.code in screen.text and (made.channel, made.size, made.price) == ("ussd", 3, 750)
    # Dialled again: it can be cancelled.
    again: list[str] = []
    choose("s2", HOME, again, WALKS[language][0])
    assert choose("s2", HOME, again, made.code).end
    made.refresh_from_db()
    assert made.state == "cancelled" and PickUp.objects.count() == 1
