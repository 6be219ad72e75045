"""Hours: what stays of readings when they are gone, and what long charts are drawn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from toguna.engines.telemetry.models import Archive

_SUM = """
INSERT INTO telemetry_hour (device_id, quantity_id, hour, n, mean, low, high, last)
SELECT device, quantity, date_trunc('hour', at, 'UTC'), count(*), avg(value), min(value), max(value), (array_agg(value ORDER BY at DESC))[1]
FROM telemetry_reading r WHERE at >= %(start)s AND at < %(end)s AND EXISTS (SELECT FROM telemetry_device d WHERE d.id = device) {only}
GROUP BY 1, 2, 3
ON CONFLICT (device_id, quantity_id, hour) DO UPDATE SET n = excluded.n, mean = excluded.mean, low = excluded.low,
    high = excluded.high, last = excluded.last
WHERE (telemetry_hour.n, telemetry_hour.mean, telemetry_hour.low, telemetry_hour.high, telemetry_hour.last)
    IS DISTINCT FROM (excluded.n, excluded.mean, excluded.low, excluded.high, excluded.last)
"""
_LATE = """
AND (device, date_trunc('hour', at, 'UTC')) IN (SELECT * FROM unnest(%(devices)s::int[], %(hours)s::timestamptz[]))
AND device = ANY(%(devices)s)
"""
HOUR = timedelta(hours=1)
NEAR = 2  # hours: what is older came late
MANY = 5000  # late ones of a batch: beyond, their hours are summed up whole


def touched(found: Iterable[tuple[int, int]], now: float) -> None:
    """(hour since 1970, device) of readings that came. Written with them; rows are added only, so nobody waits for `sum_up`."""
    near = int(now // 3600) - NEAR
    marks = {(hour, 0 if hour > near else device) for hour, device in found}
    if len(marks) > MANY:
        marks = {(hour, 0) for hour, _device in marks}
    if marks:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO telemetry_touched (hour, device) SELECT to_timestamp(hour * 3600.0), device FROM unnest(%s::int[], %s::int[]) AS t(hour, device)",
                list(map(list, zip(*sorted(marks), strict=True))),
            )


def sum_up() -> None:
    """The hours in which something came since the last time: all of an hour, or that of the devices whose readings came late. Days that are
    in files are left: the tables have no more than what came after. A Periodic; done again, it changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, hour, device FROM telemetry_touched")
        rows = cursor.fetchall()
        away = set(Archive.objects.filter(table="reading").values_list("day", flat=True))
        marks = {
            (hour.astimezone(UTC), device) for _id, hour, device in rows if hour.astimezone(UTC).date() not in away
        }
        whole = {hour for hour, device in marks if not device}
        late: dict[date, list[tuple[datetime, int]]] = {}
        for hour, device in marks:
            if hour not in whole:
                late.setdefault(hour.date(), []).append((hour, device))
        for hour in sorted(whole):
            cursor.execute(_SUM.format(only=""), {"start": hour, "end": hour + HOUR})
        for _day, those in sorted(late.items()):
            hours, devices = (list(values) for values in zip(*sorted(those), strict=True))
            span = {"start": hours[0], "end": hours[-1] + HOUR}
            cursor.execute(_SUM.format(only=_LATE), {**span, "hours": hours, "devices": devices})
        cursor.execute("DELETE FROM telemetry_touched WHERE id = ANY(%s)", [[row[0] for row in rows]])


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
