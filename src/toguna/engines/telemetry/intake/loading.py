"""From the spool into the tables: who it is, what it says, whether that can be; then COPY, the latest, the rules; one transaction."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection, transaction

from toguna.engines.telemetry.history import hours, partitions
from toguna.engines.telemetry.intake import columns, judging, refusals, writing
from toguna.engines.telemetry.intake.believing import FORMS, REGISTER, Known, believed
from toguna.engines.telemetry.intake.judging import Batch, Said
from toguna.engines.telemetry.intake.observation import Unreadable
from toguna.engines.telemetry.intake.spool import Record
from toguna.engines.telemetry.models import Refused
from toguna.engines.telemetry.rules import watching
from toguna.kernel.events import publish


def forget() -> None:
    """For tests: another database."""
    REGISTER.forget()
    partitions.forget()


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
        refusals.refuse([(record, REGISTER.devices.get(record.code), reason, why)])


def _load(records: Sequence[Record], marks: Sequence[tuple[str, int]]) -> Loaded:
    REGISTER.refresh()
    batch = Batch()
    ours: list[tuple[int, Record, Known, bytes]] = []
    for number, record in enumerate(records):
        device = REGISTER.devices.get(record.code)
        reason, body = believed(record, device)
        if reason or device is None:
            batch.refused.append((record, device, reason or Refused.Reason.UNKNOWN, ""))
            continue
        ours.append((number, record, device, body))
    alike = columns.same_names(
        [
            (number, device.id, record.received, body) for number, record, device, body in ours
            if record.form == "json" and device.fields is None and not device.signed and device.stays is None
        ]
    )  # fmt: skip
    in_columns = {message.number for messages in alike.values() for message in messages}
    said = _read(batch, [one for one in ours if one[0] not in in_columns])
    devices = {device.id: device for number, _record, device, _body in ours if number in in_columns}
    standing = writing.standing_of(devices | {device.id: device for _number, _record, device, _said in said})
    plain = judging.plain_of(alike, standing)
    done = {part.device for found in plain for part in found.parts}
    if len(done) < len(devices):
        said += _read(batch, [one for one in ours if one[0] in in_columns and one[2].id not in done])
        said.sort(key=lambda one: one[0])
    again = judging.again_of(said, standing)
    watch = watching.Watch(watching.live())
    watch.begin(one.device.watched for one in standing.values())
    for found in plain:
        judging.take_all(batch, found, standing, watch)
    for _number, record, device, observations in said:
        one = standing[device.id]
        one.heard = max(one.heard, record.received)
        judging.drift(one, record.received, [seen.at for seen in observations if seen.at is not None])
        for seen in observations:
            judging.take(batch, record, one, seen, again, watch)
    partitions.ensure(datetime.fromtimestamp(day * 86400, UTC).date() for day in batch.days)
    writing.copy_in("reading", "device, quantity, at, value, seq, flags", batch.days, batch.readings)
    writing.copy_in(
        "position", "device, at, lat, lon, speed, course, altitude, seq, flags", batch.days, batch.positions
    )
    hours.touched(batch.hours, time.time())
    writing.write_back(list(standing.values()))
    watch.end()
    for event in batch.signed:
        publish(event)
    writing.suspend(list(standing.values()))
    refusals.refuse(batch.refused)
    if marks:
        with connection.cursor() as cursor:
            cursor.executemany(
                'INSERT INTO telemetry_spool_mark (file, "offset") VALUES (%s, %s) '
                'ON CONFLICT (file) DO UPDATE SET "offset" = excluded."offset"',
                list(marks),
            )
    rows = len(batch.readings) + len(batch.positions) - batch.entries + batch.together
    return Loaded(len(records), rows, sum(one.twice for one in standing.values()), len(batch.refused))


def _read(batch: Batch, ours: Sequence[tuple[int, Record, Known, bytes]]) -> list[Said]:
    said = []
    for number, record, device, body in ours:
        try:
            said.append((number, record, device, FORMS[record.form](body, device)))
        except Unreadable as error:
            batch.refused.append((record, device, Refused.Reason.UNREADABLE, str(error)))
    return said
