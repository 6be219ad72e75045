"""Hours: what stays of readings when they are gone, and what long charts are drawn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from toguna.engines.telemetry.history import files
from toguna.engines.telemetry.models import Archive, Policy

_SUM = """
INSERT INTO telemetry_hour (device_id, quantity_id, hour, n, mean, low, high, last)
SELECT device, quantity, date_trunc('hour', at, 'UTC'), count(*), avg(value), min(value), max(value), (array_agg(value ORDER BY at DESC, seq DESC))[1]
FROM {rows} WHERE at >= %(start)s AND at < %(end)s AND EXISTS (SELECT FROM telemetry_device d WHERE d.id = device) {only}
GROUP BY 1, 2, 3
ON CONFLICT (device_id, quantity_id, hour) DO UPDATE SET n = excluded.n, mean = excluded.mean, low = excluded.low,
    high = excluded.high, last = excluded.last
WHERE (telemetry_hour.n, telemetry_hour.mean, telemetry_hour.low, telemetry_hour.high, telemetry_hour.last)
    IS DISTINCT FROM (excluded.n, excluded.mean, excluded.low, excluded.high, excluded.last) {more}
"""
_LATE = """
AND (device, date_trunc('hour', at, 'UTC')) IN (SELECT * FROM unnest(%(devices)s::int[], %(hours)s::timestamptz[]))
AND device = ANY(%(devices)s)
"""
# Of a day that may have left the tables, what is summed up of more holds: its file may be gone, by its policy or with its disk.
_MORE = "AND excluded.n > telemetry_hour.n"
# The file of a day and what came late for it; a repeat is the same row.
_BOTH = "(SELECT * FROM telemetry_reading WHERE at >= %(start)s AND at < %(end)s UNION SELECT * FROM pg_temp.telemetry_filed) r"
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
    """The hours in which something came since the last time: all of an hour, or that of the devices whose readings came late. Day by
    day; done again, it changes nothing. A Periodic."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, hour, device FROM telemetry_touched")
        days: dict[date, list[tuple[int, datetime, int]]] = {}
        for pk, hour, device in cursor.fetchall():
            moment = hour.astimezone(UTC)
            days.setdefault(moment.date(), []).append((pk, moment, device))
    for day, marks in sorted(days.items()):
        _sum_up(day, marks)


@transaction.atomic
def _sum_up(day: date, marks: list[tuple[int, datetime, int]]) -> None:
    whole = sorted({hour for _id, hour, device in marks if not device})
    late = sorted({(hour, device) for _id, hour, device in marks if device and hour not in whole})
    spans: list[tuple[str, dict[str, Any]]] = [("", {"start": hour, "end": hour + HOUR}) for hour in whole]
    if late:
        hours, devices = (list(values) for values in zip(*late, strict=True))
        spans.append((_LATE, {"start": hours[0], "end": hours[-1] + HOUR, "hours": hours, "devices": devices}))
    with connection.cursor() as cursor:
        # No day leaves the tables meanwhile.
        cursor.execute("LOCK TABLE telemetry_reading IN ACCESS SHARE MODE")
        away = Archive.objects.filter(table="reading", day=day).first()
        if away is not None and not away.digest:
            return  # its file is being written: another time
        rows = "telemetry_reading r"
        if away is not None:
            first, last = min(span["start"] for _only, span in spans), max(span["end"] for _only, span in spans)
            files.bring_back(cursor, away, first, last, None if whole else {device for _hour, device in late})
            rows = _BOTH
        old = away is not None or day < datetime.now(UTC).date() - timedelta(days=Policy.LEAST)
        for only, span in spans:
            cursor.execute(_SUM.format(rows=rows, only=only, more=_MORE if old else ""), span)
        cursor.execute("DELETE FROM telemetry_touched WHERE id = ANY(%s)", [[pk for pk, _hour, _device in marks]])


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
