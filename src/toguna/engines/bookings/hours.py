"""When a resource can be had: its week, the days that differ, cut into slots. Pure: nothing is read but the resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from toguna.engines.bookings.models import Resource

LONGEST = 24 * 60  # minutes of one slot
MOST_EXCEPTIONS = 400
_HOURS = re.compile(r"([01]?\d|2[0-3])\s*[:hH.]\s*([0-5]\d)?\s*[-–]\s*([01]?\d|2[0-3])\s*[:hH.]\s*([0-5]\d)?")


class WrongHours(ValueError):
    """These hours cannot be: `args` are (day or weekday, from, to)."""


@dataclass(frozen=True)
class Span:
    """A slot as the hours make it: moments with their zone; capacity: places in all."""

    start: datetime
    end: datetime
    capacity: int

    def cuts(self, start: datetime, end: datetime) -> bool:
        """Whether it shares time with what is from start to end, without being the same."""
        return (self.start, self.end) != (start, end) and self.start < end and start < self.end


def pairs(resource: Resource, day: date) -> list[tuple[str, str]]:
    """("08:00", "12:00") of each opening of that day, in order."""
    differs: Mapping[str, Any] | None = resource.exceptions.get(day.isoformat())
    if differs is not None:
        return sorted((a, b) for a, b in differs["hours"])
    return of_weekday(resource, day.isoweekday())


def grid(resource: Resource, day: date) -> list[Span]:
    """All slots of that day, whether taken or not. A rest shorter than a slot is not offered."""
    differs = resource.exceptions.get(day.isoformat()) or {}
    step = timedelta(minutes=differs.get("minutes", resource.minutes))
    capacity = differs.get("capacity", resource.capacity)
    found = []
    for opens, closes in pairs(resource, day):
        begin = datetime.combine(day, time.fromisoformat(opens))
        end = datetime.combine(day, time.fromisoformat(closes))
        while begin + step <= end:
            found.append(Span(timezone.make_aware(begin), timezone.make_aware(begin + step), capacity))
            begin += step
    return found


def span_at(resource: Resource, start: datetime) -> Span | None:
    """The slot that begins at that very moment."""
    return next((one for one in grid(resource, timezone.localtime(start).date()) if one.start == start), None)


def days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)


def check(openings: Sequence[tuple[str, str]]) -> None:
    """Raises WrongHours unless each ends after it begins and none meets another."""
    before = ""
    for opens, closes in sorted(openings):
        try:
            right = time.fromisoformat(opens) < time.fromisoformat(closes) and len(opens) == len(closes) == 5
        except ValueError:
            right = False
        if not right or opens < before:
            raise WrongHours(opens, closes)
        before = closes


def read(typed: str) -> list[tuple[str, str]]:
    """ "8:00-12:00, 14h30-17h" as [("08:00", "12:00"), ("14:30", "17:00")]. Raises WrongHours."""
    found = [(f"{int(m[1]):02}:{m[2] or '00'}", f"{int(m[3]):02}:{m[4] or '00'}") for m in _HOURS.finditer(typed)]
    if _HOURS.sub("", typed).strip(" ,;"):
        raise WrongHours(typed, "")
    check(found)
    return sorted(found)


def shown(openings: Sequence[Sequence[str]]) -> str:
    return ", ".join(f"{opens}-{closes}" for opens, closes in openings)


def of_weekday(resource: Resource, weekday: int) -> list[tuple[str, str]]:
    return sorted((row["from"], row["to"]) for row in resource.hours if weekday in row["days"])


def week(by_day: Mapping[int, Sequence[tuple[str, str]]]) -> list[dict[str, Any]]:
    """Openings by ISO weekday, as a resource keeps them: the days of the same hours together."""
    rows: dict[tuple[str, str], list[int]] = {}
    for day, openings in sorted(by_day.items()):
        for pair in openings:
            rows.setdefault(pair, []).append(day)
    return [{"days": days, "from": pair[0], "to": pair[1]} for pair, days in sorted(rows.items())]
