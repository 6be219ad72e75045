from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


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
