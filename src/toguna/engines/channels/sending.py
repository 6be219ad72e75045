"""Sending: the row first, in the caller's transaction; then the gateway, tried again until it takes it."""

from __future__ import annotations

import logging
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils import timezone

from toguna.engines.channels.models import Message
from toguna.engines.channels.settings import mail
from toguna.kernel import tasks, town
from toguna.kernel.tasks import Lane

log = logging.getLogger("toguna.channels")


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
    """Asks for one message. medium: "email" or "sms". `key` says what it is: asked for twice, it is sent once."""
    row = Message(
        key=key,
        medium=medium,
        address=address,
        text=text,
        subject=subject,
        language=language,
        lane=int(lane),
        person_id=person,
    )
    made = Message.objects.bulk_create([row], ignore_conflicts=True)
    if made and (found := Message.objects.filter(key=key, state=Message.State.QUEUED).first()) is not None:
        tasks.defer(deliver, lane, message=found.pk)


@tasks.task
def deliver(message: int) -> None:
    """Hands one message to its gateway. Raises when the gateway does not answer: the queue tries again, later and later."""
    with transaction.atomic():
        row = Message.objects.select_for_update().filter(pk=message, state=Message.State.QUEUED).first()
        if row is None:  # sent already: the job was repeated
            return
        row.tries += 1
        if row.medium == "email" and (server := mail()) is not None:
            _email(row, server)
            row.state = Message.State.SENT
        else:
            # No gateway for this medium yet: the log is the console on which the IT person sees it.
            log.info("%s to %s: %s %s", row.medium, row.address, row.subject, row.text)
            row.state = Message.State.SHOWN
        row.sent = timezone.now()
        row.save(update_fields=["state", "tries", "sent"])


def _email(row: Message, server: dict[str, Any]) -> None:
    sender = server.pop("from", "") or f"noreply@{server['host']}"
    with get_connection("django.core.mail.backends.smtp.EmailBackend", timeout=20, **server) as connection:
        # The key as Message-ID: a mail server that receives it twice can see that it is one.
        headers = {"Message-ID": f"<{row.key}@{sender.rpartition('@')[2]}>", "Auto-Submitted": "auto-generated"}
        EmailMessage(
            row.subject,
            row.text,
            f"{town.current().name} <{sender}>",
            [row.address],
            headers=headers,
            connection=connection,
        ).send()
