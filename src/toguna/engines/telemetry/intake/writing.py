"""Into the tables: rows as binary COPY wants them, and what is known of each device, read before a batch and written back after it."""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from toguna.engines.telemetry.events import DeviceSuspected
from toguna.engines.telemetry.history import partitions
from toguna.engines.telemetry.intake import moving
from toguna.engines.telemetry.intake.believing import Known
from toguna.engines.telemetry.models import Device
from toguna.kernel.events import publish
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")

EPOCH = 946684800  # PostgreSQL counts from 2000

READING = struct.Struct(">hiiihiqidiqih")
PLACE, REAL, LAST = struct.Struct(">hiiiqidid"), struct.Struct(">if"), struct.Struct(">iqih")
NONE = struct.pack(">i", -1)
END = struct.pack(">h", -1)
HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)

# The same as READING and so on: (name, type, bytes); without a type: nothing is said.
READING_FIELDS = [
    ("device", ">i4", 4), ("quantity", ">i2", 2), ("at", ">i8", 8), ("value", ">f8", 8), ("seq", ">i8", 8), ("flags", ">i2", 2),
]  # fmt: skip
PLACE_FIELDS = [("device", ">i4", 4), ("at", ">i8", 8), ("lat", ">f8", 8), ("lon", ">f8", 8)]
LAST_FIELDS = [("seq", ">i8", 8), ("flags", ">i2", 2)]


def rows_of(fields: Sequence[tuple[str, str, int]], shape: tuple[int, ...]) -> Any:
    """Rows as binary COPY wants them: how many fields, then each with its length before it. Zeros where nothing is written."""
    kinds: list[tuple[str, str]] = [("fields", ">i2")]
    for number, (name, kind, _size) in enumerate(fields):
        kinds += [(f"size{number}", ">i4"), *([(name, kind)] if kind else [])]
    rows = np.zeros(shape, dtype=kinds)
    rows["fields"] = len(fields)
    for number, (_name, _kind, size) in enumerate(fields):
        rows[f"size{number}"] = size
    return rows


def real(value: float | None) -> bytes:
    if value is None or not -3e38 < value < 3e38:
        return NONE
    return REAL.pack(4, value)


def copy_in(table: str, fields: str, days: Collection[int], rows: Sequence[bytes]) -> None:
    if not rows:
        return
    into = f"telemetry_{table}"
    if len(days) == 1:
        day = datetime.fromtimestamp(next(iter(days)) * 86400, UTC).date()
        if datetime.now(UTC).date() - day <= timedelta(days=1):
            # Its partition is there, and no policy puts it away yet: PostgreSQL need not look for it at each row.
            into = partitions.name(table, day)
    # Django does not wrap what `copy` raises by itself: a database whose disk is full would seem a message that cannot be loaded.
    statement = f"COPY {into} ({fields}) FROM STDIN (FORMAT binary)"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(HEADER + b"".join(rows) + END)


@dataclass(slots=True)
class Standing:
    """What is known of a device while a batch is loaded; written back at its end."""

    device: Known
    at: float
    heard: float
    seq: int
    values: dict[str, Any]
    battery: float | None
    drift: float | None
    track: moving.Track
    speed: float | None
    course: float | None
    resets: int
    taken: int = 0
    twice: int = 0
    moved: bool = False
    suspect: str = ""


_STANDING = """
SELECT device_id, extract(epoch FROM at)::float8, extract(epoch FROM heard)::float8, seq, values, battery, drift, lat, lon,
    extract(epoch FROM position_at)::float8, speed, course, other_lat, other_lon, extract(epoch FROM other_at)::float8, jumps, swaps, resets
FROM telemetry_latest WHERE device_id = ANY(%s) ORDER BY device_id FOR UPDATE
"""


def standing_of(devices: dict[int, Known]) -> dict[int, Standing]:
    if not devices:
        return {}
    ids = sorted(devices)
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [ids])
        rows = cursor.fetchall()
        if len(rows) < len(ids):
            cursor.execute(
                "INSERT INTO telemetry_latest (device_id, seq, values, jumps, swaps, resets, taken, twice) "
                "SELECT unnest(%s::int[]), -1, '{}', 0, 0, 0, 0, 0 ON CONFLICT DO NOTHING",
                [ids],
            )
            cursor.execute(_STANDING, [ids])
            rows = cursor.fetchall()
    for row in rows:
        values = json.loads(row[4]) if isinstance(row[4], str) else row[4]
        track = moving.Track(
            row[9], row[7] or 0.0, row[8] or 0.0, row[14], row[12] or 0.0, row[13] or 0.0, row[15], row[16]
        )
        found[row[0]] = Standing(
            devices[row[0]], -1e18 if row[1] is None else row[1], row[2] or 0.0, row[3], values, row[5], row[6], track, row[10],
            row[11], row[17],
        )  # fmt: skip
    return found


# One JSON of all devices: arrays would be quoted by the driver, element by element, and the values twice.
_WRITE = """
UPDATE telemetry_latest l SET at = to_timestamp(x.at), heard = to_timestamp(x.heard), seq = x.seq, values = x.values, battery = x.battery,
    drift = x.drift, other_lat = x.other_lat, other_lon = x.other_lon, other_at = to_timestamp(x.other_at), jumps = x.jumps, swaps = x.swaps,
    resets = x.resets, taken = l.taken + x.taken, twice = l.twice + x.twice
FROM jsonb_to_recordset(%s::jsonb) AS x(id int, at float8, heard float8, seq bigint, values jsonb, battery float8, drift float8,
    other_lat float8, other_lon float8, other_at float8, jumps int, swaps int, resets int, taken int, twice int)
WHERE l.device_id = x.id
"""
# Apart: what does not touch the place leaves its index alone.
_WRITE_PLACE = """
UPDATE telemetry_latest l SET lat = x.lat, lon = x.lon, geom = ST_SetSRID(ST_MakePoint(x.lon, x.lat), 4326),
    position_at = to_timestamp(x.at), speed = x.speed, course = x.course
FROM jsonb_to_recordset(%s::jsonb) AS x(id int, lat float8, lon float8, at float8, speed float8, course float8)
WHERE l.device_id = x.id
"""


def write_back(standing: Sequence[Standing]) -> None:
    if not standing:
        return
    written, moved = [], []
    for one in standing:
        pk, track = one.device.id, one.track
        row = {
            "id": pk, "at": one.at if one.at > -1e17 else None, "heard": one.heard or None, "seq": one.seq, "values": one.values,
            "battery": one.battery, "drift": one.drift, "jumps": track.jumps, "swaps": track.swaps, "resets": one.resets,
            "taken": one.taken, "twice": one.twice,
        }  # fmt: skip
        if track.other_at is not None:
            row |= {"other_at": track.other_at, "other_lat": track.other_lat, "other_lon": track.other_lon}
        written.append(row)
        if one.moved:
            place = {"id": pk, "lat": track.lat, "lon": track.lon, "at": track.at}
            moved.append({**place, "speed": one.speed, "course": one.course})
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [json.dumps(written)])
        if moved:
            cursor.execute(_WRITE_PLACE, [json.dumps(moved)])


def suspend(standing: Sequence[Standing]) -> None:
    for one in standing:
        if one.suspect:
            found = Device.objects.select_for_update().filter(pk=one.device.id, state=Device.State.ACTIVE).first()
            if found is not None:
                found.state, found.why = Device.State.WAITING, one.suspect
                found.save(update_fields=["state", "why", "changed"])
                publish(DeviceSuspected(found.pk, found.service, found.ref, one.suspect))
