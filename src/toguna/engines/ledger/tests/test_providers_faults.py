"""Each adapter against its stand-in, over HTTP, with each fault that money by telephone meets: every franc ends in one place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import billing, settling
from toguna.engines.ledger.models.providers import PaymentRequest, RawBody
from toguna.engines.ledger.providers import asking, following, http, reconciling, ways
from toguna.engines.ledger.tests import providers_world as world
from toguna.kernel.access import ADMINISTRATOR, NOBODY, SYSTEM, Actor, Grant
from toguna.simulate import frame
from toguna.simulate.money import PAYMENT_FAULTS, Call, MoneyCompany, Payment
from toguna.simulate.payments import EVERY, GIVEN

State = PaymentRequest.State
AMOUNT = 5000
CLERKS = [Actor(account=n, staff=True, grants=(Grant(ADMINISTRATOR, "ledger"),)) for n in (1, 2)]


class Trial:
    """One way, its stand-in, one bill, and a clock of its own."""

    def __init__(self, company: MoneyCompany) -> None:
        self.company = company
        self.now = timezone.now()
        self.answers: list[int] = []
        self.asked = 0
        self.bill = world.bill(AMOUNT)
        self._line = connections["default"]
        company.send = self.deliver  # type: ignore[method-assign]

    def deliver(self, call: Call) -> int:
        """The stand-in calls the town: from its own thread, on the connection of the test, which waits for it."""
        connections["default"] = self._line
        headers = {
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in call.headers.items()
            if name != "Content-Type"
        }
        given = cast(Any, headers)
        answer = Client().generic(
            call.method, urlsplit(call.url).path, call.body, call.headers.get("Content-Type", ""), **given
        )
        self.answers.append(answer.status_code)
        return answer.status_code

    def ask(self) -> PaymentRequest:
        self.asked += 1
        phone = f"+2237{self.asked:07}"
        row = asking.ask(self.company.name, AMOUNT, bills=[self.bill], phone=phone, by=NOBODY, now=self.now)
        asking.send(row.pk, self.now)
        row.refresh_from_db()
        return row

    def follow(self, row: PaymentRequest, *, until: timedelta = timedelta()) -> PaymentRequest:
        """What is due up to a time, in its order; a callback makes it due now."""
        end = self.now + until
        row.refresh_from_db()
        if row.hinted:
            following.follow(row.pk, self.now)
        for _step in range(60):
            row.refresh_from_db()
            if row.next_poll is None or row.next_poll > end:
                break
            self.now = max(self.now, row.next_poll)
            following.follow(row.pk, self.now)
        self.now = max(self.now, end)
        row.refresh_from_db()
        return row

    def refund(self, rows: list[PaymentRequest]) -> list[PaymentRequest]:
        """Gives the first back that was paid and can be, asked by one and approved by another: [what is asked of the operator]. Its bill is
        taken back; whoever asks next owes another."""
        paid = PaymentRequest.objects.filter(pk__in=[row.pk for row in rows], state=State.SUCCEEDED, back_of=None)
        for row in paid.exclude(pk__in=PaymentRequest.objects.exclude(back_of=None).values("back_of")).select_related(
            "payment"
        ):
            payment = row.payment
            if payment is None or payment.payer_id is None or payment.amount != AMOUNT:
                continue
            billing.cancel(row.bills[0], reason="moved", by=SYSTEM)
            self.bill = world.bill(AMOUNT)
            try:
                wish = settling.ask_refund(
                    payment.payer_id, AMOUNT, None, currency=payment.currency, reason="moved", key=f"back:{row.pk}", by=CLERKS[0],
                    payment=payment,
                )  # fmt: skip
            except ledger.Refused:  # by an operator that gives nothing back
                continue
            settling.decide(wish.pk, True, by=CLERKS[1])
            back = PaymentRequest.objects.get(back_of=row)
            asking.send(back.pk, self.now)
            return [back]
        return []

    @property
    def payment(self) -> Payment:
        """The one that the payer sees: the last."""
        return list(self.company.payments.values())[-1]

    def settle(self) -> reconciling.Report:
        file = reconciling.bring(ways.find(self.company.name), "day.csv", self.company.export().encode(), by=SYSTEM)
        return reconciling.report(file)

    def really_paid(self) -> dict[str, int]:
        """What left the payers' pockets and is not in them again."""
        found: dict[str, int] = {}
        for payment in self.company.payments.values():
            if payment.state == "success":
                code = {"OUV": "XOF", "KES": "XOF"}.get(payment.paid_currency, payment.paid_currency)
                back = 0 if payment.refunded else int(payment.paid)
                found[code] = found.get(code, 0) + back * (100 if code == "XTS" else 1)
        return {code: amount for code, amount in found.items() if amount}


@pytest.fixture(params=EVERY, ids=[company.name for company in EVERY])
def trial(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[Trial]:
    kind: type[MoneyCompany] = request.param
    http.forget_tokens()
    monkeypatch.setattr(http, "TIMEOUT", 5.0)
    with kind(webhook=ways.address(kind.name)) as company:
        table = {**GIVEN[kind.name], "url": company.url, "currency": "XOF"}
        monkeypatch.setattr(ways, "tables", lambda: {kind.name: table})
        line = connections["default"]
        line.inc_thread_sharing()
        yield Trial(company)
        line.dec_thread_sharing()


def book(trial: Trial) -> dict[str, int]:
    return world.money_of(trial.company.name)


def test_paid_at_once(trial: Trial) -> None:
    row = trial.ask()
    assert row.state == State.PENDING and bool(row.link) is trial.company.link
    trial.company.pay(trial.payment)
    row = trial.follow(row)
    assert row.state == State.SUCCEEDED and row.payment is not None
    assert trial.answers == [200]
    assert world.due(trial.bill) == 0
    assert book(trial) == trial.really_paid() == {"XOF": AMOUNT}
    report = trial.settle()
    assert report.zero and not report.taken
    row.refresh_from_db()
    assert row.settled


def test_asked_twice_by_the_same_click(trial: Trial) -> None:
    row = trial.ask()
    asking.send(row.pk, trial.now)
    following.follow(row.pk, trial.now)
    assert len(trial.company.payments) == 1


def test_declined(trial: Trial) -> None:
    row = trial.ask()
    trial.company.decline(trial.payment)
    assert trial.follow(row).state == State.FAILED
    assert world.due(trial.bill) == AMOUNT and book(trial) == {}


@pytest.mark.parametrize("fault", PAYMENT_FAULTS)
def test_each_franc_in_one_place(trial: Trial, fault: str) -> None:
    trial.company.next_payment_faults = [fault]
    row = trial.ask()
    getattr(Faults, fault.replace("-", "_"))(trial, row)
    row.refresh_from_db()
    # Whatever happened: what payers paid is in the book, once, and nothing else is.
    report = trial.settle()
    assert book(trial) == trial.really_paid()
    assert report.zero, report
    again = trial.settle()
    assert (again.ours, again.theirs) == (report.ours, report.theirs)
    for payment in trial.company.payments.values():
        trial.company.tell(payment)  # and a callback of long ago changes nothing
    row = trial.follow(row, until=timedelta(days=4))
    assert book(trial) == trial.really_paid()
    paid = sum(row.paid or 0 for row in PaymentRequest.objects.filter(state=State.SUCCEEDED))
    assert world.due(trial.bill) == AMOUNT - paid
    assert world.balanced()
    secrets = [value for name, value in GIVEN[trial.company.name].items() if len(value) > 5 and name != "short_code"]
    for body in RawBody.objects.all():
        assert not any(value in body.body + body.answer for value in secrets)


class Faults:
    """What happens with each, and what the payer is told in between."""

    @staticmethod
    def callback_lost(trial: Trial, row: PaymentRequest) -> None:
        trial.company.pay(trial.payment)
        assert trial.answers == []
        assert trial.follow(row, until=timedelta(seconds=30)).state == State.SUCCEEDED

    @staticmethod
    def callback_late(trial: Trial, row: PaymentRequest) -> None:
        trial.company.pay(trial.payment)
        assert trial.follow(row, until=timedelta(hours=1)).state == State.SUCCEEDED
        trial.company.release(trial.payment)
        assert trial.answers == [200]

    @staticmethod
    def callback_twice(trial: Trial, row: PaymentRequest) -> None:
        trial.company.pay(trial.payment)
        assert trial.answers == [200, 200, 200]
        assert trial.follow(row).state == State.SUCCEEDED

    @staticmethod
    def callback_early(trial: Trial, row: PaymentRequest) -> None:
        assert trial.answers == [200], "it came before the request was answered"
        assert trial.follow(row).state == State.SUCCEEDED
        assert len(trial.company.payments) == 1

    @staticmethod
    def after_expiry(trial: Trial, row: PaymentRequest) -> None:
        trial.company.pay(trial.payment)
        row = trial.follow(row, until=timedelta(minutes=31))
        assert row.state == State.EXPIRED and world.due(trial.bill) == AMOUNT
        trial.company.pay(trial.payment)
        assert trial.follow(row, until=timedelta(minutes=1)).state == State.SUCCEEDED

    @staticmethod
    def wrong_amount(trial: Trial, row: PaymentRequest) -> None:
        trial.company.pay(trial.payment)
        row = trial.follow(row, until=timedelta(days=4))
        assert row.state in (State.SUSPENDED, State.EXPIRED) and world.due(trial.bill) == AMOUNT

    @staticmethod
    def wrong_currency(trial: Trial, row: PaymentRequest) -> None:
        trial.company.pay(trial.payment)
        row = trial.follow(row, until=timedelta(days=4))
        if trial.company.name == "mpesa":  # it says no currency: an account has one
            assert row.state == State.SUCCEEDED
            return
        assert row.state in (State.SUSPENDED, State.EXPIRED) and world.due(trial.bill) == AMOUNT

    @staticmethod
    def forged(trial: Trial, row: PaymentRequest) -> None:
        # Until Orange has answered, nobody knows the secret that its callbacks repeat: one that comes earlier is but a question.
        assert trial.answers == [{"orange-money": 200, "wave": 403, "cinetpay": 403}.get(trial.company.name, 404)]
        assert not RawBody.objects.filter(genuine=True).exists()
        trial.company._tell(trial.company.forge(trial.payment))
        assert trial.answers[1] == (403 if trial.company.link else 404)
        assert RawBody.objects.filter(genuine=False).exists() is trial.company.link
        assert trial.follow(row, until=timedelta(seconds=10)).state == State.PENDING
        trial.company.decline(trial.payment)
        assert trial.follow(row, until=timedelta(seconds=30)).state == State.FAILED

    @staticmethod
    def conflict(trial: Trial, row: PaymentRequest) -> None:
        """It was taken, and answered that it is there already."""
        Faults.silent(trial, row)

    @staticmethod
    def silent(trial: Trial, row: PaymentRequest) -> None:
        row = trial.follow(row, until=timedelta(seconds=20))
        if trial.company.name == "mpesa":
            assert row.state == State.SENDING and len(trial.company.payments) == 1, "it is never sent again"
        else:
            assert row.state == State.PENDING and bool(row.link) is trial.company.link
        trial.company.pay(trial.payment)
        assert trial.follow(row, until=timedelta(seconds=30)).state == State.SUCCEEDED
        assert sum(payment.state == "success" for payment in trial.company.payments.values()) == 1


@pytest.mark.parametrize("fault", frame.FAULTS)
def test_a_request_that_fails_charges_nobody_twice(trial: Trial, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line fails while a token is fetched, while the payment is asked, while its state is."""
    if fault in ("late", "timeout"):  # forty times quicker than they are
        quick = SimpleNamespace(sleep=lambda seconds, sleep=time.sleep: sleep(seconds / 40))
        monkeypatch.setattr(frame, "time", quick)
    if fault == "timeout":
        monkeypatch.setattr(http, "TIMEOUT", 0.7)
    company = trial.company
    tokens = company.name in ("mtn", "orange-money", "mpesa")
    for place in ("token", "begin", "status") if tokens else ("begin", "status"):
        http.forget_tokens()
        before = len(company.payments)
        company.next_faults = {"token": [fault], "begin": [""] * tokens + [fault], "status": []}[place]
        trial.bill = world.bill(AMOUNT)
        row = trial.ask()
        if place == "token" and fault != "late":
            assert row.state == State.NEW and len(company.payments) == before, "nothing was asked yet"
        company.next_faults = [fault] if place == "status" else []
        row = trial.follow(row, until=timedelta(seconds=25))
        assert not company.next_faults, "it happened"
        if len(company.payments) == before:
            # Not taken, and M-Pesa does not say so: an agent looks, nobody's telephone rings again.
            assert (company.name, place, fault, row.state) == ("mpesa", "begin", "500", State.SENDING)
            assert (
                trial.follow(row, until=timedelta(hours=1)).state == State.UNKNOWN and world.due(trial.bill) == AMOUNT
            )
            continue
        blind = company.name == "mpesa" and place == "begin" and fault in ("lost", "timeout")
        assert row.state == (State.SENDING if blind else State.PENDING), (place, row.trouble)
        company.pay(trial.payment)
        assert trial.follow(row, until=timedelta(seconds=60)).state == State.SUCCEEDED, place
        assert world.due(trial.bill) == 0
        assert sum(one.state == "success" for one in list(company.payments.values())[before:]) == 1
        assert company.link or len(company.payments) == before + 1, "one telephone rang once"
    assert book(trial) == trial.really_paid() and trial.settle().zero and world.balanced()


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(["", *PAYMENT_FAULTS])),
    st.tuples(st.sampled_from(["pay", "pay", "decline", "expire", "tell"]), st.integers(0, 5)),
    st.tuples(st.just("refund"), st.integers(0, 5)),
    st.tuples(st.just("follow"), st.integers(0, 60 * 24 * 4)),
    st.tuples(st.just("settle"), st.just(0)),
)


GIVEN_BACK: list[tuple[str, Any]] = [
    ("ask", ""), ("pay", 0), ("follow", 60), ("refund", 0), ("ask", ""), ("pay", 1), ("follow", 60), ("settle", 0), ("refund", 0),
]  # fmt: skip


@given(st.lists(STEPS, min_size=3, max_size=14))
@example(GIVEN_BACK)
@settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_story_ends_with_each_franc_in_one_place(trial: Trial, story: list[tuple[str, Any]]) -> None:
    """Payments asked, paid, declined, told of again, given back and followed in any order, with any fault, some at once."""
    rows: list[PaymentRequest] = []
    trial.bill = world.bill(AMOUNT)
    before = len(trial.company.payments)
    for step, value in story:
        payments = list(trial.company.payments.values())[before:]
        if step == "ask":
            trial.company.next_payment_faults = [value]
            rows.append(trial.ask())
        elif step == "follow":
            for row in rows:
                trial.follow(row, until=timedelta(minutes=value))
        elif step == "settle":
            trial.settle()
        elif step == "refund":
            rows += trial.refund(rows)
        elif payments:
            payment = payments[value % len(payments)]
            if step != "pay" and payment.state == "success":
                continue  # what is paid stays paid
            trial.company.next_payment_faults = []
            getattr(trial.company, step)(payment)
    for row in rows:
        trial.follow(row, until=timedelta(days=5))
    report = trial.settle()
    assert report.zero, report
    if story is GIVEN_BACK:
        back = sum(payment.refunded for payment in list(trial.company.payments.values())[before:])
        assert back == (2 if trial.company.name in ("mtn", "wave") else 0)
    assert book(trial) == trial.really_paid()
    assert world.balanced()
