from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


def told(payment: int) -> str:
    """The key of the message that says that a payment came: rooms that would all say it have it in common, and one does."""
    return f"ledger.paid:{payment}"


@dataclass(frozen=True)
class PaymentTaken(Event):
    """payer: 0 when nobody knows whose it is."""

    payment: int
    payer: int
    amount: int
    currency: str
    method: str


@dataclass(frozen=True)
class PaymentVoided(Event):
    payment: int
