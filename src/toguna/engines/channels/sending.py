"""Sending: the row first, in the caller's transaction; `gateway.pump` takes it from there, until a gateway has it."""

from __future__ import annotations

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
) -> None:
    """Asks for one message. medium: "email" or "sms". `key` (120 characters at most) says what it is: asked for twice, it
    is sent once. The text of an SMS is brought into the GSM alphabet."""
    if medium == "sms":
        text = sms.normalise(text)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO channels_message (key, medium, address, person_id, language, subject, text, lane, state, tries, error)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'queued', 0, '') ON CONFLICT (key) DO NOTHING
            """,
            [key, medium, address, person, language, " ".join(subject.split())[:200], text, int(lane)],
        )
        if cursor.rowcount:
            cursor.execute("NOTIFY toguna_messages")  # heard when the transaction commits
