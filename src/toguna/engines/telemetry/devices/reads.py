"""What is known of devices now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from toguna.engines.telemetry.devices.register import READ
from toguna.engines.telemetry.models import Device, Latest
from toguna.kernel import access
from toguna.kernel.access import Actor

MOST_POINTS = 2000  # beyond, a map view shows how many there are in each cell


@dataclass(frozen=True)
class Last:
    """What was last heard of a device. values: {quantity: (value, when)}; battery: %; drift: seconds that its clock is behind."""

    device: int
    at: datetime | None = None
    heard: datetime | None = None
    lat: float | None = None
    lon: float | None = None
    position_at: datetime | None = None
    speed: float | None = None
    course: float | None = None
    battery: float | None = None
    drift: float | None = None
    values: dict[str, tuple[float, datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spot:
    """A device on a map view; or n of them around there, device 0."""

    lat: float
    lon: float
    n: int = 1
    device: int = 0
    name: str = ""
    at: datetime | None = None


def devices(*, service: str = "", refs: Iterable[str] = (), kind: str = "", state: str = "") -> QuerySet[Device]:
    """For services: theirs. Retired ones only when asked for."""
    found = Device.objects.filter(state=state) if state else Device.objects.exclude(state=Device.State.RETIRED)
    if service:
        found = found.filter(service=service)
    if wanted := list(refs):
        found = found.filter(ref__in=wanted)
    return (found.filter(kind=kind) if kind else found).order_by("name", "pk")


def visible(actor: Actor, permission: str = READ) -> QuerySet[Device]:
    """The devices that the actor may see."""
    zones = access.zones(actor, permission)
    return Device.objects.all() if zones is None else Device.objects.filter(zone__in=zones)


def latest(ids: Sequence[int]) -> dict[int, Last]:
    """One statement."""
    return {row.pk: last_of(row) for row in Latest.objects.filter(pk__in=ids)}


def last_of(row: Latest) -> Last:
    values: dict[str, Any] = row.values
    return Last(
        row.pk, row.at, row.heard, row.lat, row.lon, row.position_at, row.speed, row.course, row.battery, row.drift,
        {name: (value, datetime.fromtimestamp(at, UTC)) for name, (value, at) in values.items()},
    )  # fmt: skip


# lat and lon alone: all of it stands in one index, whose rows need not be fetched.
_VIEW = """
SELECT avg(l.lat), avg(l.lon), count(*), NULL::int, NULL::text, NULL::timestamptz
FROM telemetry_latest l {join}
WHERE l.lat BETWEEN %(south)s AND %(north)s AND l.lon BETWEEN %(west)s AND %(east)s {only}
GROUP BY floor((l.lon - %(west)s) / %(cell)s), floor((l.lat - %(south)s) / %(cell)s)
"""
_CROWD = """
SELECT count(*) FROM (
    SELECT FROM telemetry_latest l {join} WHERE l.lat BETWEEN %(south)s AND %(north)s AND l.lon BETWEEN %(west)s AND %(east)s {only} LIMIT %(most)s
) x
"""
_POINTS = """
SELECT l.lat, l.lon, 1, d.id, d.name, l.position_at FROM telemetry_latest l JOIN telemetry_device d ON d.id = l.device_id
WHERE l.lat BETWEEN %(south)s AND %(north)s AND l.lon BETWEEN %(west)s AND %(east)s {only} LIMIT %(most)s
"""


def positions_within(
    bounds: tuple[float, float, float, float],
    *,
    zones: Iterable[int] | None = None,
    service: str = "",
    kind: str = "",
    most: int = MOST_POINTS,
) -> list[Spot]:
    """A map view (west, south, east, north, degrees): each device, or when there are more than `most`, how many are in each cell,
    of which there are about as many. zones: None, all. Two statements."""
    west, south, east, north = bounds
    only, values = "", {"west": west, "south": south, "east": east, "north": north, "most": most + 1}
    values["cell"] = max(math.sqrt((east - west) * (north - south) / (most * 0.8)), 1e-6)
    more: dict[str, Any] = {**values}
    for column, value in (("service", service), ("kind", kind)):
        if value:
            only += f" AND d.{column} = %({column})s"
            more[column] = value
    if zones is not None:
        only += " AND d.zone = ANY(%(zones)s)"
        more["zones"] = list(zones)
    join = "JOIN telemetry_device d ON d.id = l.device_id" if only else ""
    with connection.cursor() as cursor:
        cursor.execute(_CROWD.format(only=only, join=join), more)
        crowd = cursor.fetchone()[0] > most
        cursor.execute((_VIEW if crowd else _POINTS).format(only=only, join=join), more)
        rows = cursor.fetchall()
    return [Spot(lat, lon, n, device or 0, name or "", at) for lat, lon, n, device, name, at in rows]


def numbers(actor: Actor) -> dict[str, int]:
    """How many are active, heard of within a day, in quarantine. One statement."""
    day = timezone.now() - timedelta(days=1)
    active = Q(state=Device.State.ACTIVE)
    return visible(actor).aggregate(
        active=Count("pk", filter=active),
        heard=Count("pk", filter=active & Q(latest__heard__gte=day)),
        waiting=Count("pk", filter=Q(state=Device.State.WAITING)),
    )
