"""Hours: what stays of readings when they are gone, and what long charts are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from toguna.engines.telemetry.history import partitions

_SUM = """
INSERT INTO telemetry_hour (device_id, quantity_id, hour, n, mean, low, high, last)
SELECT device, quantity, date_trunc('hour', at, 'UTC'), count(*), avg(value), min(value), max(value), (array_agg(value ORDER BY at DESC))[1]
FROM telemetry_reading WHERE at >= %(start)s AND at < %(end)s AND EXISTS (SELECT FROM telemetry_device d WHERE d.id = device)
GROUP BY 1, 2, 3
ON CONFLICT (device_id, quantity_id, hour) DO UPDATE SET n = excluded.n, mean = excluded.mean, low = excluded.low,
    high = excluded.high, last = excluded.last
"""
LATE = 3  # days that are summed up again: what came late belongs to them


def sum_up(days: int = LATE) -> None:
    """The hours of the last days, in one statement for each day. A Periodic; done again, it changes nothing."""
    today = datetime.now(UTC).date()
    there = set(partitions.existing("reading"))
    for n in range(days, -1, -1):
        day = today - timedelta(days=n)
        if day in there:
            start = datetime(day.year, day.month, day.day, tzinfo=UTC)
            with connection.cursor() as cursor:
                cursor.execute(_SUM, {"start": start, "end": start + timedelta(days=1)})


@dataclass(frozen=True, slots=True)
class HourOf:
    hour: datetime
    n: int
    mean: float
    low: float
    high: float


def hours(device: int, quantity: str, start: datetime, end: datetime) -> list[HourOf]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hour, n, mean, low, high FROM telemetry_hour WHERE device_id = %s AND hour >= %s AND hour < %s "
            "AND quantity_id = (SELECT id FROM telemetry_quantity WHERE code = %s) ORDER BY hour",
            [device, start, end, quantity],
        )
        return [HourOf(*row) for row in cursor.fetchall()]
