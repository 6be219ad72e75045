"""Whether a sensor drifts: how far its mean moved in four weeks, less how far those nearest to it moved meanwhile.

The season moves all of them alike, so what is left is the sensor's own. Only of what neighbours have in common: air, noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import connection
from django.utils import timezone

# quantity: the least that matters, about what a sensor that is sold for it may be wrong by
LEAST = {"temperature": 1.0, "humidity": 5.0, "pressure": 2.0, "noise": 3.0, "pm25": 10.0, "pm10": 20.0, "no2": 20.0}
WEEK, APART = timedelta(days=7), timedelta(days=28)
NEAREST, FEW = 30, 4  # neighbours that are asked; fewer that answer prove nothing
BEYOND = 4  # times as far as neighbours differ among themselves

_MOVED = """
WITH near AS (
    SELECT d.id FROM telemetry_device d JOIN telemetry_latest l ON l.device_id = d.id,
        (SELECT coalesce(l.lat, d.lat) lat, coalesce(l.lon, d.lon) lon FROM telemetry_device d
         LEFT JOIN telemetry_latest l ON l.device_id = d.id WHERE d.id = %(device)s) here
    WHERE d.id <> %(device)s AND d.state = 'active' AND l.values ? %(quantity)s AND coalesce(l.lat, d.lat) IS NOT NULL
    ORDER BY (coalesce(l.lat, d.lat) - here.lat) ^ 2 + (coalesce(l.lon, d.lon) - here.lon) ^ 2 LIMIT %(most)s
)
SELECT device_id, avg(mean) FILTER (WHERE hour >= %(week)s) - avg(mean) FILTER (WHERE hour < %(before)s)
FROM telemetry_hour WHERE quantity_id = (SELECT id FROM telemetry_quantity WHERE code = %(quantity)s)
    AND (device_id = %(device)s OR device_id IN (SELECT id FROM near))
    AND (hour >= %(week)s OR (hour >= %(first)s AND hour < %(before)s))
GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Drift:
    """by: in the unit of the quantity; others: neighbours that it was compared with."""

    by: float
    others: int


def drift(device: int, quantity: str, now: datetime | None = None) -> Drift | None:
    """None: it does not drift, or nothing proves it."""
    if quantity not in LEAST:
        return None
    week = (now or timezone.now()) - WEEK
    before = week + WEEK - APART
    values: dict[str, Any] = {
        "device": device,
        "quantity": quantity,
        "most": NEAREST,
        "week": week,
        "before": before,
        "first": before - WEEK,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, values)
        moved = {pk: by for pk, by in cursor.fetchall() if by is not None}
    own = moved.pop(device, None)
    if own is None or len(moved) < FEW:
        return None
    middle = median(moved.values())
    spread = (
        median(abs(by - middle) for by in moved.values()) * 1.4826
    )  # of a normal distribution: its standard deviation
    by = own - middle
    return Drift(by, len(moved)) if abs(by) > max(LEAST[quantity], BEYOND * spread) else None
