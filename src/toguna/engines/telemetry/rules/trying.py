"""A rule on past data, before it is switched on: when it would have been raised, and for how long."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from toguna.engines.telemetry.history import reading
from toguna.engines.telemetry.models import Device
from toguna.engines.telemetry.rules.conditions import SPEED, Condition, Seen, State

STEP = 60  # seconds between two looks at the clock, for conditions that time changes
MOST_DEVICES, MOST_READINGS = 50, 50_000


@dataclass(frozen=True)
class Raised:
    """cleared: None, it still stood at the end."""

    device: Device
    raised: datetime
    cleared: datetime | None
    value: float | None


@dataclass(frozen=True)
class Tried:
    """readings: how many were looked at; of: devices that have some; left: devices that were left out (the first ones are tried)."""

    raised: list[Raised]
    readings: int
    of: int
    left: int


def attempt(condition: Condition, devices: QuerySet[Device], days: int = 14) -> Tried:
    end = timezone.now()
    start = end - timedelta(days=days)
    raised: list[Raised] = []
    read = some = 0
    tried = list(devices[:MOST_DEVICES])
    for device in tried:
        seen = list(_seen(condition, device.pk, start, end))
        read += len(seen)
        some += bool(seen)
        raised += _one(condition, device, seen, end.timestamp())
    return Tried(sorted(raised, key=lambda one: one.raised), read, some, devices.count() - len(tried))


def _seen(condition: Condition, device: int, start: datetime, end: datetime) -> Iterator[Seen]:
    """What the device said, together by time, oldest first."""
    needs = condition.needs
    wanted = [name for name in needs if name != SPEED] if needs is not None else []
    found: dict[float, Seen] = {}

    def at(moment: datetime) -> Seen:
        key = moment.timestamp()
        return found.setdefault(key, Seen(key, {}))

    for name in wanted:
        for one in reading.readings(device, name, start, end, most=MOST_READINGS):
            at(one.at).values[name] = one.value  # type: ignore[index]
    if needs is None or SPEED in needs:
        for place in reading.track(device, start, end, most=MOST_READINGS):
            seen = at(place.at)
            seen.lat, seen.lon = place.lat, place.lon
            if place.speed is not None:
                seen.values[SPEED] = place.speed  # type: ignore[index]
    if needs is None:
        for moment in reading.heard(device, start, end, most=MOST_READINGS):
            at(moment)
    return iter([found[key] for key in sorted(found)])


def _one(condition: Condition, device: Device, seen: Sequence[Seen], end: float) -> Iterator[Raised]:
    if not seen:
        return
    state: State = {}
    since: tuple[float, float | None] | None = None
    looks: Iterator[tuple[float, int, Seen | None]] = ((one.at, 0, one) for one in seen)
    if condition.timed:
        clock = ((float(at), 1, None) for at in range(int(seen[0].at) + STEP, int(end), STEP))
        looks = heapq.merge(looks, clock, key=lambda look: look[:2])
    for now, _order, what in looks:
        holds = condition.step(state, now, what)
        if holds and since is None:
            values = [what.values[name] for name in condition.needs or () if what and name in what.values]
            since = (now, values[0] if values else None)
        elif not holds and since is not None:
            yield Raised(device, _moment(since[0]), _moment(now), since[1])
            since = None
    if since is not None:
        yield Raised(device, _moment(since[0]), None, since[1])


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
