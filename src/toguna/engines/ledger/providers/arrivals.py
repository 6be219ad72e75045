"""Money that nobody was asked for: paid at a pay-bill number, or sent by bank, with a reference that somebody typed."""

from __future__ import annotations

from datetime import datetime, timedelta

from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import following
from toguna.engines.ledger.providers.asking import State
from toguna.engines.ledger.providers.port import Hint
from toguna.engines.ledger.providers.reading import CODE, words
from toguna.engines.ledger.providers.ways import Way
from toguna.kernel import codes


def told(way: Way, hint: Hint, now: datetime) -> None:
    """A confirmation without a question (M-Pesa C2B). It is written down and waits for the provider's statement, unless it is of
    a payment that we asked for: a push to a pay-bill number is confirmed there too."""
    if not hint.transaction or PaymentRequest.objects.filter(way=way.slug, transaction=hint.transaction).exists():
        return
    if (own := named(way.slug, hint.reference)) and own.transaction in ("", own.theirs):
        PaymentRequest.objects.filter(pk=own.pk).update(transaction=hint.transaction)
        if own.state not in PaymentRequest.PAID:
            PaymentRequest.objects.filter(pk=own.pk).update(heard=hint.amount)
            following.hinted(own)
        return
    if hint.amount is not None and hint.amount > 0:
        write(way, hint.transaction, hint.amount, way.given["currency"], hint.reference, now, hint.phone)


def write(
    way: Way, transaction: str, amount: int, currency: str, reference: str, now: datetime, phone: str = ""
) -> PaymentRequest:
    """The row of money that came by itself; the same transaction again gives the same row."""
    row, _new = PaymentRequest.objects.get_or_create(
        way=way.slug,
        transaction=transaction,
        defaults={
            "code": codes.make(CODE),
            "amount": amount,
            "currency": currency,
            "reference": reference[:80],
            "arrived": True,
            "state": State.PENDING,
            "phone": phone,
            "created": now,
            "expires": now + timedelta(days=3),
        },
    )
    return row


def named(way: str, text: str) -> PaymentRequest | None:
    """The request whose code stands in a reference as people and banks write it: "VIR TAXE k7m2-pqrs"."""
    found = words(text)
    return PaymentRequest.objects.filter(way=way, code__in=found, arrived=False, back_of=None).order_by("pk").first()
