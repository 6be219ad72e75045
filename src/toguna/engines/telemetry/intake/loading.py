"""From the spool into the tables: who it is, what it says, whether that can be; then COPY, the latest, the rules; one transaction.

Newer than all that a device said before: it is new, and nothing is looked up. As old or older: it is compared with what is there,
by device, quantity, time and the message's own number, so that a message that comes again changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import struct
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from toguna.engines.telemetry.devices import changes, decoding, keys, register
from toguna.engines.telemetry.events import DeviceSuspected, ReadingRefused, SignedReading
from toguna.engines.telemetry.history import hours, partitions
from toguna.engines.telemetry.intake import columns, lorawan, moving, observation, words
from toguna.engines.telemetry.intake.observation import Observation, Unreadable
from toguna.engines.telemetry.intake.spool import Record
from toguna.engines.telemetry.models import Device, Policy, Quantity, Refused
from toguna.engines.telemetry.rules import declared, watching
from toguna.engines.telemetry.rules.conditions import SPEED, Seen, metres_between
from toguna.kernel.events import publish
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")

AHEAD = 300.0  # seconds that a clock may be ahead
BEHIND = 400 * 86400.0  # how old a reading may be
FLAG_CLOCK, FLAG_JUMP = 1, 2  # its time is ours; its place cannot be
STRANGERS = 5000  # names that are kept of those who are not in the register
BODY = 2000  # characters kept of what was refused
EPOCH = 946684800  # PostgreSQL counts from 2000
SIGNED_BEHIND = 30 * 86400.0  # for signed ones, whose repeats must be found: less than what the tables keep
# A counter that begins anew counts RESET, one that goes on takes 1 away: a battery changed is soon forgotten, two devices that
# count under one name are not.
RESET, SUSPICIOUS = 4, 12


@dataclass(slots=True)
class Known:
    """A device of the register, as the loader needs it."""

    id: int
    code: str
    door: str
    state: str
    key_number: int
    signed: bool
    fields: Any
    watched: watching.Watched
    fastest: int
    lat: float | None
    lon: float | None
    stays: int | None
    phone: str


class Register:
    """The devices in memory, read anew when one changed: each batch costs one small statement. network: of the key of network servers;
    behind: how old what is signed may be, seconds."""

    def __init__(self) -> None:
        self.devices: dict[str, Known] = {}
        self.quantities: dict[str, tuple[int, float, float]] = {}
        self.network, self.behind = 0, SIGNED_BEHIND
        self._codes: dict[int, str] = {}
        self._changes = changes.Changes("device", "decoder", "quantity", "policy", "network_key")

    def refresh(self) -> None:
        with self._changes.since() as changed:
            if changed is None or changed:
                self._read(changed)

    def forget(self) -> None:
        """All is read anew."""
        self._changes.forget()

    def _read(self, changed: set[int] | None) -> None:
        rows = Device.objects.select_related("decoder")
        if changed is None:
            self.devices, self._codes = {}, {}
            declared.bring()
            if not Quantity.objects.exists():
                register.bring()
            self.quantities = {
                q.code: (q.id, -1e300 if q.low is None else q.low, 1e300 if q.high is None else q.high)
                for q in Quantity.objects.all()
            }
            self.network = register.network_number()
            # What is older than what the tables keep would not be found when it comes again.
            days = Policy.objects.filter(table="reading").values_list("raw_days", flat=True).first()
            # Without a policy nothing leaves the tables.
            self.behind = SIGNED_BEHIND if days is None else min(SIGNED_BEHIND, (max(days, Policy.LEAST) - 1) * 86400.0)
        else:
            rows = rows.filter(pk__in=changed)
            for pk in changed:
                self.devices.pop(self._codes.pop(pk, ""), None)
        for row in rows.iterator(5000):
            self._codes[row.pk] = row.code
            self.devices[row.code] = Known(
                row.pk, row.code, row.door, row.state, row.key_number, row.signed,
                row.decoder.fields if row.decoder else None,
                watching.Watched(row.pk, row.name, row.service, row.ref, row.kind, row.zone),
                row.fastest, row.lat, row.lon, row.stays, row.phone,
            )  # fmt: skip


REGISTER = Register()


def forget() -> None:
    """For tests: another database."""
    REGISTER.forget()
    partitions.forget()


# How a body is read: (bytes, device) -> observations. Raises Unreadable.
Form = Callable[[bytes, Known], Sequence[Observation]]


def _json(body: bytes, device: Known) -> Sequence[Observation]:
    if device.fields is None:
        return observation.read(body)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    rows = said if isinstance(said, list) else [said]
    if len(rows) > observation.MOST:
        raise Unreadable("too many")
    found = []
    for row in rows:
        if not isinstance(row, dict):
            raise Unreadable("an observation is an object")
        # What every device may say of itself, then what its decoder knows.
        own = {name: row[name] for name in ("at", "seq", "lat", "lon", "speed", "course", "altitude") if name in row}
        found += observation.listed({**own, **decoding.from_json(device.fields, row)})
    return found


def _network(read: Callable[[bytes], lorawan.Uplink]) -> Form:
    def form(body: bytes, device: Known) -> Sequence[Observation]:
        up = read(body)
        values: dict[str, Any] = {}
        if device.fields is None:
            values = {name: value for name, value in up.decoded.items() if observation.number(value) is not None}
        else:
            values = decoding.from_json(device.fields, up.decoded, up.port)
            values |= decoding.from_bytes(device.fields, up.payload, up.port)
        own = {"at": up.at, "seq": up.counter}
        more = {name: value for name, value in (("signal", up.signal), ("battery", up.battery)) if value is not None}
        return observation.listed([{**own, **more, **values}])

    return form


FORMS: dict[str, Form] = {
    "json": _json,
    "chirpstack": _network(lorawan.chirpstack),
    "ttn": _network(lorawan.things_stack),
    "words": lambda body, device: words.read(body),
}

_READING = struct.Struct(">hiiihiqidiqih")
_PLACE, _REAL, _LAST = struct.Struct(">hiiiqidid"), struct.Struct(">if"), struct.Struct(">iqih")
_NONE = struct.pack(">i", -1)
_END = struct.pack(">h", -1)
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)


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


@dataclass(frozen=True)
class Loaded:
    """What became of a batch. rows: readings and positions written; refused: messages, or parts of them, not believed."""

    messages: int
    rows: int
    twice: int
    refused: int


def load(records: Sequence[Record], marks: Sequence[tuple[str, int]] = ()) -> Loaded:
    """Brings messages into the tables, in one transaction. marks: (file of the spool, how far it is loaded by that)."""
    try:
        with transaction.atomic():
            return _load(records, marks)
    except BaseException:
        # What was made for these, and read, is not there any more.
        partitions.forget()
        REGISTER.forget()
        watching.forget()
        raise


def put_aside(record: Record, reason: str, why: str) -> None:
    """A message that could not be loaded, kept to be looked at."""
    with transaction.atomic():
        _refuse([(record, REGISTER.devices.get(record.code), reason, why)])


def _load(records: Sequence[Record], marks: Sequence[tuple[str, int]]) -> Loaded:
    REGISTER.refresh()
    batch = Batch()
    believed: list[tuple[int, Record, Known, bytes]] = []
    for number, record in enumerate(records):
        device = REGISTER.devices.get(record.code)
        reason, body = _believed(record, device)
        if reason or device is None:
            batch.refused.append((record, device, reason or Refused.Reason.UNKNOWN, ""))
            continue
        believed.append((number, record, device, body))
    alike = columns.same_names(
        [
            (number, device.id, record.received, body) for number, record, device, body in believed
            if record.form == "json" and device.fields is None and not device.signed and device.stays is None
        ]
    )  # fmt: skip
    in_columns = {message.number for messages in alike.values() for message in messages}
    said = _read(batch, [one for one in believed if one[0] not in in_columns])
    devices = {device.id: device for number, _record, device, _body in believed if number in in_columns}
    standing = _standing(devices | {device.id: device for _number, _record, device, _said in said})
    plain = _plain(alike, standing)
    done = {part.device for found in plain for part in found.parts}
    if len(done) < len(devices):
        said += _read(batch, [one for one in believed if one[0] in in_columns and one[2].id not in done])
        said.sort(key=lambda one: one[0])
    again = _again(said, standing)
    watch = watching.Watch(watching.live())
    watch.begin(one.device.watched for one in standing.values())
    for found in plain:
        _take_all(batch, found, standing, watch)
    for _number, record, device, observations in said:
        one = standing[device.id]
        one.heard = max(one.heard, record.received)
        _drift(one, record.received, [seen.at for seen in observations if seen.at is not None])
        for seen in observations:
            _take(batch, record, one, seen, again, watch)
    partitions.ensure(datetime.fromtimestamp(day * 86400, UTC).date() for day in batch.days)
    _copy("reading", "device, quantity, at, value, seq, flags", batch.days, batch.readings)
    _copy("position", "device, at, lat, lon, speed, course, altitude, seq, flags", batch.days, batch.positions)
    hours.touched(batch.hours, time.time())
    _write(list(standing.values()))
    watch.end()
    for event in batch.signed:
        publish(event)
    _suspects(list(standing.values()))
    _refuse(batch.refused)
    if marks:
        with connection.cursor() as cursor:
            cursor.executemany(
                'INSERT INTO telemetry_spool_mark (file, "offset") VALUES (%s, %s) '
                'ON CONFLICT (file) DO UPDATE SET "offset" = excluded."offset"',
                list(marks),
            )
    rows = len(batch.readings) + len(batch.positions) - batch.entries + batch.together
    return Loaded(len(records), rows, sum(one.twice for one in standing.values()), len(batch.refused))


Said = tuple[int, Record, Known, Sequence[Observation]]  # number: the message's place in the batch


def _read(batch: Batch, believed: Sequence[tuple[int, Record, Known, bytes]]) -> list[Said]:
    said = []
    for number, record, device, body in believed:
        try:
            said.append((number, record, device, FORMS[record.form](body, device)))
        except Unreadable as error:
            batch.refused.append((record, device, Refused.Reason.UNREADABLE, str(error)))
    return said


def _plain(
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


def _take_all(batch: Batch, plain: columns.Plain, standing: Mapping[int, Standing], watch: watching.Watch) -> None:
    """What `_take` does, of what is plain: all of it is new and believed."""
    count = len(plain.at)
    said = plain.columns
    device = np.repeat([part.device for part in plain.parts], [part.last - part.first for part in plain.parts])
    moment = plain.micros - EPOCH * 1_000_000
    seq = -1 if plain.seq is None else plain.seq
    if plain.known:
        rows = _rows(_READING_FIELDS, (count, len(plain.known)))
        for number, name in enumerate(plain.known):
            rows["quantity"][:, number] = REGISTER.quantities[name][0]
            rows["value"][:, number] = said[name]
        for name, value in (("device", device), ("at", moment), ("seq", seq)):
            rows[name] = value if isinstance(value, int) else value[:, None]
        batch.readings.append(rows.tobytes())
    if plain.placed:
        reals = [(name, ">f4", 4) if name in said else ("", "", -1) for name in columns.REALS]
        rows = _rows([*_PLACE_FIELDS, *reals, *_LAST_FIELDS], (count,))
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
            _drift(one, received, [end])
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


# The same as _READING and so on: (name, type, bytes); without a type: nothing is said.
_READING_FIELDS = [
    ("device", ">i4", 4), ("quantity", ">i2", 2), ("at", ">i8", 8), ("value", ">f8", 8), ("seq", ">i8", 8), ("flags", ">i2", 2),
]  # fmt: skip
_PLACE_FIELDS = [("device", ">i4", 4), ("at", ">i8", 8), ("lat", ">f8", 8), ("lon", ">f8", 8)]
_LAST_FIELDS = [("seq", ">i8", 8), ("flags", ">i2", 2)]


def _rows(fields: Sequence[tuple[str, str, int]], shape: tuple[int, ...]) -> Any:
    """Rows as binary COPY wants them: how many fields, then each with its length before it. Zeros where nothing is written."""
    kinds: list[tuple[str, str]] = [("fields", ">i2")]
    for number, (name, kind, _size) in enumerate(fields):
        kinds += [(f"size{number}", ">i4"), *([(name, kind)] if kind else [])]
    rows = np.zeros(shape, dtype=kinds)
    rows["fields"] = len(fields)
    for number, (_name, _kind, size) in enumerate(fields):
        rows[f"size{number}"] = size
    return rows


def _believed(record: Record, device: Known | None) -> tuple[str, bytes]:
    """(why it is not believed, what it says without its signature)."""
    if device is None:
        return Refused.Reason.UNKNOWN, record.body
    if record.door != device.door:
        return Refused.Reason.DOOR, record.body
    kind, _colon, proof = record.proof.partition(":")
    if kind == "phone" and (not device.phone or proof != device.phone):
        return Refused.Reason.KEY, record.body
    if kind == "key" and not keys.fits(proof, device.code, device.key_number):
        return Refused.Reason.KEY, record.body
    if kind == "network" and not keys.fits(proof, keys.NETWORK, REGISTER.network):
        return Refused.Reason.KEY, record.body
    body, signature = keys.split(record.body)
    if kind == "sig":
        body, signature = record.body, proof
    if signature and not keys.signature_fits(body, signature, device.code, device.key_number):
        return Refused.Reason.SIGNATURE, record.body
    if not signature and (device.signed or kind not in ("key", "door", "phone", "network")):
        return (Refused.Reason.SIGNATURE if device.signed else Refused.Reason.KEY), record.body
    if device.state == Device.State.RETIRED:
        return Refused.Reason.RETIRED, record.body
    if device.state == Device.State.WAITING:
        return Refused.Reason.QUARANTINE, record.body
    return "", body


_STANDING = """
SELECT device_id, extract(epoch FROM at)::float8, extract(epoch FROM heard)::float8, seq, values, battery, drift, lat, lon,
    extract(epoch FROM position_at)::float8, speed, course, other_lat, other_lon, extract(epoch FROM other_at)::float8, jumps, swaps, resets
FROM telemetry_latest WHERE device_id = ANY(%s) ORDER BY device_id FOR UPDATE
"""


def _standing(devices: dict[int, Known]) -> dict[int, Standing]:
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


def _micros(at: float) -> int:
    return round(at * 1e6)


def _when(record: Record, seen: Observation) -> tuple[float, int]:
    """(its time, FLAG_CLOCK when that is ours: the device's own cannot be)."""
    at = seen.at
    if at is None:
        return record.received, 0
    if not record.received - BEHIND <= at <= record.received + AHEAD:
        return record.received, FLAG_CLOCK
    return at, 0


def _again(said: Sequence[Said], standing: dict[int, Standing]) -> set[tuple[int, int, int, int]]:
    """(device, quantity, microseconds, seq) of what is in the tables among those that are not newer than all that came before;
    quantity -1: a position."""
    old: dict[int, list[float]] = {}
    for _number, record, device, observations in said:
        last = standing[device.id].at
        for seen in observations:
            at, _flags = _when(record, seen)
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


def _drift(one: Standing, received: float, times: Sequence[float]) -> None:
    """By the newest that it says: those before it, and a day and more, are a buffer emptied, not a clock."""
    if times and (abs(behind := received - max(times)) < 86400 or behind < 0):
        one.drift = behind if one.drift is None else one.drift * 0.9 + behind * 0.1


def _take(
    batch: Batch, record: Record, one: Standing, seen: Observation, again: set[tuple[int, int, int, int]], watch: watching.Watch
) -> None:  # fmt: skip
    device, given = one.device, seen.at
    at, flags = _when(record, seen)
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
    quantities, pack, rows, last = REGISTER.quantities, _READING.pack, batch.readings, one.values
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


def _real(value: float | None) -> bytes:
    if value is None or not -3e38 < value < 3e38:
        return _NONE
    return _REAL.pack(4, value)


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
        _PLACE.pack(9, 4, one.device.id, 8, micros - EPOCH * 1_000_000, 8, lat, 8, lon)
        + _real(seen.speed) + _real(seen.course) + _real(seen.altitude) + _LAST.pack(8, seen.seq, 2, flags)
    )  # fmt: skip
    return jumped


def _copy(table: str, fields: str, days: Collection[int], rows: Sequence[bytes]) -> None:
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
        copy.write(_HEADER + b"".join(rows) + _END)


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


def _write(standing: Sequence[Standing]) -> None:
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


def _suspects(standing: Sequence[Standing]) -> None:
    for one in standing:
        if one.suspect:
            found = Device.objects.select_for_update().filter(pk=one.device.id, state=Device.State.ACTIVE).first()
            if found is not None:
                found.state, found.why = Device.State.WAITING, one.suspect
                found.save(update_fields=["state", "why", "changed"])
                publish(DeviceSuspected(found.pk, found.service, found.ref, one.suspect))


def _shown(body: bytes) -> str:
    try:
        text = body[:BODY].decode()
    except UnicodeDecodeError:
        return body[: BODY // 2].hex()
    return text if text.isprintable() else text.encode("unicode_escape").decode()[:BODY]


_REFUSE = """
INSERT INTO telemetry_refused (device_id, code, door, reason, digest, body, count, first, last)
VALUES (%s, %s, %s, %s, %s, %s, %s, to_timestamp(%s), to_timestamp(%s))
ON CONFLICT (code, door, reason, digest) DO UPDATE SET count = telemetry_refused.count + excluded.count,
    last = GREATEST(telemetry_refused.last, excluded.last), body = excluded.body
RETURNING id
"""


Together = dict[tuple[str, str, str, str], tuple[Record, Known | None, str, int]]


def _few(cursor: Any, together: Together) -> Together:
    """Whoever likes to can call itself anything: beyond STRANGERS names, those that are new are counted under one."""
    unknown = str(Refused.Reason.UNKNOWN)
    names = list({key[0] for key in together if key[2] == unknown})
    cursor.execute(
        "SELECT u.name, (SELECT count(*) FROM telemetry_refused WHERE reason = %s) FROM unnest(%s::text[]) AS u(name) "
        "LEFT JOIN telemetry_refused r ON r.code = u.name AND r.reason = %s WHERE r.id IS NULL",
        [unknown, names, unknown],
    )
    rows = cursor.fetchall()
    if not rows or rows[0][1] + len(rows) <= STRANGERS:
        return together
    new, made = {code for code, _count in rows}, Together()
    for (code, door, reason, digest), (record, device, why, count) in together.items():
        key = ("*" if reason == unknown and code in new else code, door, reason, digest)
        made[key] = (record, device, why, count + (made[key][3] if key in made else 0))
    return made


def _refuse(refused: Sequence[tuple[Record, Known | None, str, str]]) -> None:
    """Kept once for each device and reason with how often it came; of a signed device each is kept, and told."""
    together: Together = {}
    for record, device, reason, why in refused:
        digest = hashlib.sha256(record.body).hexdigest() if device is not None and device.signed else ""
        key = (record.code[:64], record.door, str(reason), digest)
        count = together[key][3] if key in together else 0
        together[key] = (record, device, why, count + 1)
    with connection.cursor() as cursor:
        if any(device is None for _record, device, _why, _count in together.values()):
            together = _few(cursor, together)
        for (code, door, reason, digest), (record, device, why, count) in sorted(together.items(), key=lambda x: x[0]):
            body = _shown(record.body)
            said = f"{why}: {body}" if why else body
            pk = device.id if device is not None else None
            cursor.execute(_REFUSE, [pk, code, door, reason, digest, said, count, record.received, record.received])
            row = cursor.fetchone()
            if device is not None and device.signed:
                publish(ReadingRefused(row[0], device.id, device.watched.service, device.watched.ref, reason))
