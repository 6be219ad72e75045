"""Receipts are printed: the first time as they are, ever after as duplicates, each written down."""

from __future__ import annotations

from typing import Literal

from django.db import transaction

from toguna.engines.ledger.models import Payment
from toguna.engines.ledger.models.desks import Print
from toguna.engines.ledger.receipts import paper
from toguna.kernel import access, audit
from toguna.kernel.access import Actor

CASH, SUPERVISE = "ledger.cash", "ledger.supervise"
Made = Literal["pdf", "bin"]


def size_of(typed: str) -> paper.Size:
    """A6 for anything that is no paper of ours."""
    return typed if typed in paper.SIZES else "a6"


@transaction.atomic
def printing(payment: int, *, by: Actor, own: bool = False) -> int:
    """Writes down that a receipt is printed, and gives the number of the print: 0 for the first. own: it is the payer who
    asks, whom the caller has recognised; others need ledger.cash."""
    if not own:
        access.require(by, CASH)
    row = Payment.objects.select_for_update(of=("self",)).get(pk=payment)
    last = Print.objects.filter(payment=row).order_by("-number").first()
    number = 0 if last is None else last.number + 1
    Print.objects.create(payment=row, number=number, account=by.account)
    audit.record(by, "ledger.print_receipt", f"ledger.payment:{row.pk}", number=number)
    return number
