"""What an expression of a form works with: texts, exact numbers, yes or no, and what a path found; where it is evaluated.

As in ODK: what was not answered is "", a date in a sum is its days since 1970-01-01, numbers in texts count as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Context as Digits
from decimal import Decimal
from typing import Any

from toguna.engines.forms.definition import Choice, Definition

Key = tuple[str | int, ...]  # of one answer: ("children", 0, "name")
Path = tuple[str, ...]  # of its question: ("children", "name")
Run = Callable[["Context"], Any]

NUMBERS = Digits(prec=28, traps=[])  # exact to 28 digits; nothing raises: a division by zero is no number
NAN, ZERO, ONE = Decimal("NaN"), Decimal(0), Decimal(1)
EPOCH = date(1970, 1, 1)
DAY = Decimal(86400)


class Nodes(list[Any]):
    """The values that a path found, with their keys (of choices: their rows)."""

    def __init__(self, values: Sequence[Any] = (), keys: Sequence[Any] = ()) -> None:
        super().__init__(values)
        self.keys = keys


@dataclass
class Context:
    """Where an expression is evaluated. look(key): the answer there, None when there is none or it is not relevant;
    instances(path, key): the keys of a repeat's instances, seen from `key`; now: aware, in the town's time."""

    form: Definition
    key: Key
    look: Callable[[Key], Any]
    expand: Callable[[Path, Key], Sequence[Key]]
    now: datetime
    language: str = ""
    row: Choice | None = None  # of a choice filter: its columns are plain names
    rank: int = 0  # of a predicate: which one this is, from 1

    def within(self, key: Key, row: Choice | None = None, rank: int = 0) -> Context:
        return Context(self.form, key, self.look, self.expand, self.now, self.language, row or self.row, rank)


def plain(value: Any) -> str:
    """An answer as an XForm writes it: lists of choices with spaces, a point as "lat lon altitude accuracy"."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if value is True:
        return "OK"
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "; ".join(plain(point) for point in value)
    if isinstance(value, list) and value and not isinstance(value[0], str):
        lon, lat, *rest = value
        return " ".join(f"{number:.10g}" for number in (lat, lon, *[*rest, 0, 0][:2]))
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "" if isinstance(value, dict) else str(value)


def string(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Nodes):
        return plain(value[0]) if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        if not value.is_finite():
            return ""
        if not value:
            return "0"
        text = f"{value:f}" if abs(value.adjusted()) < 60 else str(value)
        return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text
    return plain(value)


_NUMBER = re.compile(r"\s*[-+]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})\s*")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(.+))?")


def number(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool):
        return ONE if value else ZERO
    text = string(value)
    if _NUMBER.fullmatch(text):
        return Decimal(text.strip())
    moment = when(text)
    return NAN if moment is None else days(moment)


def boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, Decimal):
        return bool(value) and not value.is_nan()
    if isinstance(value, Nodes):
        return any(plain(v) for v in value)
    return bool(string(value))


def when(value: Any) -> date | datetime | None:
    """The date or moment that a text or a number of days is, or None."""
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value) > 2_000_000:
            return None
        try:
            if value == value.to_integral_value():
                return EPOCH + timedelta(days=int(value))
            return datetime(1970, 1, 1) + timedelta(days=float(value))
        except OverflowError:
            return None
    text = string(value)
    found = _DATE.fullmatch(text)
    if not found:
        return when(Decimal(text.strip())) if _NUMBER.fullmatch(text) else None
    try:
        return datetime.fromisoformat(text) if found[2] else date.fromisoformat(text)
    except ValueError:
        return None


def days(moment: date | datetime) -> Decimal:
    """Days since 1970-01-01, of the clock on the wall: a form is filled in and read in one town."""
    if not isinstance(moment, datetime):
        return Decimal((moment - EPOCH).days)
    passed = moment.replace(tzinfo=None) - datetime(1970, 1, 1)
    return Decimal(passed.days) + NUMBERS.divide(Decimal(passed.seconds), DAY)


def choices_of(value: Any) -> list[str]:
    return string(value).split()


def scalar(value: Any) -> Any:
    """A str, a bool or a Decimal: of what a path found, the first."""
    if isinstance(value, Nodes):
        value = value[0] if value else ""
        if isinstance(value, Decimal):
            return value
        return Decimal(value) if isinstance(value, int) and value is not True else plain(value)
    return value


def equal(a: Any, b: Any) -> bool:
    """As XPath 1.0: with what a path found, whether one of them is; yes or no before numbers before texts."""
    if isinstance(a, bool) or isinstance(b, bool):
        return boolean(a) == boolean(b)
    if isinstance(a, Nodes) and len(a) > 1:
        return any(equal(Nodes([value]), b) for value in a)
    if isinstance(b, Nodes) and len(b) > 1:
        return any(equal(a, Nodes([value])) for value in b)
    x, y = scalar(a), scalar(b)
    if isinstance(x, Decimal) or isinstance(y, Decimal):
        return bool(number(x) == number(y))
    return string(x) == string(y)
