"""Days of a calendar, for rules: the town's holidays, dates of each year or of one, a market every so many days.

{"holidays": true, "dates": ["06-01..10-15", "2026-12-24"], "market": {"every": 5, "since": "2026-01-03"}}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from toguna.kernel import workdays

MOST_DATES, MOST_EVERY = 40, 366
_DAY = re.compile(r"(\d{4}-)?\d\d-\d\d", re.ASCII)
_LEAP = "2024-"  # a leap year: 02-29 is a day too


@dataclass(frozen=True)
class Span:
    """From a day to a day, both in it: "2026-12-24", or "12-24" of each year, which may go over the new year."""

    first: str
    last: str

    @classmethod
    def read(cls, written: Any) -> Span:
        """Of "12-24", "2026-12-24", or two of a kind with ".." between. Raises ValueError."""
        first, _dots, last = str(written).partition("..")
        found = cls(first, last or first)
        for day in (found.first, found.last):
            if not _DAY.fullmatch(day):
                raise ValueError(f"{written!r} is no date such as 12-24, 2026-12-24, 06-01..10-15")
            date.fromisoformat(day if len(day) == 10 else _LEAP + day)
        if len(found.first) != len(found.last) or (len(found.first) == 10 and found.first > found.last):
            raise ValueError(f"{written!r}: from a day to a later one, both with their year or both without")
        return found

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first}..{self.last}"

    @property
    def days(self) -> tuple[date, date]:
        """Its first and its last day, of a leap year when it is of each year."""
        first, last = (date.fromisoformat(day if self.once else _LEAP + day) for day in (self.first, self.last))
        return first, last

    @property
    def once(self) -> bool:
        return len(self.first) == 10

    def has(self, day: date) -> bool:
        said = day.isoformat()[0 if self.once else 5 :]
        if self.first <= self.last:
            return self.first <= said <= self.last
        return said >= self.first or said <= self.last


@dataclass(frozen=True)
class Days:
    """holidays: the town's; dates; every, since: a market each so many days, counted from one of its days, both ways."""

    holidays: bool = False
    dates: tuple[Span, ...] = ()
    every: int | None = None
    since: date | None = None

    def tests(self, day: date) -> Iterator[bool]:
        """Whether the day is one of those, for each of what is said here."""
        if self.holidays:
            yield _calendar().holiday(day)
        if self.dates:
            yield any(span.has(day) for span in self.dates)
        if self.every and self.since:
            yield (day - self.since).days % self.every == 0

    def spec(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.holidays:
            found["holidays"] = True
        if self.dates:
            found["dates"] = [str(span) for span in self.dates]
        if self.every and self.since:
            found["market"] = {"every": self.every, "since": self.since.isoformat()}
        return found


NOTHING_SAID = Days()


def _calendar() -> workdays.Calendar:
    """A calendar.toml that is wrong holds up nothing that comes in: `./toguna doctor` says what is wrong in it."""
    try:
        return workdays.current()
    except workdays.CalendarError:
        return workdays.Calendar()


def read(spec: Any) -> Days:
    """Raises ValueError."""
    if not isinstance(spec, Mapping) or not spec or spec.keys() - {"holidays", "dates", "market"}:
        raise ValueError("holidays, dates or market")
    dates, market = spec.get("dates", []), spec.get("market")
    if spec.get("holidays", True) is not True:
        raise ValueError("holidays: true, or left out")
    if not isinstance(dates, list | tuple) or len(dates) > MOST_DATES or ("dates" in spec and not dates):
        raise ValueError(f"dates: 1 to {MOST_DATES} of them")
    every = since = None
    if market is not None:
        every = market.get("every") if isinstance(market, Mapping) else None
        if type(every) is not int or not 2 <= every <= MOST_EVERY or market.keys() != {"every", "since"}:
            raise ValueError(f"market: every (2 to {MOST_EVERY} days), since (one of its days)")
        since = date.fromisoformat(str(market["since"]))
    return Days("holidays" in spec, tuple(Span.read(one) for one in dates), every, since)
