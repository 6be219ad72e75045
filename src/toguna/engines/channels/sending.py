"""Sending: the row first, in the caller's transaction; `gateway.pump` takes it from there, until a gateway has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from toguna.engines.channels import sms
from toguna.kernel.tasks import Lane


def send(
    medium: str,
    address: str,
    *,
    key: str,
    text: str,
    subject: str = "",
    language: str = "",
    lane: Lane = Lane.TRANSACTIONAL,
    person: int | None = None,
    private: str = "",
) -> None:
    """Asks for one message. medium: "email" or "sms". `key` (120 characters at most) says what it is: asked for twice, it
    is sent once. private: a code in it that nobody of the town reads (`Message.shown`). The text of an SMS is brought into the GSM alphabet."""
    if medium == "sms":
        text = sms.normalise(text)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO channels_message (key, medium, address, person_id, language, subject, text, private, lane, state, tries, error)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'queued', 0, '') ON CONFLICT (key) DO NOTHING
            """,
            [key, medium, address, person, language, " ".join(subject.split())[:200], text, private, int(lane)],
        )
        if cursor.rowcount:
            cursor.execute("NOTIFY toguna_messages")  # heard when the transaction commits


@dataclass(frozen=True)
class Outgoing:
    """One of many messages: as the arguments of `send`."""

    medium: str
    address: str
    key: str
    text: str
    subject: str = ""
    language: str = ""
    person: int | None = None


_MANY = """
INSERT INTO channels_message (key, medium, address, person_id, language, subject, text, lane, state, tries, error)
SELECT key, medium, address, person, language, subject, text, %s, 'queued', 0, ''
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[])
    AS m(key, medium, address, person, language, subject, text) ON CONFLICT (key) DO NOTHING
"""


def send_many(messages: Sequence[Outgoing], *, lane: Lane = Lane.CAMPAIGN) -> int:
    """Asks for many messages by one statement; those whose key was asked for before are left as they are. How many are new."""
    if not messages:
        return 0
    columns: list[list[Any]] = [
        [one.key for one in messages], [one.medium for one in messages], [one.address for one in messages], [one.person for one in messages],
        [one.language for one in messages], [" ".join(one.subject.split())[:200] for one in messages],
        [sms.normalise(one.text) if one.medium == "sms" else one.text for one in messages],
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MANY, [int(lane), *columns])
        asked: int = cursor.rowcount
        if asked:
            cursor.execute("NOTIFY toguna_messages")
    return asked
