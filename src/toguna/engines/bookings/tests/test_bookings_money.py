"""What a booking costs is in the ledger: billed once, paid by any door, given back when it is cancelled."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from toguna.engines.bookings import actions, money, reads, setup
from toguna.engines.bookings.events import Booked, BookingEnded
from toguna.engines.bookings.models import Slot
from toguna.engines.bookings.tests.conftest import CLERK, at, told
from toguna.engines.channels.models import Message
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import book
from toguna.engines.ledger import starter as chart
from toguna.engines.ledger.settling import decide
from toguna.kernel.access import ADMINISTRATOR, SYSTEM, Actor, Grant
from toguna.kernel.testing import run_jobs


@pytest.fixture
def workshop(counter):
    book.account_id.cache_clear()
    chart.load()
    return setup.save_resource(
        "workshop", told(titles={"en": "Sewing"}, price=500, capacity=3, most_places=2), by=CLERK
    )[0]


@pytest.fixture
def window(workshop):
    return ledger.Desk.objects.create(name="Window", prefix="W", account=ledger.account("571"))


def pays(bill, window, amount):
    return ledger.take(
        amount, bill.currency, "cash", desk=window, key=uuid.uuid4().hex, by=SYSTEM, bills=[bill.pk], payer=bill.payer_id
    )  # fmt: skip


def test_from_the_page_of_the_booking_to_the_receipt(workshop, window, someone):
    visitor = Client(headers={"accept-language": "en"})
    held = actions.hold(workshop, at(), wish=actions.Wish(places=2), by=Actor(), client_id=uuid.uuid4())
    page = visitor.post(reads.address_of(held), {"name": "Fanta", "contact": "70000001"}, follow=True).content.decode()
    assert re.search(r"Pay <[^>]+>1.?000", page.replace("&nbsp;", " "))
    for _twice in range(2):
        to = visitor.post(f"/appointments/b/{held.code}/act", {"do": "pay", "key": reads.key_of(held)})
    bill = ledger.Bill.objects.get()
    assert bill.reference in to.url and (bill.amount, bill.left, bill.about) == (1000, 1000, held.code)
    assert visitor.get(to.url).status_code == 200
    run_jobs()
    assert ledger.Bill.objects.count() == 1
    pays(bill, window, 1000)
    run_jobs()
    assert Message.objects.filter(text__contains=f"received for bill {bill.reference}").count() == 1
    assert "– paid" in (page := visitor.get(reads.address_of(held)).content.decode()) and 'value="pay"' not in page


def test_what_is_cancelled_is_not_owed_and_what_was_paid_is_given_back_once(workshop, window, books, hire):
    made = books(workshop, at())
    run_jobs()
    bill = ledger.Bill.objects.get()
    pays(bill, window, 300)
    actions.cancel(made.pk, by=CLERK)
    run_jobs()
    for _late in range(2):  # what is heard twice, or in another order, changes nothing
        money.on_ended(BookingEnded(made.pk, "workshop", "", "", "cancelled"))
        money.on_booked(Booked(made.pk, "workshop", "", ""))
    bill.refresh_from_db()
    assert (bill.state, ledger.owed_by(bill.payer_id), ledger.advance_of(bill.payer_id)) == ("cancelled", 0, 300)
    assert ledger.Bill.objects.count() == 1
    assert Message.objects.filter(key=f"booking:{made.pk}:back", text__contains="300").count() == 1
    clerks = [Actor(account=n, staff=True, grants=(Grant(ADMINISTRATOR, "ledger"),)) for n in (1, 2)]
    wish = ledger.ask_refund(
        bill.payer_id, 300, window, currency=bill.currency, reason="Cancelled", key="back", by=clerks[0]
    )
    assert decide(wish.pk, True, by=clerks[1]).state == "done"
    assert (ledger.advance_of(bill.payer_id), ledger.balance("571")) == (0, 0)


def test_who_does_not_come_owes_it_and_who_waits_nothing(workshop, books):
    setup.save_resource("workshop", told(titles={"en": "Sewing"}, price=500), by=CLERK)
    made, waits = books(workshop, at()), books(workshop, at(), wait=True)
    run_jobs()
    assert [bill.about for bill in ledger.Bill.objects.all()] == [made.code]
    Slot.objects.update(start=at(days=0, hour=0))
    actions.no_show(made.pk, by=CLERK)
    run_jobs()
    assert waits.state == "waiting" and ledger.Bill.objects.get().left == 500


def test_by_telephone_the_bill_is_said(workshop, books):
    made = books(workshop, at(), wish=actions.Wish(channel="sms"))
    run_jobs()
    said = Message.objects.get(key=f"booking:{made.pk}:bill").text
    bill = ledger.Bill.objects.get()
    assert bill.reference in said and "500" in said and len(said) <= 160
    phone = Message.objects.get(key=f"booking:{made.pk}:bill").address
    assert [(one.name, rows) for one, rows in ledger.owing(phone)] == [("bookings", [bill])]  # for BALANCE and PAY
    actions.cancel(made.pk, by=CLERK)
    run_jobs()
    assert ledger.owing(phone) == []


def test_the_desk_sees_what_is_paid(workshop, window, books, hire):
    made = books(workshop, at())
    run_jobs()
    day = f"/desk/appointments/?at=workshop&day={at():%Y-%m-%d}"
    agent = hire("agent")
    page = agent.get(day).content.decode()
    bill = ledger.Bill.objects.get(about=made.code)
    assert "to be paid" in page and bill.reference not in page
    assert (
        f"/bills/{bill.reference}" in hire("manager", service="*").get(day).content.decode()
    )  # who holds a desk takes it there
    pays(bill, window, 500)
    assert "to be paid" not in agent.get(day).content.decode()
