"""The statement of a taxpayer, on paper."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.kernel import money, paper, text
from toguna.services.revenue.models import Taxpayer
from toguna.services.revenue.register import account
from toguna.services.revenue.register import reads as register

MOST = 200
_DRAWING = Path(__file__).parent / "typst" / "statement.typ"


def drawn(taxpayer: Taxpayer) -> bytes:
    """A PDF: what is owed and was paid, each bill with what it is made of."""
    balance = register.balance(taxpayer)
    bills = [
        [
            one.bill.reference,
            [text.pick(one.about.base.titles) + (f", {one.about.words}" if one.about.words else "") if one.about else one.bill.words]
            + [f"{line.words} = {money.shown(line.amount, one.bill.currency)}" for line in one.lines]
            + [f"{_day(part.due)}: {money.shown(part.amount, one.bill.currency)}" for part in one.plan],
            _day(one.bill.due), money.shown(one.bill.amount, one.bill.currency),
            money.shown(one.bill.left, one.bill.currency) if one.open else str(one.bill.get_state_display()),
        ]
        for one in account.bills(taxpayer, MOST)
    ]  # fmt: skip
    payments = [
        [
            one.number,
            _day(timezone.localdate(one.payment.at)),
            one.how,
            money.shown(one.payment.amount, one.payment.currency),
        ]
        for one in account.payments(taxpayer, MOST)
        if not one.payment.void
    ]
    data = {
        "title": _("Statement of taxes and fees"), "name": taxpayer.name, "number": taxpayer.number,
        "day": _day(timezone.localdate()), "left": [_("Left to pay"), money.shown(balance.left)],
        "bills": [_("Bills"), [_("Bill"), _("What for"), _("Due"), _("Amount"), _("Left to pay")], bills],
        "payments": [_("Payments"), [_("Receipt"), _("Date"), _("How"), _("Amount")], payments],
        "foot": _("Something is wrong? Say so at the town hall, on the site or by SMS: nothing is asked of you until it is answered."),
    }  # fmt: skip
    return paper.drawn(_DRAWING, data)


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")
