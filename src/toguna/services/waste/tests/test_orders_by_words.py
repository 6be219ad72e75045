"""A pick-up by SMS, from the first word to the stars, with the pre-collectors' own words."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from toguna.engines.bookings import api as bookings
from toguna.engines.channels import sms
from toguna.engines.channels.models import Message
from toguna.engines.ledger import api as ledger
from toguna.kernel.access import NOBODY
from toguna.services.waste.models import PickUp, PickUpOffer, PickUpStep, PreCollector
from toguna.services.waste.orders import matching, precollectors
from toguna.services.waste.tests.conftest import CART, HOME, OTHER, TRICYCLE


def order(say, words: str = "PICKUP household", phone: str = HOME) -> PickUp:
    say(words, phone)
    say("3", phone)
    say("Mosquée de Nord", phone)
    asked = say("1", phone)
    assert "750" in asked, asked
    answer = say("1", phone)
    return PickUp.objects.get(code=re.search(r"Pick-up (\w{7})", answer)[1])


@pytest.fixture
def today(monkeypatch):
    """The slot of the order is now: what is planned for another day is done on that day."""

    def move(row: PickUp) -> None:
        start = timezone.now() - timedelta(minutes=30)
        PickUp.objects.filter(pk=row.pk).update(start=start, end=start + timedelta(hours=4))

    return move


def test_from_the_order_to_the_stars(say, heard, collectors, today):
    row = order(say)
    assert (row.state, row.size, row.price, row.zone.name) == ("asked", 3, 750, "Nord")
    assert row.booking is not None and row.booking.state == "booked"
    offered = heard(CART)
    assert row.code in offered and "525 FCFA" in offered, "seven tenths of the price are the pre-collector's"
    assert heard(TRICYCLE) == "", "one is asked after the other, the nearest first"

    assert row.code in say(f"PRE {row.code}", CART)
    told = heard(HOME)
    row.refresh_from_db()
    assert row.state == "accepted" and row.secret in told and "Awa" in told and CART in told
    assert HOME in heard(CART), "who comes knows whom to call"

    today(row)
    assert "not the household" in say(f"PRE {row.code} {(int(row.secret) + 1) % 10000:04d}", CART)
    answer = say(f"PRE {row.code} {row.secret}", CART)
    assert "525 FCFA" in answer
    row.refresh_from_db()
    assert (row.state, row.proof, row.earned) == ("done", "code", 525)
    assert row.bill is not None and row.bill.amount == 750 and row.bill.state == "open"
    done = heard(HOME)
    assert row.bill.reference in done and "RATE" in done
    assert "525 FCFA" in say("PRE", CART) + say("My earnings", CART)

    assert "Thank you" in say("RATE 5")
    row.refresh_from_db()
    collectors.awa.refresh_from_db()
    assert (row.stars, collectors.awa.stars, collectors.awa.rated) == (5, 5, 1)
    say("PRE", CART)
    assert "5.0 of 5" in say("My rating", CART)
    assert "no pick-up" in say("RATE 1"), "one gives stars once"
    whats = list(PickUpStep.objects.filter(pickup=row).values_list("what", flat=True))
    assert whats == ["asked", "offered", "accepted", "done", "rated"]
    assert all(sms.size(text).parts <= 2 for text in Message.objects.values_list("text", flat=True))


def test_the_money_is_in_the_book_once_whatever_is_sent_again(say, heard, collectors, today):
    row = order(say)
    heard(CART)
    say(f"PRE {row.code}", CART)
    row.refresh_from_db()
    today(row)
    for _again in range(3):
        say(f"PRE {row.code} {row.secret}", CART)
    collectors.awa.refresh_from_db()
    assert precollectors.sums(collectors.awa).owed == 525
    assert ledger.Bill.objects.count() == 1
    assert ledger.balance("621") == 525 and ledger.balance("401") == -525 and ledger.balance("7068") == -750


def test_who_does_not_want_it_or_does_not_answer_leaves_it_to_the_next(say, heard, collectors):
    row = order(say)
    heard(CART)
    assert "somebody else" in say("PRE NO", CART)
    assert row.code in heard(TRICYCLE)
    later = timezone.now() + timedelta(days=2)
    matching.sweep(later)
    row.refresh_from_db()
    assert row.state in ("asked", "unserved")
    heard(HOME)
    row.refresh_from_db()
    assert row.state == "unserved" and row.collector is None
    assert "nobody is free" in heard(HOME)
    assert list(PickUpOffer.objects.order_by("pk").values_list("answer", flat=True)) == ["no", "late"]
    assert "went to somebody else" in say(f"PRE {row.code}", TRICYCLE)
    PreCollector.objects.create(code="NEWA", name="Oumar", phone=OTHER, state="active", language="en")
    matching.sweep()
    assert row.code in heard(OTHER), "somebody new is asked for what nobody could do"


def test_a_full_day_and_a_resting_one_are_not_asked(say, heard, collectors):
    PreCollector.objects.filter(pk=collectors.awa.pk).update(most=0)
    order(say)
    assert heard(CART) == ""
    assert "Job" in heard(TRICYCLE)
    say("PRE", TRICYCLE)
    assert "You rest" in say("I rest", TRICYCLE)
    say("PICKUP household", OTHER)
    for words in ("3", "Mosquée de Sud", "1", "1"):
        say(words, OTHER)
    heard(OTHER)
    assert PickUp.objects.latest("pk").state == "unserved"


def test_cancelling_frees_the_hour_and_tells_who_was_to_come(say, heard, collectors):
    row = order(say)
    heard(CART)
    say(f"PRE {row.code}", CART)
    heard(CART)
    say("PICKUP")
    assert row.code in say("2")
    row.refresh_from_db()
    row.booking.refresh_from_db()
    assert row.state == "cancelled" and row.booking.state == "cancelled" and row.booking.slot.taken == 0
    assert "do not go" in heard(CART)


def test_an_appointment_cancelled_elsewhere_cancels_the_order(say, heard, collectors):
    row = order(say)
    heard(CART)
    booked = bookings.by_code(row.booking.code)
    bookings.cancel(booked.pk, by=NOBODY, key=bookings.key_of(booked))
    heard(HOME)
    row.refresh_from_db()
    assert row.state == "cancelled"


def test_somebody_registers_by_sms_and_works_once_the_town_says_so(say, heard, town, hire):
    say("PRE", OTHER)
    say("Moussa Keita", OTHER)
    assert "appelle" in say("Nord", OTHER)
    row = PreCollector.objects.get(phone=OTHER)
    assert (row.state, row.name, row.zones.get().name) == ("asked", "Moussa Keita", "Nord")
    order(say)
    assert "Course" not in heard(OTHER), "nobody works before a person of the town has let them in"
    client = hire("manager")
    client.post(f"/desk/waste/collectors/{row.pk}/state", {"state": "active"})
    assert row.code in heard(OTHER)
    matching.sweep()
    assert "Course" in heard(OTHER)
