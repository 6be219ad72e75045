"""Readings and positions of the past, wherever they are kept: in the tables, or in files of older days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

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
        return [Reading(*row) for row in cursor.fetchall()]


def track(device: int, start: datetime, end: datetime, *, jumps: bool = False, most: int = 100_000) -> list[Position]:
    """Where it was, oldest first; positions that cannot be true only with `jumps`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at, lat, lon, speed, course FROM telemetry_position WHERE device = %s AND at >= %s AND at < %s "
            "AND (%s OR flags & %s = 0) ORDER BY at, seq LIMIT %s",
            [device, start, end, jumps, JUMPED, most],
        )
        return [Position(*row) for row in cursor.fetchall()]
