"""What is odd about a payment taken in the field: words for who looks at it, never a reason to refuse money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.services.revenue.collecting.walking import Point, metres

WORDS = {
    "round": _("a round amount, other than what was owed"),
    "far": _("far from where it stands"),
    "clock": _("the device's clock was wrong"),
    "fast": _("too soon after the one before"),
    "night": _("at night"),
    "fee": _("not the price of the tariff"),
    "twice": _("its number was taken: two devices had the same"),
    "aside": _("put aside: nobody knows whose it is"),
    "proof": _("its code is not that of the device"),
    "void": _("taken back"),
}
FAR = 150  # metres, and what the position may be wrong by
ROUND = 1000  # minor units
FAST = 20  # seconds between two payments
SPEED = 20.0  # metres a second: nobody walks so
DAY = (5, 21)  # hours in which collectors work


@dataclass(frozen=True)
class Taken:
    """What is looked at. expected: what was owed, or the price, of what was paid; 0 when it is not known."""

    amount: int
    expected: int
    when: datetime
    point: Point | None = None
    accuracy: int = 0
    stands: Point | None = None


def found(taken: Taken) -> tuple[list[str], int | None]:
    """(what is odd by itself, metres from where the thing stands)."""
    odd = []
    if taken.amount != taken.expected and taken.amount % ROUND == 0:
        odd.append("round")
    away = None
    if taken.point is not None and taken.stands is not None:
        away = round(metres(taken.point, taken.stands))
        if away > FAR + min(taken.accuracy, 1000):
            odd.append("far")
    if not DAY[0] <= timezone.localtime(taken.when).hour < DAY[1]:
        odd.append("night")
    return odd, away


def too_fast(before: datetime, here: Point | None, after: datetime, there: Point | None) -> bool:
    """Whether nobody takes two payments so: by the device's own clock, which may be wrong but runs evenly."""
    seconds = (after - before).total_seconds()
    if seconds < FAST:
        return True
    return here is not None and there is not None and metres(here, there) > SPEED * seconds
