"""A birth declared by SMS, a paper asked for by USSD: the same forms, on a phone of any kind."""

from __future__ import annotations

import re
from itertools import count

import pytest

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.channels.talk import understanding
from toguna.engines.channels.ussd.sessions import MOST_GSM, step
from toguna.engines.forms import api as forms
from toguna.engines.people import api as people

PHONE = "+22370000001"


@pytest.fixture(autouse=True)
def fresh_words():
    understanding.forget()
    yield
    understanding.forget()


@pytest.fixture
def say(town):
    sent = count()

    def said(text: str, phone: str = PHONE) -> str:
        row = channels.receive("sms", phone, text, reference=f"t{next(sent)}")
        row.refresh_from_db()
        return row.answer.text if row.answer else ""

    return said


BIRTH = [
    ("Nom de famille", "Merci"),  # a name that is also a word of ours
    ("Prénoms", "Fatoumata"),
    ("Sexe", "1"),
    ("Né le", "3/4/2099"),
    ("dans l’avenir|dans l'avenir", "20/11/2026"),
    ("quelle heure", "0"),
    ("Né où", "1"),
    ("Nom du centre", "CSPS Sanfil"),
    ("Nom et prénoms", "Awa Cissé"),
    ("Née le", "0"),
    ("Métier", "0"),
    ("Domicile", "Sanfil"),
    ("déclaré", "1"),
    ("Nom et prénoms", "Ali Merci"),
    ("Né le", "0"),
    ("Métier", "0"),
    ("Vous etes", "sage"),
]


def test_a_birth_by_sms(say):
    answer = say("DECLARER naissance")
    for expected, typed in BIRTH:
        assert re.search(expected, answer), (expected, answer)
        assert len(answer) <= 320
        answer = say(typed)
    assert re.search("Nom et prénoms", answer), answer
    answer = say("Mariam Diallo")
    case = cases.Case.objects.get()
    assert case.code in answer and "SUIVI" in answer, answer
    assert case.channel == "sms" and case.answers["father.name"] == "Ali Merci"
    assert case.answers["declarant.link"] == "midwife" and case.answers["child.sex"] == "f"
    assert case.reporter_id in people.persons_at(PHONE)
    assert case.code in say(f"SUIVI {case.code}") and "Recue" in say("SUIVI")


def test_a_conversation_that_was_dropped_goes_on(say):
    say("DECLARER naissance")
    say("Koné")
    say("Issa")
    assert "annul" in say("ANNULER")
    assert forms.Filling.objects.get().values["child"]["given_names"] == "Issa"
    assert re.search("commencé|Continuer", say("DECLARER naissance"))
    assert "Sexe" in say("1")
    assert forms.Filling.objects.count() == 1


def test_what_a_telephone_cannot_send_is_brought(say):
    answer = say("DEMANDE permis de construire")
    for _n in range(40):
        if "guichet" in answer:
            break
        if "Quel papier" in answer or "Que voulez-vous" in answer or "Pièce" in answer:
            answer = say("1")
        elif "Surface" in answer or "niveaux" in answer:
            answer = say("2")
        elif "carte" in answer:
            answer = say("0")
        else:
            answer = say("Zongo")
    code = forms.Filling.objects.get().code
    assert code in answer and "plans" in answer and not cases.Case.objects.exists()


def test_in_english(say):
    phone = "+233200000001"
    people.person_for(name="Kofi", phone=phone, language="en")
    assert "Full name" in say("REQUEST residence", phone=phone)
    assert "Where do you live" in say("Kofi Mensah", phone=phone)


def test_a_paper_by_ussd(town):
    typed: list[str] = []
    screen = step("s1", PHONE, typed)
    seen = []
    for press in ("", *["98"] * 3):
        if press:
            typed.append(press)
            screen = step("s1", PHONE, typed)
        found = re.search(r"(\d+) (Demander un papier|Demander un)", screen.text)
        if found:
            typed.append(found[1])
            break
    screen = step("s1", PHONE, typed)
    for _n in range(6):
        found = re.search(r"(\d+) Certificat de r", screen.text)
        if found:
            typed.append(found[1])
            break
        typed.append("98")
        screen = step("s1", PHONE, typed)
    for answer in ("Fanta Koné", "Zongo pompe", "1", "CNI 7", "2/3/1990", "1/1/2015", "Issa", "0", "Emploi"):
        screen = step("s1", PHONE, typed)
        seen.append(screen.text)
        assert len(screen.text) <= MOST_GSM
        typed.append(answer)
    screen = step("s1", PHONE, typed)
    seen.append(screen.text)
    assert screen.end, seen
    case = cases.Case.objects.get()
    assert case.code in screen.text
    assert case.channel == "ussd" and case.answers["applicant.paper"] == "card"
