"""A bank's statement as we read it, whatever its form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

LARGEST = 20_000_000  # bytes
MOST = 100_000  # lines


class BadStatement(ValueError):
    """The file is no statement that can be read; str() says what is wrong, and where."""


@dataclass(frozen=True)
class Line:
    """One movement. amount: minor units, what came in above zero; bank_ref: the bank's own, one to a movement on an
    account; reference: what the payer or we wrote; words: the rest, as the bank tells it; party: who paid or was paid."""

    bank_ref: str
    day: date
    amount: int
    currency: str
    reference: str = ""
    words: str = ""
    party: str = ""
    reversal: bool = False


@dataclass(frozen=True)
class Statement:
    """identity: the bank's, or made of its content; opening and closing: None where the file does not say."""

    identity: str
    account: str
    currency: str
    since: date
    until: date
    opening: int | None
    closing: int | None
    lines: tuple[Line, ...]

    @property
    def moved(self) -> int:
        return sum(line.amount for line in self.lines)
