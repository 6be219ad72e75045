"""Notes and coins: which there are, and what a count of them is worth."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

from django.utils.translation import gettext as _

from toguna.kernel import money

MOST = 1_000_000  # pieces of one kind
OTHER = 1  # of a currency whose pieces we do not know, the total is counted in its minor unit


class BadCount(ValueError):
    """No such piece, or no such number of it; str() says which."""


@cache
def _known() -> dict[str, tuple[int, ...]]:
    read = tomllib.loads((Path(__file__).parent / "pieces.toml").read_text())
    return {
        code: tuple(int(Decimal(one).scaleb(money.exponent(code))) for one in listed) for code, listed in read.items()
    }


def pieces(currency: str) -> tuple[int, ...]:
    """What one counts, the largest first, in minor units."""
    return _known().get(currency, (OTHER,))


def worth(counted: Mapping[int, int], currency: str) -> int:
    """The total in minor units. counted: {minor units of a piece: how many}. Raises BadCount."""
    known = pieces(currency)
    for piece, number in counted.items():
        if piece not in known or not 0 <= number <= (10**15 if piece == OTHER == known[0] else MOST):
            raise BadCount(
                _("%(number)s times %(piece)s cannot be counted.")
                % {"number": number, "piece": money.shown(piece, currency)}
            )
    return sum(piece * number for piece, number in counted.items())


def kept(counted: Mapping[int, int]) -> dict[str, int]:
    """As it is written down: pieces of which there are none are left out."""
    return {str(piece): number for piece, number in sorted(counted.items(), reverse=True) if number}
