"""What anybody asks of the ledger by SMS and USSD: what a thing costs, and whether a receipt is the town's."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone, translation

from toguna.engines.channels import api as channels
from toguna.engines.channels.talk import understanding
from toguna.engines.channels.ussd.sessions import MOST_GSM, step
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import demo
from toguna.engines.ledger.desks import cashbook
from toguna.engines.ledger.models import Bill, PaymentRequest
from toguna.engines.ledger.providers import ways
from toguna.engines.ledger.receipts import reads, signing
from toguna.engines.ledger.tests import providers_world as world
from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM
from toguna.simulate.payments import GIVEN

PHONE = "+22370000001"


@pytest.fixture
def say(db):
    demo.load(None)
    understanding.forget()
    sent = count()

    def said(text: str, phone: str = PHONE) -> str:
        row = channels.receive("sms", phone, text, reference=f"p{next(sent)}")
        row.refresh_from_db()
        return row.answer.text if row.answer else ""

    yield said
    understanding.forget()


def test_what_a_thing_costs_in_one_message(say):
    answer = say("PRICE sign 3")
    assert "3 m2 x 10,000 FCFA" in answer and "Total: 30,000 FCFA" in answer and "art." in answer


def test_it_asks_for_what_is_missing(say):
    assert "How many (m2)?" in say("PRICE shop")
    assert "Send a number" in say("many")
    assert "How many (mois)?" in say("8")
    assert "Total: 12,000 FCFA" in say("2")


def test_several_prices_with_the_same_word_are_offered(say):
    offered = say("PRICE market")
    assert "Market stall for a day" in offered and "Cattle market" in offered
    assert "How many" in say("1")


def test_words_that_no_price_has_offer_them_all(say):
    assert "\n1 " in say("PRICE zeppelin")
    assert "No price has these words" in say("airship")


@pytest.mark.parametrize(
    ("language", "asked", "part"), [("fr", "COMBIEN patente 20", "30 000 FCFA"), ("pt", "QUANTO letreiro 2", "FCFA")]
)
def test_in_our_languages(say, language, asked, part):
    with translation.override(language):
        assert part in say(asked)


def test_beyond_the_last_band_the_act_says_nothing(say):
    ledger.write_tariff(
        "toilet", ledger.Tariff.objects.first().since, ledger.Told({"en": "Toilet"}, "art. 1", "", {"type": "band", "by": "people", "bands": [["10", 50]]}, "7088"),
        by=SYSTEM,
    )  # fmt: skip
    assert "says nothing" in say("PRICE toilet 11") and "50 FCFA" in say("PRICE toilet 3")


def test_a_price_by_ussd_every_screen_fits(say):
    people.person_for(name="Awa", phone=PHONE, language="en")
    typed: list[str] = []
    screen = step("u1", PHONE, typed)
    for wanted in ("how much?", "Cattle market", "", ""):
        for _more in range(10):
            assert len(screen.text) <= MOST_GSM
            line = next(
                (
                    one
                    for one in screen.text.split("\n")
                    if wanted and wanted.lower() in one.lower() and one[0].isdecimal()
                ),
                None,
            )
            if line or not wanted or "How many" in screen.text:
                break
            assert "98 " in screen.text, screen.text
            typed.append("98")
            screen = step("u1", PHONE, typed)
        if "Total" in screen.text:
            break
        typed.append(line.split(" ")[0] if line else "4")
        screen = step("u1", PHONE, typed)
    assert "Total: 2,000 FCFA" in screen.text


def test_whether_a_receipt_is_the_town_s(say):
    desk = cashbook.new_desk("Guichet 1", by=SYSTEM)
    paid = ledger.take(5000, "XOF", "cash", desk=desk, payer=ledger.payer("Awa Koné").pk, key="p", by=SYSTEM)
    number = ledger.receipt_number(paid)
    assert "is good: 5,000 FCFA" in (answer := say(f"RECEIPT {number}")) and "Koné" not in answer
    assert "is good" in say(f"receipt {number.lower()}")
    assert "gave no receipt" in say("RECEIPT G1-2020-000001")
    assert "number that stands" in say("RECEIPT")
    assert "is good" in say(number)
    assert "is good" in say(f"RECEIPT {signing.signed(reads.facts(paid))}")
    ledger.void(paid.pk, reason="wrong", by=SYSTEM)
    assert "VOID" in say(f"RECEIPT {number}")


def test_nobody_tries_all_numbers(say):
    from toguna.engines.ledger.receipts import commands

    said = channels.Said("sms", PHONE, "en", slots={"number": "G1-2026-000001"})
    for _time in range(commands.A_DAY):
        commands.RECEIPT.run(said)
    with pytest.raises(channels.Stop):
        commands.RECEIPT.run(said)


def test_a_bill_is_asked_for_and_paid_by_its_reference(say, monkeypatch):
    monkeypatch.setattr(ways, "tables", dict)
    owed = Bill.objects.get(pk=world.bill(5000))
    assert "Check it letter by letter" in say("BILL XXXXXXXXXX")
    say("CANCEL")
    assert f"/pay/{owed.reference}" in say(f"BILL {owed.reference}"), "where nothing rings, the address"
    monkeypatch.setattr(ways, "tables", lambda: {"mtn": GIVEN["mtn"], "orange-money": GIVEN["orange-money"]})
    spaced = f"{owed.reference[:5].lower()} {owed.reference[5:]}"  # as it stands on paper
    asked = say(f"BILL {spaced}")
    assert f"{owed.reference}: 5,000 FCFA to pay" in asked and "Orange" not in asked, "only what rings is offered"
    assert "nothing was sent" in say("Not now") and not PaymentRequest.objects.exists()
    say(f"BILL {owed.reference}")
    assert "confirm on your phone" in say("1")
    row = PaymentRequest.objects.get()
    assert (row.amount, row.phone, row.bills) == (5000, PHONE, [owed.pk])
    say(f"BILL {owed.reference}")
    assert row.code in say("1") and PaymentRequest.objects.count() == 1, "it rings for that already"
    PaymentRequest.objects.update(created=timezone.now() - timedelta(minutes=3))
    say(f"BILL {owed.reference}")
    assert row.code not in say("1") and PaymentRequest.objects.count() == 2, "who missed the ring is asked again"
    chat = channels.receive("telegram", "telegram:5", f"BILL {owed.reference}", reference="t1")
    chat.refresh_from_db()
    assert f"/pay/{owed.reference}" in chat.answer.text, "a chat does not ring"
