"""A taxpayer's own account: by web, SMS and USSD; contested, paid in parts; erased."""

from __future__ import annotations

import json
import re
from datetime import datetime
from itertools import count

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from toguna.engines.channels import api as channels
from toguna.engines.channels import sms
from toguna.engines.channels.talk import understanding
from toguna.engines.channels.ussd.sessions import MOST_GSM, step
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import asking, following, http, ways
from toguna.engines.ledger.tests.test_providers_faults import GIVEN
from toguna.engines.people import api as people
from toguna.engines.people.erasure import erase, export
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.models import Objection, PlanWish
from toguna.services.revenue.profile import reads
from toguna.services.revenue.register import actions
from toguna.simulate.mtn import Mtn

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


@pytest.fixture
def awa(stall):
    return stall("Awa Traoré", phone=PHONE).parts.get().taxpayer


def resident(phone: str, *, verified: bool = True, name: str = "Awa") -> Client:
    person = people.Person.objects.create(name=name, language="en")
    people.Contact.objects.create(
        person=person, kind="phone", value=phone, verified=timezone.now() if verified else None
    )
    client = Client(headers={"accept-language": "en"})
    sign_in(client, people.Account.objects.create(person=person))
    client.person = person
    return client


def text_of(response) -> str:
    return response.content.decode().replace("\u202f", " ").replace("\xa0", " ")


def test_only_who_has_proved_the_phone_sees_the_account(awa, bill, stall):
    made = bill(awa, 12000, thing=reads.register.taxed_of(awa).get())
    mine = resident(PHONE)
    page = text_of(mine.get("/taxes/", follow=True))
    assert "12,000 FCFA" in page and made.reference[:5] in page and "Délibération" in page and "30 days late" in page
    assert mine.get(f"/taxes/{awa.number}/statement.pdf").content.startswith(b"%PDF")
    assert "12,000" in text_of(mine.get("/account/"))
    for other in (resident("+22370000002"), resident(PHONE, verified=False)):
        assert other.get(f"/taxes/{awa.number}").status_code == 404
        assert other.get(f"/taxes/{awa.number}/statement.pdf").status_code == 404
        assert other.post(f"/taxes/{awa.number}/contest", {}).status_code == 404
    assert Client().get(f"/taxes/{awa.number}").status_code in (302, 403)


def test_contested_then_answered(awa, bill, hire, say):
    made = bill(awa, 12000)
    mine = resident(PHONE)
    given = {
        "about": f"bill:{made.reference}",
        "reason": "It is 2 m2, not 4",
        "client_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    }
    for _again in range(2):
        mine.post(f"/taxes/{awa.number}/contest", given)
    row = Objection.objects.get()
    assert (row.state, row.bill) == ("open", made)
    agent, head = hire("agent"), hire("manager")
    assert "It is 2 m2" in text_of(agent.get("/desk/taxes/answers/"))
    assert "Contested" in text_of(agent.get("/desk/"))
    assert agent.post(f"/desk/taxes/answers/objection/{row.pk}", {"do": "agree", "words": "Right"}).status_code == 403
    head.post(
        f"/desk/taxes/answers/objection/{row.pk}", {"do": "agree", "words": "Measured again: 2 m2", "take_back": "yes"}
    )
    row.refresh_from_db()
    made.refresh_from_db()
    assert (row.state, made.state) == ("agreed", "cancelled")
    told = channels.Message.objects.filter(address=PHONE).last()
    assert told is not None and "2 m2" in told.text
    assert "Measured again" in text_of(mine.get(f"/taxes/{awa.number}"))


def test_a_plan_is_asked_and_agreed(awa, bill, hire):
    made, mine = bill(awa, 12000), resident(PHONE)
    page = f"/taxes/{awa.number}/plan/{made.reference}"
    mine.post(page, {"months": "3", "client_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2"})
    mine.post(page, {"months": "4", "client_id": "7d444840-9dc0-11d1-b245-5ffdce74fad3"})
    wish = PlanWish.objects.get()  # one waits for a bill
    hire("manager").post(f"/desk/taxes/answers/plan/{wish.pk}", {"do": "agree"})
    wish.refresh_from_db()
    assert wish.state == "agreed"
    assert list(made.instalments.values_list("amount", flat=True)) == [4000, 4000, 4000]
    assert "Part 3" in text_of(mine.get(f"/taxes/{awa.number}"))


def test_balance_and_contest_by_sms(awa, bill, say):
    made = bill(awa, 12000)
    answer = say("BALANCE")
    assert "12,000" in answer and made.reference in answer and len(answer) <= 160
    assert "Aucun redevable" in say("SOLDE", "+22379999999")
    assert made.reference in say("CONTEST")
    say("1")
    assert "number" in say("It was paid in March at the desk")
    assert Objection.objects.get().bill == made


def test_what_is_taxed_and_why_in_one_sms(awa, bill, say, stall):
    bill(awa, 12000)
    desk = ledger.new_desk("Counter", by=SYSTEM)
    at = timezone.make_aware(datetime(2026, 3, 9, 10))
    ledger.take(2000, "XOF", "cash", desk=desk, key="k", by=SYSTEM, payer=awa.payer_id, at=at)
    answer = say("BALANCE DETAIL")
    for part in (
        "Awa Traoré: 10,000",
        "Market stall or shop Place 12, Surface in m2 = 4: 36,000",
        "36,000",
        "a year",
        "Délibération",
        "2,000",
        "03/09/2026",
    ):
        assert part in answer, (part, answer)
    assert sms.size(sms.normalise(answer)).parts <= 2
    for n, (typed, wanted) in enumerate((("SOLDE DÉTAIL", "par an"), ("SALDO DETALHE", "por ano"))):
        stall("Fanta", phone=f"+2237000001{n}")
        answer = say(typed, f"+2237000001{n}")
        assert "Fanta" in answer and f"36 000 FCFA {wanted}" in answer.translate({0xA0: " ", 0x202F: " ", 0x2E: " "})
    assert "No taxpayer" in say("TAX DETAIL", "+22379999999")
    stall("Her shop", phone=PHONE)  # two taxpayers of one telephone: it asks of whom
    assert "Her shop" in say("BALANCE DETAIL")
    assert "Nothing was paid yet" in say("2")


def test_pay_by_sms_rings_the_phone_and_pays_the_oldest(awa, bill, say, monkeypatch):
    first, second = bill(awa, 3000), bill(awa, 4000, due=timezone.localdate())
    assert "nothing to pay" in say("PAY", "+22370000099") or "No taxpayer" in say("PAY 10", "+22370000099")
    assert f"/pay/{first.reference}" in say("PAY 5000")  # no company is set up: by the page, or at the desk
    http.forget_tokens()
    with Mtn(webhook=ways.address("mtn")) as company:
        monkeypatch.setattr(ways, "tables", lambda: {"mtn": {**GIVEN["mtn"], "url": company.url, "currency": "XOF"}})
        connection.inc_thread_sharing()
        assert "confirm" in say("PAY 5000")
        row = PaymentRequest.objects.get()
        assert (row.amount, row.phone, row.bills) == (5000, PHONE, [first.pk, second.pk])
        asking.send(row.pk)
        company.pay(next(iter(company.payments.values())))
        following.follow(row.pk, timezone.now())
        connection.dec_thread_sharing()
    assert [one.left for one in (first, second) if not one.refresh_from_db()] == [0, 2000]
    assert "2,000" in say("BALANCE")


def test_what_another_room_asks_of_the_telephone_is_listed_and_paid_too_each_bill_once(awa, bill, say, monkeypatch):
    made = bill(awa, 3000)
    due, today = [ledger.Due("principal", "Bags", 500, "7068")], timezone.localdate()
    theirs = ledger.issue(ledger.payer("Household"), due, key="w", due=today, by=SYSTEM, about=("waste", "W"))
    room = ledger.Owing("waste", "Waste", lambda _address: [])
    monkeypatch.setattr(
        reads.ledger, "owing", lambda _address: [(room, list(ledger.Bill.objects.filter(state="open").order_by("due")))]
    )
    answer = say("BALANCE")
    assert answer.count(made.reference) == 1 and f"Waste: 500 FCFA to pay. Oldest: {theirs.reference}" in answer
    asked = say("PAY 500")
    assert "For whom" in asked and "Waste" in asked
    assert f"/pay/{theirs.reference}" in say("2")
    ledger.cancel(made.pk, reason="wrong", by=SYSTEM)
    assert f"/pay/{theirs.reference}" in say("PAY 500"), "who alone owes is not asked for whom"
    assert f"/pay/{theirs.reference}" in say("PAY 500", "+22370000077"), "no taxpayer need have it"


def test_by_ussd_every_screen_fits(awa, bill):
    bill(awa, 12000)
    typed: list[str] = []
    screen = step("s1", PHONE, typed)
    for _more in range(8):
        assert len(screen.text) <= MOST_GSM
        found = next(
            (line.split()[0] for line in screen.text.splitlines() if re.fullmatch(r"\d+ ce que je dois", line, re.I)),
            "",
        )
        if found:
            break
        typed.append("98")
        screen = step("s1", PHONE, typed)
    typed.append(found)
    screen = step("s1", PHONE, typed)
    assert "12 000 FCFA à payer" in screen.text and len(screen.text) <= MOST_GSM


def test_paid_by_ussd_on_the_oldest_bill(awa, bill, monkeypatch):
    """Through the menus, with the keys of a phone: the company rings it for what was typed; the same session again asks nothing twice."""
    first, second = bill(awa, 3000), bill(awa, 4000, due=timezone.localdate())
    http.forget_tokens()
    with Mtn(webhook=ways.address("mtn")) as company:
        monkeypatch.setattr(ways, "tables", lambda: {"mtn": {**GIVEN["mtn"], "url": company.url, "currency": "XOF"}})
        connection.inc_thread_sharing()
        typed: list[str] = []
        screen = step("pay", PHONE, typed)
        while not (found := re.search(r"^(\d+) payer ce que je dois", screen.text, re.I | re.M)):
            assert len(typed) < 8 and len(screen.text) <= MOST_GSM
            typed.append("98")
            screen = step("pay", PHONE, typed)
        typed.append(found[1])
        assert "Combien" in step("pay", PHONE, typed).text
        typed.append("5000")
        screen = step("pay", PHONE, typed)
        assert "5 000 FCFA" in screen.text and first.reference in screen.text and len(screen.text) <= MOST_GSM
        assert step("pay", PHONE, typed) == screen
        row = PaymentRequest.objects.get()
        assert (row.amount, row.phone, row.bills) == (5000, PHONE, [first.pk, second.pk])
        asking.send(row.pk)
        company.pay(next(iter(company.payments.values())))
        following.follow(row.pk, timezone.now())
        connection.dec_thread_sharing()
    assert [one.left for one in (first, second) if not one.refresh_from_db()] == [0, 2000]


def test_anybody_may_check_a_plate_and_reads_no_name(awa, stall, say):
    thing = reads.register.taxed_of(awa).get()
    page = text_of(Client(headers={"accept-language": "en"}).get(f"/registered/?code={thing.code.lower()}"))
    assert "In the register" in page and "Zongo" in page and "Market stall" in page and "Awa" not in page
    assert Client().get("/registered/?code=ZZZZ222").status_code == 404
    assert "is in the register" in say(f"REGISTERED {thing.code}", "+22375555555")
    reads.Taxed.objects.filter(pk=thing.pk).update(code="CKDHXKX")  # one code in ten has no digit
    assert "is in the register" in say("REGISTERED ckdhxkx", "+22375555555")
    assert "not in the register" in say("REGISTERED AB1234MD", "+22375555555")


def test_taken_away_and_erased(awa, bill):
    made, mine = bill(awa, 12000), resident(PHONE)
    told = json.dumps(export(mine.person), default=str)
    assert awa.number in told and made.reference in told
    erase(mine.person, by=SYSTEM)
    awa.refresh_from_db()
    assert awa.name == "Awa Traoré"  # owes, and is taxed: the register keeps them
    ledger.cancel(made.pk, reason="wrong", by=SYSTEM)
    actions.end(reads.register.taxed_of(awa).get().pk, reason="gone", by=SYSTEM)
    erase(resident(PHONE, name="Her son").person, by=SYSTEM)  # a telephone that a family shares
    awa.refresh_from_db()
    assert awa.active
    erase(resident(PHONE, name="Awa TRAORE").person, by=SYSTEM)
    awa.refresh_from_db()
    assert (awa.name, awa.phone, awa.active) == ("", "", False) and not ledger.Payer.objects.get(pk=awa.payer_id).name
    assert not awa.events.exclude(name="").exists()
