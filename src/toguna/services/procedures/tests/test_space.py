"""A person's own space, and somebody who acts for them on their own phone."""

from __future__ import annotations

import io
import re

import pytest
from django.test import Client
from pypdfium2 import PdfDocument

from toguna.engines.cases import api as cases
from toguna.engines.people.models import Account, Contact, Mandate, Person
from toguna.engines.people.testing import sign_in
from toguna.kernel.models import AuditEntry
from toguna.kernel.testing import run_jobs
from toguna.services.procedures.tests.conftest import Visitor
from toguna.services.procedures.tests.test_requests import APPLICANT, asks_residence, decides


def resident(name: str, phone: str) -> Visitor:
    person = Person.objects.create(name=name, language="en")
    Contact.objects.create(person=person, kind="phone", value=phone)
    account = Account.objects.create(person=person)
    client = Client(headers={"accept-language": "en"})
    sign_in(client, account)
    visitor = Visitor(client)
    visitor.person = person
    return visitor


@pytest.fixture
def fanta(town):
    return resident("Fanta Koné", "+22370000001")


@pytest.fixture
def issa(town):
    return resident("Issa Koné", "+22370000002")


def entrusts(fanta: Visitor, **more: str) -> str:
    fanta.open("/account/mandates")
    return fanta.press("", "Let somebody act", name="issa kone", contact="+22370000002", **more)


def acts(issa: Visitor) -> str:
    issa.open("/account/")
    return issa.press("", "/account/act")


def test_the_space_shows_what_waits_then_all_that_is_theirs(fanta, hire):
    assert "You have asked for nothing yet" in fanta.open("/account/")
    fanta.open("/procedures/residence")
    fanta.press("", "procedures/residence/ask")
    fanta.press("next", **APPLICANT)
    assert "Not sent yet" in fanta.open("/account/")  # a draft is taken up where it was left
    case = asks_residence(fanta)
    page = fanta.open("/account/")
    assert case.code in page and "Received" in page
    chief = hire("manager")
    decides(chief, case, "return", words="Who owns the house?", wanted="home.owner")
    run_jobs()
    page = fanta.open("/account/")
    assert page.index("Your turn") < page.index(case.code) and "The town waits for you" in page
    assert re.search(r"Messages of the town.*Who owns the house", page, re.S)


def test_papers_are_taken_from_the_space_and_by_nobody_else(fanta, issa, hire):
    case = asks_residence(fanta)
    chief = hire("manager")
    chief.post(f"/desk/requests/{case.code}/act/", {"do": "paid", "fee": "paper", "receipt": "R-1"})
    decides(chief, case, "issue")
    link = re.search(r'href="(/account/papers/[^"]*)"', fanta.open("/account/"))[1]
    made = fanta.client.get(link)
    assert "Fanta Koné" in PdfDocument(io.BytesIO(made.content))[0].get_textpage().get_text_range()
    assert issa.client.get(link).status_code == 404
    assert Client().get(link).status_code == 302  # asked who they are


def test_a_relative_acts_with_consent_until_it_is_ended(fanta, issa):
    case = asks_residence(fanta)
    assert case.code not in issa.open("/account/")
    assert "Issa Koné" in entrusts(fanta)
    assert "You act for Fanta Koné" in acts(issa)
    assert case.code in issa.html
    # What is asked now is Fanta's, and the audit says who asked.
    again = asks_residence(issa, **{"f:applicant.name": "Fanta Koné"})
    assert again.reporter_id == fanta.person.pk
    done = AuditEntry.objects.filter(account=Account.objects.get(person=issa.person).pk, data__has_key="mandate")
    assert done.exists() and again.code in fanta.open("/account/")
    fanta.open("/account/mandates")
    fanta.press("end", "End this mandate")
    assert Mandate.objects.get().ended is not None
    assert case.code not in issa.open("/account/") and "You act for" not in issa.html


def test_who_acts_for_another_does_not_reach_their_data_or_their_name(fanta, issa):
    entrusts(fanta)
    acts(issa)
    assert issa.client.get("/account/data.json").json()["name"] == "Issa Koné"
    issa.open("/account/details")
    assert 'value="Issa Koné"' in issa.html and "Fanta" not in issa.html.partition("<main")[2]


def test_a_mandate_for_one_service_opens_no_other(fanta, issa):
    case = asks_residence(fanta)
    entrusts(fanta, about="reports")
    assert case.code not in acts(issa)
    page = issa.open(f"/requests/{case.code}")
    assert "read only by whoever asked" in page
    assert asks_residence(issa).reporter_id == issa.person.pk


@pytest.mark.parametrize(
    ("name", "contact", "said"),
    [
        ("Somebody Else", "+22370000002", "knows nobody of this name at this number"),
        ("Issa Koné", "+22370000009", "knows nobody of this name at this number"),
        ("Issa Koné", "12", "too few or too many digits"),
        ("Fanta Koné", "+22370000001", "Nobody needs a mandate to act for themselves"),
    ],
)
def test_nobody_learns_who_is_known_at_a_number(fanta, issa, name, contact, said):
    fanta.open("/account/mandates")
    page = fanta.press("", "Let somebody act", name=name, contact=contact)
    assert said in page and not Mandate.objects.exists()


def test_a_strangers_mandate_is_not_taken(fanta, issa, town):
    entrusts(fanta)
    other = resident("Awa Diop", "+22370000003")
    other.open("/account/")
    other.client.post("/account/act", {"mandate": Mandate.objects.get().pk})
    assert "You act for" not in other.open("/account/")
    assert cases.Case.objects.count() == 0
