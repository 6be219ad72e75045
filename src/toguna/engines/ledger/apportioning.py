"""Which franc pays what: the order is data, so that a payer and a judge can be told why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

Order = Literal["costs-first", "principal-first", "oldest-first"]
_RANKS: Mapping[str, Mapping[str, int]] = {
    "costs-first": {"fee": 0, "penalty": 1, "principal": 2},
    "principal-first": {"principal": 0, "penalty": 1, "fee": 2},
    "oldest-first": {"fee": 0, "penalty": 0, "principal": 0},
}


@dataclass(frozen=True)
class Owed:
    """A line of a bill of which something is left."""

    bill: int
    number: int
    kind: str
    due: date
    left: int


def spread(amount: int, owed: Sequence[Owed], order: Order = "oldest-first") -> tuple[list[tuple[Owed, int]], int]:
    """([(line, what it gets)], what is over). Bills by their day, oldest first; within a bill by kind, then in its own order;
    with costs-first and principal-first, by kind over all bills. Every unit goes to one place."""
    ranks = _RANKS[order]
    ranked = sorted(owed, key=lambda one: (ranks.get(one.kind, 3), one.due, one.bill, one.number))
    given: list[tuple[Owed, int]] = []
    for one in ranked:
        part = min(amount, one.left)
        if part > 0:
            given.append((one, part))
            amount -= part
    return given, amount


def shares(amount: int, weights: Sequence[Fraction | int]) -> list[int]:
    """An amount divided exactly: by largest remainder, then the first. For heirs, or instalments: the sum is the amount."""
    total = sum(Fraction(weight) for weight in weights)
    if total <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("weights")
    exact = [Fraction(amount) * Fraction(weight) / total for weight in weights]
    parts = [int(one) if one >= 0 else -int(-one) for one in exact]
    left = amount - sum(parts)
    step = 1 if left > 0 else -1
    by_remainder = sorted(range(len(parts)), key=lambda n: (-abs(exact[n] - parts[n]), n))
    for n in by_remainder[: abs(left)]:
        parts[n] += step
    return parts
