"""An alert that nobody signed: no trace of the sender, a key to come back with, and only the named read it."""

from __future__ import annotations

import re
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.models import AuditEntry
from toguna.services.integrity import starter

EN = {"accept-language": "en"}
WORDS = "The foreman sells the town's cement behind the depot."


@pytest.fixture
def town(db):
    starter.load()


@pytest.fixture
def hire(town):
    def hired(role: str, service: str) -> Client:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name=role, grants=[(role, service, None)]
        )  # fmt: skip
        client = Client(headers=EN)
        sign_in(client, account)
        return client

    return hired


@pytest.fixture
def alert(town):
    client = Client(headers={**EN, "user-agent": "Telltale/1.0"}, REMOTE_ADDR="203.0.113.77")
    client.get("/")
    page = client.post(reverse("integrity"), {"client_id": uuid.uuid4(), "text": WORDS}).content.decode()
    code, key = (re.sub(r"\s", "", shown) for shown in re.findall(r'class="code">([^<]+)<', page))
    return code, key


def everything() -> str:
    """All rows of all tables, as text."""
    rows = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += [repr(row) for row in cursor.fetchall()]
    return "\n".join(rows)


def test_nothing_says_who_sent_it(alert):
    _code, key = alert
    kept = everything()
    assert WORDS in kept  # the search sees what is there
    for trace in ("203.0.113.77", "Telltale", key):
        assert trace not in kept
    case = cases.Case.objects.get(type="integrity")
    assert case.reporter is None and not case.public and case.steps.get().account is None
    assert all(row.account is None and not set(row.data) & {"ip", "device"} for row in AuditEntry.objects.all())


def test_a_resident_who_is_logged_in_stays_unknown(town):
    person = people.person_for(phone="+22370000009")
    account = people.Account.objects.create(person=person, name="Moussa")
    client = Client(headers=EN)
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    client.post(reverse("integrity"), {"client_id": uuid.uuid4(), "text": WORDS})
    case = cases.Case.objects.get(type="integrity")
    assert case.reporter is None and case.steps.get().account is None
    assert not AuditEntry.objects.filter(account=account.pk).exists()


def test_the_key_opens_both_directions(alert, hire):
    code, key = alert
    back, ombudsman = reverse("integrity-back"), hire("agent", "integrity")
    act = reverse("desk-alert-act", args=[code])
    ombudsman.post(act, {"do": "reply", "words": "On which day?", "client_id": uuid.uuid4()})
    ombudsman.post(act, {"do": "note", "words": "Ask the depot.", "client_id": uuid.uuid4()})
    visitor = Client(headers=EN)
    page = visitor.post(back, {"code": code.lower(), "key": f"{key[:4]} {key[4:]}"}).content.decode()
    assert "On which day?" in page and "Ask the depot" not in page and WORDS not in page
    assert visitor.post(back, {"code": code, "key": key[::-1]}).status_code == 422
    visitor.post(back, {"code": code, "key": key, "words": "Every Friday."})
    assert "Every Friday." in ombudsman.get(reverse("desk-alert", args=[code])).content.decode()
    ombudsman.post(act, {"do": "move", "transition": "send", "words": "Sent to the prosecutor.", "seen": "received"})
    assert "Sent to the prosecutor." in visitor.post(back, {"code": code, "key": key}).content.decode()
    assert AuditEntry.objects.filter(action="integrity.read").exists()


def test_keys_cannot_be_tried_for_ever(alert):
    code, _key = alert
    answers = {
        Client().post(reverse("integrity-back"), {"code": code, "key": f"AAAA{n}"}).status_code for n in range(25)
    }
    assert 429 in answers


def test_the_same_form_twice_is_one(town):
    form = {"client_id": uuid.uuid4(), "text": WORDS}
    first, second = (Client(headers=EN).post(reverse("integrity"), form).content.decode() for _n in "ab")
    assert cases.Case.objects.count() == 1 and 'class="code"' in first and 'class="code"' not in second


@pytest.mark.parametrize(("role", "service", "may"), [
    ("agent", "integrity", True), ("administrator", "*", False), ("manager", "complaints", False), ("manager", "*", False),
])  # fmt: skip
def test_only_the_named_read_it(alert, hire, role, service, may):
    code, _key = alert
    client = hire(role, service)
    assert client.get(reverse("desk-alerts")).status_code == (200 if may else 403)
    assert client.get(reverse("desk-alert", args=[code])).status_code == (200 if may else 403)
    assert (WORDS in client.get("/desk/").content.decode()) is False


def test_too_short(town):
    assert Client().post(reverse("integrity"), {"client_id": uuid.uuid4(), "text": "x"}).status_code == 422
