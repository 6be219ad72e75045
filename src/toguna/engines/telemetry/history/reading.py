"""Readings and positions of the past, wherever they are kept: in the tables, or in files of older days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from toguna.engines.telemetry.history import files
from toguna.engines.telemetry.models import Quantity

JUMPED = 2  # the flag of positions that cannot be true


@dataclass(frozen=True, slots=True)
class Reading:
    at: datetime
    value: float
    seq: int = -1
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """speed: km/h; course: degrees from north."""

    at: datetime
    lat: float
    lon: float
    speed: float | None = None
    course: float | None = None


def readings(device: int, quantity: str, start: datetime, end: datetime, *, most: int = 100_000) -> list[Reading]:
    """From start to before end, oldest first."""
    number = Quantity.objects.filter(code=quantity).values_list("id", flat=True).first()
    if number is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at, value, seq, flags FROM telemetry_reading WHERE device = %s AND quantity = %s AND at >= %s AND at < %s "
            "ORDER BY at, seq LIMIT %s",
            [device, number, start, end, most],
        )
        found = [Reading(*row) for row in cursor.fetchall()]
    old = [Reading(row[2], *row[3:]) for row in files.read("reading", device, start, end, quantity=number)]
    return sorted({*old, *found}, key=lambda one: (one.at, one.seq))[:most] if old else found


def track(device: int, start: datetime, end: datetime, *, jumps: bool = False, most: int = 100_000) -> list[Position]:
    """Where it was, oldest first; positions that cannot be true only with `jumps`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at, lat, lon, speed, course FROM telemetry_position WHERE device = %s AND at >= %s AND at < %s "
            "AND (%s OR flags & %s = 0) ORDER BY at, seq LIMIT %s",
            [device, start, end, jumps, JUMPED, most],
        )
        found = [Position(*row) for row in cursor.fetchall()]
    rows = files.read("position", device, start, end)
    old = [Position(*row[1:6]) for row in rows if jumps or not row[8] & JUMPED]
    return sorted(dict.fromkeys([*old, *found]), key=lambda one: one.at)[:most] if old else found


def heard(device: int, start: datetime, end: datetime, *, most: int = 100_000) -> list[datetime]:
    """When anything came, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at FROM telemetry_reading WHERE device = %s AND at >= %s AND at < %s UNION "
            "SELECT at FROM telemetry_position WHERE device = %s AND at >= %s AND at < %s ORDER BY 1 LIMIT %s",
            [device, start, end, device, start, end, most],
        )
        found = [row[0] for row in cursor.fetchall()]
    old = {
        row[files.names(table).index("at")]
        for table in ("reading", "position")
        for row in files.read(table, device, start, end)
    }
    return sorted({*old, *found})[:most] if old else found


def metres(places: Sequence[Position]) -> float:
    """The length of a way: steps under 20 m are the trembling of a device that stands."""
    total, last = 0.0, None
    for one in places:
        if last is None:
            last = one
            continue
        x = math.radians(one.lon - last.lon) * math.cos(math.radians(one.lat))
        step = 6371000 * math.hypot(x, math.radians(one.lat - last.lat))
        if step >= 20:
            total, last = total + step, one
    return total
