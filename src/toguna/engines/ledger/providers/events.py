"""What others may react to."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class PaymentAnswered(Event):
    """A payment that was asked of a provider came to an end: "succeeded", "suspended", "failed", "expired"."""

    request: int
    code: str
    state: str
