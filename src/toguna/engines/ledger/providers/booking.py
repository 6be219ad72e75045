"""From what a provider says to the book: each payment once, in one place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import translation
from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import book, paying, suspense
from toguna.engines.ledger.models import Bill, Desk
from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import owed, reading, ways
from toguna.engines.ledger.providers.asking import State
from toguna.engines.ledger.providers.events import PaymentAnswered
from toguna.engines.ledger.providers.port import Status
from toguna.kernel import events, money, text, town
from toguna.kernel.access import SYSTEM


def _said(sentence: Any, **given: str) -> str:
    """For the desk, in the town's own language: whoever reads it is not who was there when it was written."""
    with translation.override(town.current().languages[0]):
        return str(sentence) % given


def other_amount(amount: int, currency: str, row: PaymentRequest) -> str:
    """Why money is not as it was asked."""
    with translation.override(town.current().languages[0]):
        came, asked = money.shown(amount, currency), money.shown(row.amount, row.currency)
    return _said(_("%(came)s came, %(asked)s was asked"), came=came, asked=asked)


def paid(row: PaymentRequest, found: Status, now: datetime) -> None:
    """The provider says that it is paid; the caller holds the row and saves it. What is not as it was asked goes to suspense."""
    amount = found.amount if found.amount is not None else row.heard if row.heard is not None else row.amount
    currency = found.currency or row.currency
    number = found.transaction or row.transaction or row.theirs or str(row.correlation)
    wrong = ""
    if (amount, currency) != (row.amount, row.currency):
        wrong = other_amount(amount, currency, row)
    elif found.reference and found.reference != row.code:
        wrong = _said(_("their reference is %(words)s"), words=found.reference[:40])
    enter(row, amount, currency, number, now, wrong)


def enter(row: PaymentRequest, amount: int, currency: str, number: str, now: datetime, wrong: str = "") -> None:
    """Puts money that has certainly come into the book: on the bills that it was asked for, or, where something is wrong, in
    suspense. The caller holds the row and saves it."""
    if row.state in PaymentRequest.PAID:
        return
    if PaymentRequest.objects.filter(way=row.way, transaction=number).exclude(pk=row.pk).exists():
        # One payment of theirs for two of ours: it is in the book already, under the other.
        row.state, row.trouble, row.next_poll = (
            State.UNKNOWN,
            _said(_("their %(number)s is another payment’s"), number=number)[:300],
            None,
        )
        return
    row.transaction = number
    row.paid, row.paid_currency, row.paid_at = amount, currency, now
    row.next_poll, row.busy_until = None, None
    row.trouble = wrong[:300]
    bills = [*row.bills] or ([] if wrong else _named(row.reference))
    payer = Bill.objects.filter(pk__in=bills).values_list("payer", flat=True).order_by("pk").first()
    if not wrong and payer is None:
        words = _("nobody knows what “%(words)s” pays") if row.reference else _("it says of nothing what it pays")
        wrong = _said(words, words=row.reference)
    taken = paying.take(
        amount, currency, row.way, desk=desk(row.way, currency), key=f"{row.way}:{number}"[:120], by=SYSTEM,
        payer=None if wrong else payer, bills=[] if wrong else bills, reference=number, at=now,
    )  # fmt: skip
    row.payment = taken
    row.state, row.trouble = State.SUCCEEDED, wrong[:300]
    if wrong:
        row.suspense, row.state = suspense.aside(taken, wrong), State.SUSPENDED
    events.publish(PaymentAnswered(row.pk, row.code, row.state))


def gone_back(row: PaymentRequest, found: Status, now: datetime) -> None:
    """The provider says that it was given back; whoever asked for it wrote it in the book."""
    row.transaction = found.transaction or row.transaction
    row.state, row.paid, row.paid_currency, row.paid_at = State.SUCCEEDED, row.amount, row.currency, now
    row.next_poll, row.busy_until = None, None
    events.publish(PaymentAnswered(row.pk, row.code, row.state))


def _named(reference: str) -> list[int]:
    """The bills that somebody typed at a pay-bill number or a bank."""
    for word in reading.words(reference):
        if (bill := owed.find(word)) is not None:
            return [bill.pk]
    return []


def desk(way: str, currency: str) -> Desk:
    """Where the money of a way lies: a desk of its own, for its receipts, on an account of its own; another currency apart."""
    name = way if currency == town.current().currency else f"{way}-{currency}"
    found = Desk.objects.select_related("account").filter(kind=Desk.Kind.ONLINE, name=name).first()
    if found is not None:
        return found
    try:
        given = ways.find(way)
        code, title = given.account, str(given.title)
    except ways.Unset:
        code, title = "", way
    account = book.account(
        (code if name == way else "") or f"552-{name}"[:20], "asset", {"": title}, syscohada="552", m14="5113"
    )
    prefix = _prefix(name)
    return Desk.objects.get_or_create(
        kind=Desk.Kind.ONLINE, name=name, defaults={"prefix": prefix, "account": account}
    )[0]


def _prefix(name: str) -> str:
    """Of its receipts: its letters, and a number where another has the same."""
    letters = "".join(filter(str.isalnum, text.fold(name).upper()))[:5] or "P"
    there = set(Desk.objects.filter(prefix__startswith=letters).values_list("prefix", flat=True))
    return next(one for n in range(1, 999) if (one := letters if n == 1 else f"{letters}{n}") not in there)
