"""Who holds a number, and what holds back those who make the town pay for SMS: through HTTP as far as it goes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from toguna.engines.channels.models import Message
from toguna.engines.people import api, numbers, onetime
from toguna.engines.people.models import Account, Contact, OneTimeCode, Person
from toguna.kernel import limits, town
from toguna.kernel.access import SYSTEM
from toguna.kernel.models import AuditEntry, EventRow

pytestmark = pytest.mark.django_db

PHONE = "+22370000001"
LONG_AGO = timedelta(days=500)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML"))


def resident(name: str, *, silent: bool = False, phone: str = PHONE) -> Person:
    person = Person.objects.create(name=name)
    Contact.objects.create(person=person, kind="phone", value=phone)
    if silent:
        Person.objects.filter(pk=person.pk).update(created=timezone.now() - LONG_AGO)
    return person


def enter(client: Client, typed: str = "70000001") -> str:
    """Asks for a code and types it: where that leads."""
    where = client.post(reverse("login"), {"contact": typed})["Location"]
    code = re.match(r"\d{6}", Message.objects.latest("id").text)[0]
    return client.post(where, {"code": code})["Location"]


def who(client: Client, **form):
    return client.post(reverse("login-who"), {**form, "next": "/account/"}, headers={"accept-language": "en"})


def entered(client: Client) -> Person | None:
    key = client.session.get("_auth_user_id")
    return Account.objects.get(pk=key).person if key else None


# Whose number it is


def test_one_person_known_lately_is_asked_nothing(client):
    awa = resident("Awa Traoré")
    assert enter(client) == "/account/" and entered(client) == awa
    assert Contact.objects.get().verified and Person.objects.get().seen


def test_a_family_is_asked_who_with_masked_names(client):
    awa, moussa = resident("Awa Traoré"), resident("Moussa Traoré")
    assert enter(client).startswith(reverse("login-who")) and entered(client) is None
    page = client.get(reverse("login-who")).content.decode()
    assert "A••• T•••" in page and "Awa" not in page and "Moussa" not in page
    assert who(client, who=awa.pk).status_code == 200  # the name is missing
    assert who(client, who=awa.pk, name="Moussa").status_code == 200 and entered(client) is None
    assert who(client, who=moussa.pk, name=" moussa ").status_code == 302 and entered(client) == moussa
    assert AuditEntry.objects.filter(action="people.login").count() == 1
    assert client.get(reverse("login-who")).status_code == 302  # the proof is used up


def test_the_list_opens_nobody_of_another_number(client):
    resident("Awa Traoré"), resident("Moussa Traoré")
    other = resident("Fanta Keïta", phone="+22370000002")
    enter(client)
    for form in ({"who": other.pk, "name": "Fanta"}, {"who": "name", "name": "Fanta Keïta"}, {"who": "x"}, {}):
        assert who(client, **form).status_code == 200
    assert entered(client) is None


def test_nobody_comes_in_without_having_proved_the_number(client):
    awa = resident("Awa Traoré")
    answer = who(client, who=awa.pk, name="Awa")
    assert answer["Location"] == reverse("login") and entered(client) is None


def test_a_silent_number_shows_no_name_and_asks_all_of_it(client):
    awa = resident("Awa Mariam Traoré", silent=True)
    assert enter(client).startswith(reverse("login-who"))
    page = client.get(reverse("login-who")).content.decode()
    assert "A•••" not in page and "Awa" not in page
    assert who(client, who=awa.pk, name="Awa").status_code == 200  # not even by its id
    assert who(client, who="name", name="Awa").status_code == 200
    assert who(client, who="name", name="traore awa mariam").status_code == 302 and entered(client) == awa


def test_a_new_holder_sees_nothing_of_the_old_one_and_the_old_one_hears_no_more(client):
    awa = resident("Awa Traoré", silent=True)
    enter(client)
    assert who(client, who="new").status_code == 302
    assert entered(client) not in (awa, None)
    assert Contact.objects.get(person=awa).lost is not None and not api.reach(awa) and not api.reach_many([awa.pk])
    assert api.persons_at(PHONE) == [entered(client).pk]
    assert api.person_for(name="Awa Traoré", phone=PHONE) != awa
    OneTimeCode.objects.update(last_sent=None)
    again = Client()
    assert enter(again) == "/account/" and entered(again) == entered(client)


def test_names_cannot_be_tried_for_long(client):
    awa, _ = resident("Awa Traoré"), resident("Moussa Traoré")
    enter(client)
    answers = [who(client, who=awa.pk, name=f"Nom{n}").status_code for n in range(numbers.NAMES_A_DAY)]
    last = who(client, who=awa.pk, name="Awa")
    assert answers == [200] * numbers.NAMES_A_DAY and last.status_code == 429
    assert "counter" in last.content.decode() and entered(client) is None


def test_a_mediators_phone_lists_nobody(client):
    for n in range(numbers.MOST_SHOWN + 1):
        resident(f"Villageois{n} Keïta")
    enter(client)
    assert "V•••" not in client.get(reverse("login-who")).content.decode()
    assert who(client, who="name", name="Keita Villageois3").status_code == 302
    assert entered(client).name == "Villageois3 Keïta"


def test_a_lost_number_is_audited_once(client):
    awa = resident("Awa")
    for _ in range(2):
        numbers.lose(awa, "phone", PHONE, by=SYSTEM, why="desk")
    assert AuditEntry.objects.filter(action="people.lose_contact").count() == 1


# Dialling


def dialled(client: Client) -> str:
    return client.post(reverse("login"), {"contact": "70000001", "do": "dial"})["Location"]


def test_a_code_shown_on_the_phone_opens_the_page_and_costs_no_sms(client):
    awa = resident("Awa")
    where = dialled(client)
    assert "Dial" in client.get(where, headers={"accept-language": "en"}).content.decode()
    code = api.confirm_by_ussd(PHONE)
    assert api.confirm_by_ussd(PHONE) == code  # looked at twice
    assert client.post(where, {"code": code})["Location"] == "/account/" and entered(client) == awa
    assert not Message.objects.exists()
    assert Client().post(dialled(Client()), {"code": code}).status_code == 200  # used


def test_the_challenge_of_a_page_that_dials_has_no_code_of_its_own(client):
    where = dialled(client)
    hidden = onetime.demo_code(OneTimeCode.objects.get().challenge)
    assert client.post(where, {"code": hidden}).status_code == 200 and entered(client) is None


def test_a_dialled_code_opens_only_its_own_number_and_dies_of_guesses():
    code = api.confirm_by_ussd("+22370000002")
    assert onetime.check(onetime.dial("phone", PHONE, device="d"), code) is None
    code = api.confirm_by_ussd(PHONE)
    for n in range(onetime.DIALLED_TRIES):
        assert (
            onetime.check(onetime.dial("phone", PHONE, device=f"d{n}"), f"{(int(code) + 1 + n) % 1_000_000:06d}")
            is None
        )
    assert onetime.check(onetime.dial("phone", PHONE, device="e"), code) is None
    assert api.confirm_by_ussd(PHONE) != code


# Pumping


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("70000001", True),
        ("+223 65 01 23 45", True),
        ("20 21 22 23", False),  # a landline of Bamako
        ("+33 6 12 34 56 78", False),  # another country
        ("+245 955 555 555", False),
        ("+44 909 879 0000", False),  # premium
        ("a@example.org", True),
    ],
)
def test_where_codes_are_sent(client, typed, sent):
    answer = client.post(reverse("login"), {"contact": typed}, headers={"accept-language": "en"})
    assert answer.status_code == (302 if sent else 200)
    assert Message.objects.exists() == sent
    if not sent:
        assert "Type a" in answer.content.decode()


def test_the_town_opens_other_countries_but_never_premium_numbers(client, monkeypatch):
    monkeypatch.setattr(town, "current", lambda: town.Town("S", "ML", foreign_prefixes=("+33", "+44")))
    assert client.post(reverse("login"), {"contact": "+33 6 12 34 56 78"}).status_code == 302
    assert client.post(reverse("login"), {"contact": "+44 909 879 0000"}).status_code == 200


def test_asked_again_the_same_code_is_sent_to_the_same_browser_only(client, monkeypatch):
    monkeypatch.setattr(onetime, "WAITS", (0,))
    client.get(reverse("login"))
    pages = {client.post(reverse("login"), {"contact": "70000001"})["Location"] for _ in range(3)}
    assert len(pages) == 1
    assert len(set(Message.objects.values_list("text", flat=True))) == 1 and Message.objects.count() == 3
    other = Client()
    other.get(reverse("login"))
    assert other.post(reverse("login"), {"contact": "70000001"})["Location"] not in pages


def test_waits_grow_and_a_day_ends(monkeypatch):
    waited = []
    for n in range(onetime.A_DAY):
        onetime.ask("phone", PHONE, device=f"d{n}")
        with pytest.raises(limits.TooMany) as refused:
            onetime.ask("phone", PHONE, device="again")
        waited.append(refused.value.retry_after)
        back = timezone.now() - timedelta(seconds=onetime.WAITS[min(n, len(onetime.WAITS) - 1)] + 1)
        OneTimeCode.objects.update(last_sent=back)
    assert waited == sorted(waited) and waited[0] <= 31 and waited[-1] > 800
    with pytest.raises(limits.TooMany):
        onetime.ask("phone", PHONE, device="e")
    assert Message.objects.count() == onetime.A_DAY


def test_a_block_of_numbers_is_not_pumped_by_new_browsers_and_known_ones_pass():
    refused = 0
    for n in range(onetime.A_BLOCK + 20):
        try:
            onetime.ask("phone", f"+2237000{n:04}", device=f"d{n}", newcomer=f"address {n}")
        except limits.TooMany:
            refused += 1
    assert refused == 20
    onetime.ask("phone", "+22370009999", device="known for long")


def test_the_towns_budget_ends_with_one_alarm(monkeypatch):
    monkeypatch.setattr(town, "current", lambda: town.Town("S", "ML", codes_an_hour=5))
    outcomes = []
    for n in range(9):
        try:
            onetime.ask("phone", f"+22370{n}00000", device=f"d{n}")
            outcomes.append(True)
        except limits.TooMany:
            outcomes.append(False)
    assert outcomes == [True] * 5 + [False] * 4
    assert EventRow.objects.filter(name__endswith="CodesRunOut").count() == 1
    onetime.ask("email", "a@example.org", device="d")  # costs nothing: goes on


@runs(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.text("0123456789 x٣", max_size=8)), max_size=30))
def test_no_sequence_of_guesses_opens_more_than_its_tries(guesses):
    """Whatever is typed on whichever of three pages of one number: a wrong code opens nothing, five tries end a page, and the
    right one opens exactly while fewer than five were spent."""
    with transaction.atomic():
        pages = [onetime.ask("phone", PHONE, device="d0")]
        OneTimeCode.objects.update(last_sent=None)
        pages.append(onetime.ask("phone", PHONE, device="d1"))
        pages.append(onetime.dial("phone", PHONE, device="d2"))
        right = [onetime.demo_code(p) for p in pages]
        spent = [0, 0, 0]
        for page, typed in guesses:
            digits = "".join(c for c in typed if c.isdecimal())
            if digits in right:
                continue
            assert onetime.prove(pages[page], typed) is None
            spent[page] += 1
        tries = dict(OneTimeCode.objects.values_list("pk", "tries"))
        assert [tries[page] for page in pages] == [min(n, onetime.TRIES) for n in spent]
        for n, page in enumerate(pages):
            opened = onetime.prove(page, f" {right[n][:3]} {right[n][3:]}")
            assert (opened is not None) == (n < 2 and spent[n] < onetime.TRIES)
            assert onetime.prove(page, right[n]) is None
        transaction.set_rollback(True)
