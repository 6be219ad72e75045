"""What of a message can be, and is new.

Newer than all that a device said before: it is new, and nothing is looked up. As old or older: it is compared with what is there,
by device, quantity, time and the message's own number, so that a message that comes again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection

from toguna.engines.telemetry.events import SignedReading
from toguna.engines.telemetry.intake import columns, moving
from toguna.engines.telemetry.intake.believing import REGISTER, Known
from toguna.engines.telemetry.intake.observation import Observation
from toguna.engines.telemetry.intake.spool import Record
from toguna.engines.telemetry.intake.writing import (
    EPOCH,
    LAST,
    LAST_FIELDS,
    PLACE,
    PLACE_FIELDS,
    READING,
    READING_FIELDS,
    Standing,
    real,
    rows_of,
)
from toguna.engines.telemetry.models import Refused
from toguna.engines.telemetry.rules import watching
from toguna.engines.telemetry.rules.conditions import SPEED, Seen, metres_between
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")

AHEAD = 300.0  # seconds that a clock may be ahead
BEHIND = 400 * 86400.0  # how old a reading may be
FLAG_CLOCK, FLAG_JUMP = 1, 2  # its time is ours; its place cannot be
# A counter that begins anew counts RESET, one that goes on takes 1 away: a battery changed is soon forgotten, two devices that
# count under one name are not.
RESET, SUSPICIOUS = 4, 12

Said = tuple[int, Record, Known, Sequence[Observation]]  # number: the message's place in the batch


@dataclass
class Batch:
    """Counts are of rows: readings and positions."""

    readings: list[bytes] = field(default_factory=list)
    positions: list[bytes] = field(default_factory=list)
    signed: list[SignedReading] = field(default_factory=list)
    refused: list[tuple[Record, Known | None, str, str]] = field(default_factory=list)
    days: set[int] = field(default_factory=set)
    hours: set[tuple[int, int]] = field(default_factory=set)  # (hour since 1970, device) of readings
    together: int = 0  # rows that came in columns: some entries of `readings` and `positions` are many rows
    entries: int = 0  # and how many entries these are


def _micros(at: float) -> int:
    return round(at * 1e6)


def when(record: Record, seen: Observation) -> tuple[float, int]:
    """(its time, FLAG_CLOCK when that is ours: the device's own cannot be)."""
    at = seen.at
    if at is None:
        return record.received, 0
    if not record.received - BEHIND <= at <= record.received + AHEAD:
        return record.received, FLAG_CLOCK
    return at, 0


def again_of(said: Sequence[Said], standing: dict[int, Standing]) -> set[tuple[int, int, int, int]]:
    """(device, quantity, microseconds, seq) of what is in the tables among those that are not newer than all that came before;
    quantity -1: a position."""
    old: dict[int, list[float]] = {}
    for _number, record, device, observations in said:
        last = standing[device.id].at
        for seen in observations:
            at, _flags = when(record, seen)
            if at <= last:
                old.setdefault(device.id, []).append(at)
    if not old:
        return set()
    ids = list(old)
    low = datetime.fromtimestamp(min(map(min, old.values())) - 0.001, UTC) if old else None
    high = datetime.fromtimestamp(max(map(max, old.values())) + 0.001, UTC)
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT device, quantity, (extract(epoch FROM at) * 1000000)::bigint, seq FROM telemetry_reading "
            "WHERE device = ANY(%s) AND at BETWEEN %s AND %s UNION ALL "
            "SELECT device, -1, (extract(epoch FROM at) * 1000000)::bigint, seq FROM telemetry_position "
            "WHERE device = ANY(%s) AND at BETWEEN %s AND %s",
            [ids, low, high, ids, low, high],
        )
        found.update(cursor.fetchall())
    return found


def plain_of(
    alike: Mapping[tuple[str, ...], Sequence[columns.Message]], standing: Mapping[int, Standing]
) -> list[columns.Plain]:
    found = []
    for names, messages in alike.items():
        before = {}
        for pk in {message.device for message in messages}:
            one = standing[pk]
            track = one.track
            place = None if track.at is None else (track.at, track.lat, track.lon)
            sure = track.other_at is None and (track.at is None or track.at <= one.at)
            before[pk] = columns.Before(one.at, one.seq, place, sure, one.device.fastest)
        made = columns.plain(names, messages, before, REGISTER.quantities, behind=BEHIND, ahead=AHEAD)
        if made is not None:
            found.append(made)
    return found


def take_all(batch: Batch, plain: columns.Plain, standing: Mapping[int, Standing], watch: watching.Watch) -> None:
    """What `take` does, of what is plain: all of it is new and believed."""
    count = len(plain.at)
    said = plain.columns
    device = np.repeat([part.device for part in plain.parts], [part.last - part.first for part in plain.parts])
    moment = plain.micros - EPOCH * 1_000_000
    seq = -1 if plain.seq is None else plain.seq
    if plain.known:
        rows = rows_of(READING_FIELDS, (count, len(plain.known)))
        for number, name in enumerate(plain.known):
            rows["quantity"][:, number] = REGISTER.quantities[name][0]
            rows["value"][:, number] = said[name]
        for name, value in (("device", device), ("at", moment), ("seq", seq)):
            rows[name] = value if isinstance(value, int) else value[:, None]
        batch.readings.append(rows.tobytes())
    if plain.placed:
        reals = [(name, ">f4", 4) if name in said else ("", "", -1) for name in columns.REALS]
        rows = rows_of([*PLACE_FIELDS, *reals, *LAST_FIELDS], (count,))
        for name in ("lat", "lon", *columns.REALS):
            if name in said:
                rows[name] = said[name]
        for name, value in (("device", device), ("at", moment), ("seq", seq)):
            rows[name] = value
        batch.positions.append(rows.tobytes())
    batch.entries += bool(plain.known) + plain.placed
    batch.together += count * (len(plain.known) + plain.placed)
    batch.days.update(np.unique(plain.at // 86400).astype(int).tolist())
    if plain.known:
        pairs = np.unique((plain.at // 3600).astype(np.int64) << 32 | device).tolist()
        batch.hours.update((pair >> 32, pair & 0xFFFFFFFF) for pair in pairs)
    ends = [part.last - 1 for part in plain.parts]
    last = {name: values[ends].tolist() for name, values in said.items()}
    times, numbers = plain.at[ends].tolist(), None if plain.seq is None else plain.seq[ends].tolist()
    seconds = (plain.micros[ends] / 1e6).tolist()
    for number, (part, window) in enumerate(zip(plain.parts, plain.windows(), strict=True)):
        one, many = standing[part.device], part.last - part.first
        for received, end in part.messages:
            one.heard = max(one.heard, received)
            drift(one, received, [end])
        one.at = times[number]
        if numbers is not None:
            one.seq, one.resets = numbers[number], max(0, one.resets - many)
        for name in plain.known:
            one.values[name] = [last[name][number], seconds[number]]
        if "battery" in plain.known:
            one.battery = last["battery"][number]
        if plain.placed:
            track = one.track
            track.at, track.lat, track.lon = times[number], last["lat"][number], last["lon"][number]
            one.moved = True
            one.speed, one.course = (last[name][number] if name in last else None for name in ("speed", "course"))
        one.taken += many * (len(plain.known) + plain.placed)
        watch.see_all(one.device.watched, window)


def drift(one: Standing, received: float, times: Sequence[float]) -> None:
    """By the newest that it says: those before it, and a day and more, are a buffer emptied, not a clock."""
    if times and (abs(behind := received - max(times)) < 86400 or behind < 0):
        one.drift = behind if one.drift is None else one.drift * 0.9 + behind * 0.1


def take(
    batch: Batch, record: Record, one: Standing, seen: Observation, again: set[tuple[int, int, int, int]], watch: watching.Watch
) -> None:  # fmt: skip
    device, given = one.device, seen.at
    at, flags = when(record, seen)
    if device.signed and (flags or given is None or given < record.received - REGISTER.behind):
        # Its time is part of what it signed: another one would be ours, and what was sent before could come again.
        batch.refused.append((record, device, Refused.Reason.CLOCK, f"at {given}"))
        return
    if flags:
        batch.refused.append((record, device, Refused.Reason.CLOCK, f"at {given}"))
    micros, newer = _micros(at), at > one.at
    lat, lon = seen.lat, seen.lon
    if lat is None or lon is None or not (-90 <= lat <= 90 and -180 <= lon <= 180) or (lat == 0 and lon == 0):
        if not seen.values and (lat is not None or lon is not None):
            batch.refused.append((record, device, Refused.Reason.RANGE, "position"))
            return
        lat = lon = None
    if device.stays is not None and (why := _astray(device, lat, lon)) is not None:
        batch.refused.append((record, device, Refused.Reason.MOVED, why))
        return
    taken = _readings(batch, record, one, seen, micros, flags, again)
    if taken is None:
        return
    if lat is not None and lon is not None:
        key = (device.id, -1, micros, seen.seq)
        if key in again:
            one.twice += 1
        else:
            again.add(key)
            if _position(batch, record, one, seen, lat, lon, at, micros, flags, newer):
                lat = lon = None
            elif seen.speed is not None:
                taken = {**taken, SPEED: seen.speed}
            one.taken += 1
    elif not taken:
        return
    if newer:
        if seen.seq >= 0:
            one.resets = one.resets + RESET if seen.seq < one.seq else max(0, one.resets - 1)
            if one.resets >= SUSPICIOUS:
                one.suspect = "sequence"
            one.seq = seen.seq
        one.at = at
        watch.see(device.watched, Seen(at, taken, lat, lon))
    batch.days.add(int(at // 86400))
    if taken:
        batch.hours.add((int(at // 3600), device.id))


def _astray(device: Known, lat: float | None, lon: float | None) -> str | None:
    """Why one that must stay in its place is not known to be there, None where it is: who does not say where it is may be anywhere."""
    if lat is None or lon is None:
        return "no position"
    away = metres_between(device.lat or 0, device.lon or 0, lat, lon)
    return f"{away:.0f} m away" if device.stays is not None and away > device.stays else None


def _readings(
    batch: Batch, record: Record, one: Standing, seen: Observation, micros: int, flags: int, again: set[tuple[int, int, int, int]]
) -> dict[str, float] | None:  # fmt: skip
    """The values that are new and believed. None: nothing of the observation is to be believed."""
    device, seq = one.device, seen.seq
    pk, seconds = device.id, micros / 1e6
    newer = seconds > one.at
    taken: dict[str, float] = {}
    quantities, pack, rows, last = REGISTER.quantities, READING.pack, batch.readings, one.values
    moment = micros - EPOCH * 1_000_000
    if device.signed and (wrong := _wrong(device, seen, micros, again)):
        batch.refused.append((record, device, *wrong))
        one.twice += wrong[0] == Refused.Reason.REPLAY
        return None
    for name, value in seen.values.items():
        known = quantities.get(name)
        if known is None:
            continue
        quantity, low, high = known
        if not low <= value <= high:
            batch.refused.append((record, device, Refused.Reason.RANGE, f"{name} {value:g}"))
            continue
        key = (pk, quantity, micros, seq)
        if key in again:
            one.twice += 1
            continue
        again.add(key)
        rows.append(pack(6, 4, pk, 2, quantity, 8, moment, 8, value, 8, seq, 2, flags))
        taken[name] = value
        if newer or (old := last.get(name)) is None or old[1] <= seconds:
            last[name] = [value, seconds]
            if name == "battery":
                one.battery = value
        if device.signed:
            at = datetime.fromtimestamp(micros / 1e6, UTC).isoformat()
            batch.signed.append(
                SignedReading(device.id, device.watched.service, device.watched.ref, name, value, at, seq)
            )
    one.taken += len(taken)
    return taken


def _wrong(
    device: Known, seen: Observation, micros: int, again: set[tuple[int, int, int, int]]
) -> tuple[str, str] | None:
    """(reason, words) for which a signed observation is refused as a whole."""
    for name, value in seen.values.items():
        if name in REGISTER.quantities:
            quantity, low, high = REGISTER.quantities[name]
            if not low <= value <= high:
                return Refused.Reason.RANGE, f"{name} {value:g}"
            if (device.id, quantity, micros, seen.seq) in again:
                return Refused.Reason.REPLAY, ""
    return None


def _position(
    batch: Batch, record: Record, one: Standing, seen: Observation, lat: float, lon: float, at: float, micros: int, flags: int,
    newer: bool,
) -> bool:  # fmt: skip
    """Writes it; whether it cannot be true."""
    jumped = False
    if one.track.at is None or at > one.track.at:
        verdict = moving.judge(one.track, lat, lon, at, one.device.fastest)
        if verdict is moving.Verdict.JUMP:
            jumped, flags = True, flags | FLAG_JUMP
            batch.refused.append((record, one.device, Refused.Reason.JUMP, f"{lat:.5f}, {lon:.5f}"))
        else:
            one.moved, one.speed, one.course = True, seen.speed, seen.course
            if verdict is moving.Verdict.CLONE:
                one.suspect = "clone"
    batch.positions.append(
        PLACE.pack(9, 4, one.device.id, 8, micros - EPOCH * 1_000_000, 8, lat, 8, lon)
        + real(seen.speed) + real(seen.course) + real(seen.altitude) + LAST.pack(8, seen.seq, 2, flags)
    )  # fmt: skip
    return jumped
