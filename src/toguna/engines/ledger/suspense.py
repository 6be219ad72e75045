"""Money of which nobody knows whose it is waits aside, and leaves once: to bills, or to a payer."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import book, paying
from toguna.engines.ledger.apportioning import spread
from toguna.engines.ledger.billing import RECEIVABLE, owed, pay
from toguna.engines.ledger.book import ADVANCES, Leg, Refused
from toguna.engines.ledger.models import Payment, Share, Suspense
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor

RESOLVE = "ledger.resolve"


def aside(payment: Payment, reason: str) -> Suspense:
    """Says why a payment waits; said again, nothing."""
    return Suspense.objects.get_or_create(payment=payment, defaults={"reason": reason[:300]})[0]


@transaction.atomic
def resolve(suspense: int, *, bills: Sequence[int] = (), payer: int | None = None, note: str, by: Actor) -> Suspense:
    """Says what it was: the bills that it pays, or the payer who is to have it: on what
    they owe, the first due first, and the rest paid ahead. Resolved before, nothing happens.
    Raises Refused, Denied."""
    access.require(by, RESOLVE)
    row = Suspense.objects.select_for_update(of=("self",)).select_related("payment").get(pk=suspense)
    if row.resolved is not None:
        return row
    why = text.clean(note)[:300]
    if not why:
        raise Refused(_("Say in a few words how you know."))
    payment = row.payment
    rows = paying.locked(payer, list(bills) or None, payment.currency)
    owner = payer if payer is not None else rows[0].payer_id if rows else None
    if owner is None:
        raise Refused(_("Say which bill or which payer it is for: an open bill, in the same currency."))
    given, over = spread(payment.amount, owed(rows))
    parts: dict[int, int] = {}
    for one, part in given:
        parts[one.bill] = parts.get(one.bill, 0) + part
    owners = {one.pk: one.payer_id for one in rows}
    legs = [Leg(paying.suspense_of(payment.currency), payment.amount)]
    legs += [Leg(RECEIVABLE, -part, owners[bill], bill) for bill, part in sorted(parts.items())]
    if over:
        legs.append(Leg(ADVANCES, -over, owner))
    row.entry = book.post(
        "resolve", legs, key=f"suspense:{row.pk}", by=by, currency=payment.currency, about=("payment", str(payment.pk)), words=why
    )  # fmt: skip
    pay(given)
    Share.objects.filter(payment=payment, bill=None).delete()  # the share that said: nobody's
    kept = [Share(payment=payment, bill_id=one.bill, number=one.number, amount=part) for one, part in given]
    Share.objects.bulk_create([*kept, *([Share(payment=payment, amount=over)] if over else [])])
    Payment.objects.filter(pk=payment.pk).update(payer=owner)
    row.note, row.account, row.resolved = why, by.account, timezone.now()
    row.save()
    audit.record(by, "ledger.resolve", f"ledger.suspense:{row.pk}", payment=payment.pk)
    return row
