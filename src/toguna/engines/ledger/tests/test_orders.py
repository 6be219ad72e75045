"""Standing orders: begun by web, desk, SMS and USSD; asked in time, tried again, told, ended. And money given back by an operator."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from toguna.engines.channels import api as channels
from toguna.engines.channels.talk import understanding
from toguna.engines.channels.ussd.sessions import MOST_GSM, step
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import book
from toguna.engines.ledger.models import Bill, Payment, PaymentRequest, StandingOrder, Wish
from toguna.engines.ledger.orders import actions, running
from toguna.engines.ledger.providers import asking, following, http, ways
from toguna.engines.ledger.tests import providers_world as world
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import NOBODY, SYSTEM, Denied
from toguna.kernel.testing import forget_jobs, run_jobs
from toguna.simulate.mtn import Mtn
from toguna.simulate.payments import GIVEN

pytestmark = pytest.mark.usefixtures("chart")
State = PaymentRequest.State
PHONE = "+22370000001"


@pytest.fixture
def mtn(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mtn]:
    http.forget_tokens()
    understanding.forget()
    forget_jobs()
    with Mtn() as company:
        table = {**GIVEN["mtn"], "url": company.url, "disbursement_key": "key"}
        monkeypatch.setattr(ways, "tables", lambda: {"mtn": table, "bank": {"holder": "Mairie", "account": "ML13"}})
        yield company
    understanding.forget()


def noon(days: int = 0) -> datetime:
    return timezone.localtime().replace(hour=12, minute=0) + timedelta(days=days)


def owing(amount: int = 1000, payer: Any = None) -> Bill:
    line = ledger.Due("principal", "Waste, this month", amount, "7068")
    return ledger.issue(payer or ledger.payer("Awa"), [line], key=uuid.uuid4().hex, due=timezone.localdate(), by=SYSTEM)


def ordered(bill: Bill, day: int | None = None, most: int = 5000, **more: Any) -> StandingOrder:
    return ledger.subscribe(
        bill.payer_id, "mtn", PHONE, day=day or min(timezone.localdate().day, 28), most=most, key=uuid.uuid4().hex, by=SYSTEM,
        language="en", since=timezone.localdate() - timedelta(days=20), **more,
    )  # fmt: skip


def said(part: str) -> int:
    return channels.Message.objects.filter(address=PHONE, text__contains=part).count()


def work() -> None:
    """What workers do: jobs, and what is asked of the operator."""
    run_jobs()
    for row in PaymentRequest.objects.filter(state__in=(State.NEW, State.SENDING, State.PENDING)):
        following.follow(row.pk)
    run_jobs()


def test_what_falls_due_is_asked_once_and_thanked_for(mtn):
    bill, order = (one := owing()), ordered(one)
    owing(9000)  # somebody else's
    for _again in range(3):
        running.run(noon())
    assert running.run(noon().replace(hour=3)) == 0, "not at night"
    row = PaymentRequest.objects.get()
    assert (row.amount, row.phone, row.bills, row.order_id) == (1000, PHONE, [bill.pk], order.pk)
    work()
    mtn.pay(next(iter(mtn.payments.values())))
    work()
    bill.refresh_from_db()
    assert bill.state == Bill.State.PAID and said("received, thank you") == 1
    for days in range(12):
        running.run(noon(days))
    assert len(mtn.payments) == 1


def test_it_is_said_two_days_before_and_never_above_its_limit(mtn):
    coming = timezone.localdate() + timedelta(days=2)
    if coming.day > 28:
        pytest.skip("no order has this day")
    bill = owing(8000)
    ordered(bill, day=coming.day, most=3000)
    for _again in range(2):
        running.run(noon())
    assert said("we ask this telephone for 3,000") == 1 and not PaymentRequest.objects.exists()
    running.run(noon(2))
    assert PaymentRequest.objects.get().amount == 3000
    running.run(noon(2))
    assert PaymentRequest.objects.count() == 1


def test_of_payers_who_are_one_an_order_asks_for_all_bills_and_one_is_enough(mtn):
    kept, gone, third = (ledger.payer(name) for name in ("Awa", "Awa T.", "A. Traoré"))
    bills = [owing(1000, kept), owing(500, gone), owing(70, third)]
    order = ordered(bills[1])
    ledger.join(kept.pk, gone.pk, by=SYSTEM)
    order.refresh_from_db()
    assert order.payer == kept and order.ended is None
    other = ordered(bills[2])
    for _twice in range(2):
        ledger.join(kept.pk, third.pk, by=SYSTEM)
    other.refresh_from_db()
    assert other.ended is not None and said("another telephone has a standing order") == 1
    with pytest.raises(ledger.Refused, match="already"):
        ordered(bills[2])
    running.run(noon())
    row = PaymentRequest.objects.get()
    assert (row.amount, row.order_id, sorted(row.bills)) == (1570, order.pk, sorted(one.pk for one in bills))


def another_month(order: StandingOrder) -> None:
    StandingOrder.objects.filter(pk=order.pk).update(month=None, next_try=None, tries=0)
    PaymentRequest.objects.update(client_id=None)  # it is of the month
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_limit")


def test_it_is_tried_three_times_and_ends_after_three_months(mtn):
    bill, order = (one := owing()), ordered(one)
    for month in range(3):
        another_month(order)
        for n in range(3):
            running.run(noon(n * 5))
            work()
            assert len(mtn.payments) == month * 3 + n + 1
            mtn.decline(list(mtn.payments.values())[-1])
            work()
        running.run(noon(20))
        assert len(mtn.payments) == month * 3 + 3
    order.refresh_from_db()
    assert order.ended is not None and order.missed == 3 and "three months" in order.why
    assert said("We ask again") == 6 and said("Pay it yourself") == 2 and said("has ended") == 1
    assert bill.reference in channels.Message.objects.filter(text__contains="has ended").get().text


def test_a_worker_that_dies_asks_for_nothing_twice(mtn, monkeypatch):
    bill, order = (one := owing()), ordered(one)
    real = StandingOrder.save
    monkeypatch.setattr(
        StandingOrder,
        "save",
        lambda self, **more: 1 / 0 if "tries" in more.get("update_fields", ()) and self.tries else real(self, **more),
    )
    with pytest.raises(ZeroDivisionError):
        running.run(noon())
    assert not PaymentRequest.objects.exists()
    monkeypatch.setattr(StandingOrder, "save", real)
    running.run(noon())
    order.refresh_from_db()
    assert PaymentRequest.objects.get().order_id == order.pk and order.tries == 1 and bill.left == 1000


def test_of_a_plan_only_the_part_that_falls_due(mtn):
    bill = owing(9000)
    days = [timezone.localdate() + timedelta(days=n) for n in (1, 40, 80)]
    ledger.plan(bill.pk, days, by=SYSTEM)
    order = ordered(bill)
    running.run(noon())
    assert PaymentRequest.objects.get().amount == 3000 and order.most == 5000


def test_by_sms_from_the_telephone_that_pays_and_its_end(mtn):
    bill, sent = owing(), count()

    def say(text: str) -> str:
        row = channels.receive("sms", PHONE, text, reference=f"o{next(sent)}")
        row.refresh_from_db()
        return row.answer.text if row.answer else ""

    assert "which day" in say(f"AUTOPAY {bill.reference}")
    assert "How much" in say("2")
    assert "up to 2,000 FCFA" in say("2000")
    row = StandingOrder.objects.get()
    assert (row.payer_id, row.phone, row.day, row.most, row.way) == (bill.payer_id, PHONE, 5, 2000, "mtn")
    assert "Stop: 2,000" in say("AUTOPAY")
    assert "has ended" in say("1")
    row.refresh_from_db()
    assert row.ended is not None
    assert "No bill" in say("AUTOPAY ZZZZ") or "Reference" in say("AUTOPAY")


def test_by_ussd_every_screen_fits(mtn):
    bill, typed = owing(), []
    people.person_for(name="Awa", phone=PHONE, language="en")
    screen = step("s1", PHONE, typed)
    for answer in ("automatic payment", bill.reference, "5", "2000"):
        for _more in range(8):
            assert len(screen.text) <= MOST_GSM
            lines = [line for line in screen.text.split("\n") if line.lower().endswith(answer.lower())]
            if lines or "Reference" in screen.text or "How much" in screen.text:
                break
            assert "98 " in screen.text, screen.text
            screen = step("s1", PHONE, [*typed, "98"])
            typed.append("98")
        typed.append(lines[0].split(" ")[0] if lines else answer)
        screen = step("s1", PHONE, typed)
    assert StandingOrder.objects.get().day == 5 and "Done" in screen.text


def test_by_web_with_one_s_own_telephone(mtn):
    bill = owing()
    client = Client(headers={"accept-language": "en"})
    assert client.get(f"/pay/orders/{bill.reference}").status_code == 302, "one logs in first"
    person = people.person_for(name="Awa", phone=PHONE)
    people.Contact.objects.filter(person=person).update(verified=timezone.now())
    sign_in(client, people.Account.objects.create(person=person, name="Awa"))
    page = client.get(f"/pay/orders/{bill.reference}").content.decode()
    assert PHONE[-4:] in page.replace(" ", "") or "70" in page
    told = {"way": "mtn", "phone": PHONE, "day": "5", "most": "2 000", "until": "", "client_id": str(uuid.uuid4())}
    assert client.post(f"/pay/orders/{bill.reference}", {**told, "phone": "+22370000009"}).status_code == 422
    for _twice in range(2):
        assert client.post(f"/pay/orders/{bill.reference}", told).status_code == 302
    row = StandingOrder.objects.get()
    again = client.post(f"/pay/orders/{bill.reference}", {**told, "client_id": str(uuid.uuid4())})
    assert again.status_code == 422 and "already" in again.content.decode()
    assert "2,000" in client.get("/pay/orders/").content.decode()
    assert client.post("/pay/orders/", {"order": row.pk}).status_code == 302
    row.refresh_from_db()
    assert row.ended is not None and client.post("/pay/orders/", {"order": row.pk}).status_code == 404


def test_nobody_makes_another_s_telephone_ring(mtn):
    bill = owing()
    with pytest.raises(Denied):
        actions.subscribe(bill.payer_id, "mtn", PHONE, day=5, most=1000, key="k", by=NOBODY)
    order = ordered(bill)
    with pytest.raises(Denied):
        actions.unsubscribe(order.pk, why="x", by=NOBODY)
    with pytest.raises(ledger.Refused, match="at the bank"):
        actions.subscribe(bill.payer_id, "bank", PHONE, day=5, most=1000, key="k", by=SYSTEM)


def test_at_the_desk_and_forgotten(hire, mtn):
    bill, client = owing(), hire("agent")
    told = {
        "way": "mtn",
        "phone": "70 00 00 01",
        "day": "10",
        "most": "1500",
        "until": "",
        "client_id": str(uuid.uuid4()),
    }
    assert client.post(f"/desk/ledger/orders/new/{bill.payer_id}", told).status_code == 302
    row = StandingOrder.objects.get()
    assert row.phone == PHONE
    manager = hire("manager")
    page = manager.get("/desk/ledger/orders/").content.decode()
    assert "Awa" in page and PHONE not in page
    person = people.person_for(name="Awa", phone=PHONE)
    from toguna.engines.ledger.orders import forgetting

    assert forgetting.known(person.pk)[0]["day"] == 10
    forgetting.erase(person.pk)
    row.refresh_from_db()
    assert row.phone == "" and row.ended is not None
    assert client.post(f"/desk/ledger/orders/{row.pk}/end", {"why": "moved"}).status_code == 302


# --- Money given back by the operator that took it


@pytest.fixture
def overpaid(mtn) -> Payment:
    """1,000 FCFA paid by telephone on a bill that was cancelled since."""
    bill = owing()
    row = asking.ask("mtn", 1000, bills=[bill.pk], phone=PHONE, by=NOBODY)
    asking.send(row.pk)
    mtn.pay(next(iter(mtn.payments.values())))
    following.follow(row.pk)
    ledger.cancel(bill.pk, reason="twice", by=SYSTEM)
    return Payment.objects.get()


def approve(asker: Client, other: Client, payment: Payment, amount: str = "1000") -> Wish:
    told = {
        "amount": amount,
        "where": f"payment:{payment.pk}",
        "reason": "the bill was wrong",
        "client_id": str(uuid.uuid4()),
    }
    answer = asker.post(f"/desk/ledger/book/payers/{payment.payer_id}", told)
    assert answer.status_code == 302, answer.content.decode()
    wish = Wish.objects.latest("pk")
    assert asker.post(f"/desk/ledger/book/wishes/{wish.pk}", {"do": "yes"}).status_code == 422, "not by who asked"
    assert other.post(f"/desk/ledger/book/wishes/{wish.pk}", {"do": "yes"}).status_code == 302
    wish.refresh_from_db()
    return wish


def test_money_goes_back_by_the_operator_that_took_it(hire, mtn, overpaid):
    wish = approve(hire("manager"), hire("manager"), overpaid)
    assert wish.state == Wish.State.SENT and world.money_of("mtn") == {}
    work()
    wish.refresh_from_db()
    assert wish.state == Wish.State.DONE and len(mtn.refunds) == 1 and ledger.advance_of(overpaid.payer_id) == 0
    work()
    assert len(mtn.refunds) == 1 and world.balanced()


def test_what_the_operator_refuses_is_the_payer_s_again(hire, mtn, overpaid):
    next(iter(mtn.payments.values())).refunded = True  # it says that it was given back already
    wish = approve(hire("manager"), hire("manager"), overpaid)
    work()
    wish.refresh_from_db()
    assert wish.state == Wish.State.FAILED and ledger.advance_of(overpaid.payer_id) == 1000
    assert world.money_of("mtn") == {"XOF": 1000} and world.balanced()


def test_what_the_operator_says_nothing_of_counts_as_gone_until_somebody_knows(hire, mtn, overpaid):
    asker, other = hire("manager"), hire("manager")
    wish = approve(asker, other, overpaid)
    assert other.post(f"/desk/ledger/book/wishes/{wish.pk}", {"do": "back", "note": "x"}).status_code == 422
    PaymentRequest.objects.filter(wish=wish).update(state=State.UNKNOWN, next_poll=None)
    assert ledger.advance_of(overpaid.payer_id) == 0
    assert "Nothing went out" in other.get(f"/desk/ledger/book/wishes/{wish.pk}").content.decode()
    assert (
        other.post(f"/desk/ledger/book/wishes/{wish.pk}", {"do": "back", "note": "their account says so"}).status_code
        == 302
    )
    assert ledger.advance_of(overpaid.payer_id) == 1000 and book.balance("552-mtn") == 1000
