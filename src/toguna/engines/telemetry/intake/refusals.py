"""What a message claimed that was not believed: kept to be looked at, never to be counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.db import connection

from toguna.engines.telemetry.events import ReadingRefused
from toguna.engines.telemetry.intake import observation
from toguna.engines.telemetry.intake.believing import Known
from toguna.engines.telemetry.intake.spool import Record
from toguna.engines.telemetry.models import Refused
from toguna.kernel.events import publish

STRANGERS = 5000  # names that are kept of those who are not in the register
BODY = 2000  # characters kept of what was refused


def refused_said(refused: int) -> list[observation.Observation]:
    """What a message that was not believed says, as far as it can be read: to be shown beside why, never to be counted."""
    body = Refused.objects.filter(pk=refused).values_list("body", flat=True).first() or ""
    starts = [at for at in (body.find("{"), body.find("[")) if at >= 0]
    try:
        said, _end = json.JSONDecoder().raw_decode(body, min(starts, default=len(body)))
        return observation.listed(said)
    except (ValueError, RecursionError, observation.Unreadable):
        return []


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


def refuse(refused: Sequence[tuple[Record, Known | None, str, str]]) -> None:
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
