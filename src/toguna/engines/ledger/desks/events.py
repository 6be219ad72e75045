"""What a cash desk tells others."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class SessionOpened(Event):
    session: int
    desk: int


@dataclass(frozen=True)
class SessionClosed(Event):
    """variance: minor units, below zero when something lacks; handed_over: somebody else went on at once."""

    session: int
    desk: int
    variance: int
    handed_over: bool


@dataclass(frozen=True)
class CashDeposited(Event):
    voucher: int
