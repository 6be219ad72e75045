"""Working days and holidays: the town's calendar, and deadlines counted in it.

`calendar.toml` in the home folder, beside town.toml, says what the town's calendar is:

    weekend = [6, 7]                   # 1 is Monday
    holidays = ["01-01", "05-01"]      # every year, month and day
    easter = [1, 39]                   # days after Easter Sunday
    days = ["2026-03-20"]              # once: feasts that follow the moon, days that are decreed

A deadline is a date of the town, kept until the last second of that day by the town's clock: it is made from the date,
never by adding hours, so a change of clocks cannot move it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from django.utils import timezone

from toguna.kernel import places

MOST_DAYS = 3660


class CalendarError(ValueError):
    """calendar.toml cannot be read; str() says what is wrong in it."""


@dataclass(frozen=True)
class Calendar:
    """weekend: ISO weekdays; yearly: (month, day); easter: days after Easter Sunday; once: dates."""

    weekend: frozenset[int] = frozenset({6, 7})
    yearly: frozenset[tuple[int, int]] = frozenset({(1, 1), (5, 1), (12, 25)})
    easter: frozenset[int] = frozenset()
    once: frozenset[date] = frozenset()

    def holiday(self, day: date) -> bool:
        return (
            (day.month, day.day) in self.yearly
            or day in self.once
            or (bool(self.easter) and (day - easter(day.year)).days in self.easter)
        )

    def works(self, day: date) -> bool:
        return not (day.isoweekday() in self.weekend or self.holiday(day))

    def after(self, day: date, count: int) -> date:
        """The count-th working day after that day; count 0 gives the day itself."""
        if not 0 <= count <= MOST_DAYS:
            raise ValueError(f"{count} working days: from 0 to {MOST_DAYS}")
        while count:
            day += timedelta(days=1)
            count -= self.works(day)
        return day

    def between(self, start: date, end: date) -> int:
        """How many working days come after start, up to end: between(d, after(d, n)) == n."""
        return sum(self.works(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    century, rest = divmod(year, 100)
    epact = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    shift = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (year % 19 + 11 * epact + 22 * shift) // 451
    month, day = divmod(epact + shift - 7 * late + 114, 31)
    return date(year, month, day + 1)


def parse(text: str) -> Calendar:
    """Raises CalendarError."""
    try:
        raw = tomllib.loads(text)
        if unknown := raw.keys() - {"weekend", "holidays", "easter", "days"}:
            raise ValueError(f"{', '.join(sorted(unknown))}: only weekend, holidays, easter and days are known")
        found = Calendar(
            frozenset(int(n) for n in raw.get("weekend", [6, 7])),
            frozenset(_yearly(raw.get("holidays", ["01-01", "05-01", "12-25"]))),
            frozenset(int(n) for n in raw.get("easter", [])),
            frozenset(date.fromisoformat(str(d)) for d in raw.get("days", [])),
        )
        if not found.weekend < frozenset(range(1, 8)):
            raise ValueError("weekend: days from 1 (Monday) to 7, and not all of them")
    except (ValueError, TypeError) as error:
        raise CalendarError(f"calendar.toml: {error}") from error
    return found


def _yearly(written: Iterable[object]) -> Iterable[tuple[int, int]]:
    for one in written:
        if not re.fullmatch(r"\d\d-\d\d", str(one)):
            raise ValueError(f"holidays: {one!r} is no month and day such as 05-01")
        day = date.fromisoformat(f"2024-{one}")  # a leap year: 02-29 is a day too
        yield day.month, day.day


@lru_cache(maxsize=2)
def _read(changed: float) -> Calendar:
    return parse((places.home() / "calendar.toml").read_text("utf-8")) if changed else Calendar()


def current() -> Calendar:
    """The town's calendar, read again when the file changes. Raises CalendarError."""
    try:
        return _read((places.home() / "calendar.toml").stat().st_mtime)
    except FileNotFoundError:
        return Calendar()


def deadline(moment: datetime, days: int) -> datetime:
    """The end of the days-th working day after that moment, by the town's clock."""
    day = current().after(timezone.localtime(moment).date(), days)
    return datetime.combine(day, time(23, 59, 59), timezone.get_current_timezone())


def waited(start: datetime, end: datetime) -> int:
    """How many working days passed between two moments."""
    return current().between(timezone.localtime(start).date(), timezone.localtime(end).date())
