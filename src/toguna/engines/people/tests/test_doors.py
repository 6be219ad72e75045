"""Logging in: residents by a code, staff by password and second factor; and who may open what."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.urls import reverse

from toguna.engines.channels.models import Message
from toguna.engines.people import api, demo, onetime
from toguna.engines.people.models import Account, Contact, OneTimeCode, Person
from toguna.engines.people.testing import give_factor, sign_in
from toguna.kernel import town
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER
from toguna.kernel.models import AuditEntry

PASSWORD = "baobab-rouge-2026"


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML"))


def staff(role: str | None = None, email: str = "agent@mairie.test", factor: bool = True) -> Account:
    account = api.create_staff(email=email, password=PASSWORD, name="Awa", grants=[(role, "*", None)] if role else [])
    if factor:
        give_factor(account)
    return account


def code_now(email: str = "agent@mairie.test") -> str:
    return format_hotp_value(hotp_value(demo.totp_secret(email), int(time.time()) // 30))


def ask(client, contact: str) -> str:
    answer = client.post(reverse("login"), {"contact": contact})
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def sent_code() -> str:
    return re.match(r"\d{6}", Message.objects.latest("id").text)[0]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "kind", "kept"),
    [("70 00 00 01", "phone", "+22370000001"), ("Awa@Example.org", "email", "awa@example.org")],
)
def test_a_resident_logs_in_with_a_code_and_no_password(client, typed, kind, kept):
    where = ask(client, typed)
    page = client.get(where)
    assert sent_code() not in page.content.decode()  # a real town never shows it
    assert client.post(where, {"code": sent_code()})["Location"] == "/account/"
    assert client.get("/account/").status_code == 200
    contact = Contact.objects.get(kind=kind)
    assert contact.value == kept and contact.verified is not None
    assert AuditEntry.objects.filter(action="people.login").exists()
    assert client.get("/desk/").status_code == 302  # a resident is no staff


@pytest.mark.django_db
def test_a_code_is_good_once_for_ten_minutes_and_five_tries(client, monkeypatch):
    monkeypatch.setattr(onetime, "WAITS", (0,))
    where = ask(client, "70000001")
    good = sent_code()
    wrong = "000000" if good != "000000" else "111111"
    for _ in range(onetime.TRIES):
        assert client.post(where, {"code": wrong}).status_code == 200
    assert client.post(where, {"code": good}).status_code == 200  # too late: five tries
    where = ask(client, "70000001")
    OneTimeCode.objects.update(expires="2020-01-01T00:00:00Z")
    assert client.post(where, {"code": sent_code()}).status_code == 200
    where = ask(client, "70000001")
    assert client.post(where, {"code": sent_code()}).status_code == 302
    client.post(reverse("logout"))
    assert client.post(where, {"code": sent_code()}).status_code == 200  # used


@pytest.mark.django_db
def test_codes_cannot_be_pumped_by_one_number_nor_by_one_device(client, monkeypatch):
    ask(client, "70000001")
    answer = client.post(reverse("login"), {"contact": "70000001"})
    assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= onetime.WAITS[0] + 1
    assert Message.objects.count() == 1
    refused = [client.post(reverse("login"), {"contact": f"7000{n:04}"}).status_code for n in range(20)]
    assert 429 in refused
    assert Message.objects.count() <= 13


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["", "abc", "12", "a@b", "+999999999999999999"])
def test_what_is_no_contact_is_said_kindly(client, typed):
    answer = client.post(reverse("login"), {"contact": typed}, headers={"accept-language": "fr"})
    assert answer.status_code == 200 and "error" in answer.content.decode()


@pytest.mark.django_db
def test_a_new_session_at_log_in(client):
    client.get("/account/login")
    where = ask(client, "70000001")
    before = client.session.session_key
    client.post(where, {"code": sent_code()})
    assert client.session.session_key != before


@pytest.mark.django_db
def test_staff_need_their_second_factor(client):
    staff(MANAGER)
    answer = client.post("/account/staff/login/", {"login": "agent@mairie.test", "password": PASSWORD})
    assert "/2fa/authenticate/" in answer["Location"]
    assert client.get("/desk/").status_code == 302  # a password alone opens nothing
    assert code_now() not in client.get(answer["Location"]).content.decode()
    assert client.post(answer["Location"], {"code": "000000"}).status_code == 200
    assert client.post(answer["Location"], {"code": code_now()}).status_code == 302
    assert client.get("/desk/").status_code == 200


@pytest.mark.django_db
def test_staff_without_a_second_factor_are_led_to_add_one(client):
    staff(MANAGER, factor=False)
    client.post("/account/staff/login/", {"login": "agent@mairie.test", "password": PASSWORD})
    assert client.get("/desk/reports/")["Location"].startswith("/account/staff?")
    answer = client.get("/account/staff")
    assert answer["Location"] == reverse("mfa_activate_totp")


@pytest.mark.django_db
def test_a_password_cannot_be_guessed_for_long(client):
    staff(MANAGER)
    answers = [
        client.post("/account/staff/login/", {"login": "agent@mairie.test", "password": f"wrong {n}"}).status_code
        for n in range(14)
    ]
    assert 429 in answers
    assert AuditEntry.objects.filter(action="people.login_failed").exists()


@pytest.mark.django_db
def test_nobody_signs_up(client):
    assert client.get("/account/staff/signup/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("role", [None, READER, AGENT, MANAGER, ADMINISTRATOR])
def test_only_administrators_make_accounts(client, role):
    account = staff(role)
    sign_in(client, account)
    allowed = role == ADMINISTRATOR
    assert client.get("/desk/people/").status_code == (200 if allowed else 403)
    values = {
        "name": "Issa",
        "email": "issa@mairie.test",
        "password": "karite-bleu-2026",
        "role": AGENT,
        "service": "*",
        "zone": "",
    }
    client.post("/desk/people/", values)
    assert Account.objects.filter(email="issa@mairie.test").exists() is allowed
    if not allowed:
        assert AuditEntry.objects.filter(action="access.denied", account=account.pk).exists()


@pytest.mark.django_db
def test_somebody_takes_their_data_away_and_has_it_erased(client):
    client.post(ask(client, "awa@example.org"), {"code": sent_code()})
    client.post("/account/details", {"name": "Awa Diarra", "language": "fr"})
    data = client.get("/account/data.json").json()
    assert data["name"] == "Awa Diarra" and data["contacts"] == [{"kind": "email", "value": "awa@example.org"}]
    client.post("/account/erase")
    person = Person.objects.get()
    assert person.name == "" and person.erased is not None
    assert not Contact.objects.exists() and not Account.objects.exists()
    assert "Awa" not in str(list(AuditEntry.objects.values()))


@pytest.mark.django_db
def test_a_visitor_costs_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/account/login")


@pytest.mark.django_db
def test_what_an_actor_may_do_costs_one_statement(django_assert_num_queries):
    account = staff(MANAGER)
    give_factor_id = give_factor(account).pk
    with django_assert_num_queries(1):
        assert api.actor_for(account.pk, [give_factor_id]).staff
