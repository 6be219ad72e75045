"""Money that an operator gives back: written in the book when it was approved, taken back there when the operator did not do it."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import book
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import Payment, Wish
from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import asking, ways
from toguna.engines.ledger.providers.asking import State
from toguna.engines.ledger.providers.events import PaymentAnswered
from toguna.kernel import access, audit, text
from toguna.kernel.access import SYSTEM, Actor

_KEYS = uuid.UUID("5b8d3b0a-9d8e-4f4e-9a55-0d9f2b6d3a11")
APPROVE = "ledger.approve"
SILENT = (State.EXPIRED, State.UNKNOWN)


def original(payment: Payment, amount: int = 0) -> PaymentRequest:
    """What was asked of the operator that took a payment. Raises Refused where it cannot give back by itself, or not this amount."""
    row = PaymentRequest.objects.filter(payment=payment, back_of=None).first()
    try:
        provider = ways.find(row.way).provider if row is not None else None
    except ways.Unset:
        provider = None
    if row is None or provider is None or provider.refund is None:
        raise Refused(_("This way cannot give money back by itself: pay it out at a desk or by the bank."))
    if amount and provider.refunds_whole and amount != row.paid:
        raise Refused(
            _("This operator gives back a payment whole, never a part of it: pay it out at a desk or by the bank.")
        )
    return row


def send(wish: Wish, by: Actor) -> PaymentRequest:
    """Queues it, once for its wish; the caller has written it in the book. Raises Refused."""
    assert wish.payment is not None
    try:
        return asking.give_back(
            original(wish.payment), wish.amount, by=by, client_id=uuid.uuid5(_KEYS, str(wish.pk)), wish=wish.pk
        )
    except asking.Unaskable as error:
        raise Refused(str(error)) from error


@transaction.atomic
def on_answered(event: PaymentAnswered) -> None:
    """What the operator said of it. While it says nothing, the money counts as gone: an agent decides, or its file."""
    row = PaymentRequest.objects.filter(pk=event.request).exclude(wish=None).first()
    if row is None or row.wish_id is None:
        return
    wish = Wish.objects.select_for_update(of=("self",)).select_related("entry").get(pk=row.wish_id)
    if row.state == State.SUCCEEDED:
        _gone(wish)
    elif row.state == State.FAILED:
        _back(wish, row.trouble or _("the operator did not do it"), SYSTEM)


def _gone(wish: Wish) -> None:
    if wish.state == Wish.State.FAILED and wish.entry is not None:  # said to have failed, and done after all
        again = book.legs_of(wish.entry)
        book.post(
            "refund",
            again,
            key=f"refund-late:{wish.pk}",
            by=SYSTEM,
            currency=wish.currency,
            about=("wish", str(wish.pk)),
        )
    if wish.state in (Wish.State.SENT, Wish.State.FAILED):
        Wish.objects.filter(pk=wish.pk).update(state=Wish.State.DONE)


def _back(wish: Wish, why: str, by: Actor) -> None:
    if wish.state != Wish.State.SENT or wish.entry is None:
        return
    book.reverse(wish.entry, reason=why, key=f"refund-back:{wish.pk}", by=by)
    Wish.objects.filter(pk=wish.pk).update(state=Wish.State.FAILED, note=text.clean(why)[:300], decided=timezone.now())


@transaction.atomic
def did_not_go(wish: int, *, note: str, by: Actor) -> Wish:
    """The operator never said what became of it, and its account says that nothing went: it is the payer's again. Raises Refused,
    Denied."""
    access.require(by, APPROVE)
    row = Wish.objects.select_for_update(of=("self",)).select_related("entry").get(pk=wish)
    why = text.clean(note)
    if not why:
        raise Refused(_("Say in a few words how you know."))
    asked = PaymentRequest.objects.filter(wish=row).first()
    if row.state != Wish.State.SENT or asked is None or asked.state not in SILENT:
        raise Refused(_("The operator is still being asked."))
    _back(row, why, by)
    audit.record(by, "ledger.did_not_go", f"ledger.wish:{row.pk}")
    row.refresh_from_db()
    return row
