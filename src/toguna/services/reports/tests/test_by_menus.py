"""USSD: every key of every menu, in three languages; a report by menus; sessions that are cut; what aggregators send."""

from __future__ import annotations

import json
import secrets
from copy import copy

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.channels.models import Message, UssdSession
from toguna.engines.channels.ussd import callbacks, sessions
from toguna.engines.channels.ussd.sessions import Screen, fits, step
from toguna.kernel import town as towns
from toguna.services.reports.tests.test_by_words import fresh_words, places  # noqa: F401

PHONE = "+22370000005"


def unlimited() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_limit")


class Phone:
    """Types one thing after the other, as a person does."""

    def __init__(self, number: str = PHONE) -> None:
        self.number, self.session, self.typed = number, secrets.token_hex(6), []
        self.screen: Screen = step(self.session, number, [])

    def __call__(self, *keys: str) -> Screen:
        for key in keys:
            self.typed.append(key)
            self.screen = step(self.session, self.number, list(self.typed))
            assert fits(self.screen.text), self.screen.text
        return self.screen


def number_of(screen: Screen, words: str) -> str:
    return next(line.split(" ", 1)[0] for line in screen.text.splitlines() if words in line)


def test_a_report_by_menus(places, town):  # noqa: F811
    phone = Phone()
    asked = phone(number_of(phone.screen, "Signaler"))
    assert "De quoi" in asked.text and "98 " in asked.text
    second = phone("98")
    assert second.text.splitlines()[1] != asked.text.splitlines()[1]
    phone(number_of(asked, "Nid-de-poule"))
    phone("école Sainte Marie")
    last = phone("grand trou")
    case = cases.Case.objects.get()
    assert last.end and case.code in last.text
    assert (case.channel, case.topic.slug, case.text, case.zone) == ("ussd", "pothole", "grand trou", town.north)
    assert step(phone.session, PHONE, phone.typed) == last  # the operator asks again: nothing is done twice
    assert cases.Case.objects.count() == 1
    follow = Phone()
    assert case.code in follow(number_of(follow.screen, "Suivre")).text


def test_back_and_home(places, town):  # noqa: F811
    phone = Phone()
    home = phone.screen.text
    first = phone(number_of(phone.screen, "Signaler")).text
    phone(number_of(phone.screen, "Nid-de-poule"))
    assert phone("0").text == first
    assert phone("0").text == home
    phone("1", "1")
    assert phone("00").text == home
    assert home in phone("77").text  # no such choice: said, and the menu again


def test_the_language_is_chosen_once(places, town):  # noqa: F811
    phone = Phone()
    phone(number_of(phone.screen, "Langue"))
    assert "Report a problem" in phone(number_of(phone.screen, "English")).text
    assert "Report a problem" in Phone().screen.text


def test_a_session_that_was_cut_goes_on(places, town):  # noqa: F811
    phone = Phone()
    phone(number_of(phone.screen, "Signaler"))
    phone(number_of(phone.screen, "Nid-de-poule"))
    again = Phone()
    assert again.screen.text.splitlines()[1].startswith("1 ")
    assert "Où est-ce" in again("1").text
    third = Phone("+22370000006")
    assert "Signaler" in third.screen.text
    UssdSession.objects.update(updated=timezone.now() - sessions.RESUMED * 2)
    assert "Signaler" in Phone().screen.text


@pytest.mark.parametrize("language", towns.LANGUAGES)
def test_every_key_of_every_menu(places, town, language):  # noqa: F811
    """Walks the whole tree: each screen fits, none is a dead end, none breaks. Answers that are typed try a landmark."""
    seen: set[str] = set()
    walked = 0

    def press(phone: Phone, came: UssdSession, key: str) -> Phone:
        """Each key from where the phone had come to, in a session of its own."""
        UssdSession.objects.all().delete()
        unlimited()
        other = copy(phone)
        other.session, other.typed = secrets.token_hex(6), [*phone.typed]
        came.pk, came.session = None, other.session
        came.save(force_insert=True)
        assert other(key).text.strip()
        return other

    def walk(phone: Phone, depth: int) -> None:
        nonlocal walked
        walked += 1
        if phone.screen.end or phone.screen.text in seen or depth == 0:
            return
        seen.add(phone.screen.text)
        came = UssdSession.objects.get(session=phone.session)
        offered = [line.split(" ", 1)[0] for line in phone.screen.text.splitlines() if line[:1].isdigit()]
        choices = [k for k in offered if k not in ("0", "00")]
        for key in choices or ["mosquee", "école Sainte Marie", "0"]:
            walk(press(phone, came, key), depth - 1)
        if choices:
            press(phone, came, "77")  # no such choice

    phone = Phone()
    UssdSession.objects.filter(session=phone.session).update(language=language)
    phone("00")
    walk(phone, 7)
    assert walked > 20


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=40) | st.sampled_from(["1", "2", "98", "0", "00", "*", "#"]), max_size=8))
def test_whatever_is_typed(places, town, keys):  # noqa: F811
    unlimited()
    phone = Phone()
    screen = phone(*keys)
    assert screen.text
    assert step(phone.session, PHONE, keys) == screen


def test_what_is_too_long_comes_by_sms(places, town, opened):  # noqa: F811
    from toguna.engines.channels.ussd.sessions import _end

    row = UssdSession.objects.create(session="x", address=PHONE)
    _end(row, "Bonjour " * 40)
    assert fits(row.slots["screen"]) and Message.objects.get(address=PHONE).text.startswith("Bonjour Bonjour")


def test_the_callbacks_of_aggregators(places, town, client):  # noqa: F811
    talking = callbacks.address("africastalking").partition("://")[2].partition("/")[2]
    form = {"sessionId": "AT1", "phoneNumber": PHONE, "serviceCode": "*123#", "text": ""}
    assert client.post(f"/{talking}", form).content.decode().startswith("CON ")
    screen = client.post(f"/{talking}", {**form, "text": "1"}).content.decode()
    assert "De quoi" in screen
    assert client.post(f"/{talking}", {**form, "text": "1"}).content.decode() == screen
    done = client.post(f"/{talking}", {**form, "text": "1*1*école Sainte Marie*0"}).content.decode()
    assert done.startswith("END ") and cases.Case.objects.get().code in done

    hubtel = callbacks.address("hubtel").partition("://")[2].partition("/")[2]
    say = {"SessionId": "H1", "Mobile": "22370000007", "ServiceCode": "123", "Operator": "x"}

    def send(**more):
        return client.post(f"/{hubtel}", json.dumps({**say, **more}), content_type="application/json").json()

    assert send(Type="Initiation", Message="*123#", Sequence=1)["Type"] == "response"
    first = send(Type="Response", Message="1", Sequence=2)
    assert first == send(Type="Response", Message="1", Sequence=2)  # repeated by the network
    assert "Où" in send(Type="Response", Message="1", Sequence=3)["Message"]
    assert send(Type="Timeout", Message="", Sequence=4)["Type"] == "release"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\x00", b'{"session": 5, "phone": [], "text": {}}', b'{"phone": "+22370000001"}']
)
def test_a_callback_that_makes_no_sense(town, client, body):
    path = callbacks.address("json").partition("://")[2].partition("/")[2]
    answer = client.post(f"/{path}", body, content_type="application/json")
    assert answer.status_code == 200 and answer.json()["text"]


def test_strangers_do_not_reach_the_menus(town, client):
    assert client.post("/ussd/json/wrong", "{}", content_type="application/json").status_code == 404
    assert (
        client.post(f"/ussd/other/{callbacks.secret('other')}", "{}", content_type="application/json").status_code
        == 404
    )
    assert client.get(f"/ussd/json/{callbacks.secret('json')}").status_code == 405


def test_the_phone_of_the_demo(places, town, monkeypatch):  # noqa: F811
    client = Client()
    monkeypatch.setattr(towns, "current", lambda: towns.Town("Soundiakoura", "ML"))
    assert client.get("/demo/phone").status_code == 404  # a real town has none
    monkeypatch.setattr(towns, "current", lambda: towns.Town("Soundiakoura", "ML", demo=True))
    assert client.get("/demo/phone").status_code == 200
    client.post("/demo/phone", {"do": "sms", "number": PHONE, "text": "AIDE", "once": "1"})
    assert "SIGNALER" in client.get("/demo/phone", {"number": PHONE}).content.decode()
    dialled = client.post("/demo/phone", {"do": "dial", "number": PHONE}).content.decode()
    assert "Signaler un probl" in dialled
    session = dialled.partition('name="session" value="')[2].partition('"')[0]
    next_ = client.post("/demo/phone", {"do": "key", "number": PHONE, "session": session, "path": "[]", "text": "1"})
    assert "De quoi" in next_.content.decode()
    assert client.post("/demo/phone", {"do": "key", "path": "{bad", "number": "zzz"}).status_code == 200
