"""Sending: the row first, in the caller's transaction; then the gateway, tried again until it takes it."""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta
from email.utils import formataddr
from typing import Any

from django.core.mail import EmailMessage, get_connection
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from toguna.engines.channels import sms
from toguna.engines.channels.models import Message
from toguna.engines.channels.settings import mail
from toguna.kernel import tasks, town
from toguna.kernel.tasks import Lane

log = logging.getLogger("toguna.channels")

GIVE_UP = timedelta(days=3)  # as mail servers do among themselves
CODE_GOOD_FOR = timedelta(minutes=10)  # a one-time code that comes later only confuses


class Unsendable(Exception):
    """The other side has refused for good; str() says why. Trying again would change nothing."""


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
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'queued', 0, '') ON CONFLICT (key) DO NOTHING RETURNING id
            """,
            [key, medium, address, person, language, " ".join(subject.split())[:200], text, int(lane)],
        )
        made = cursor.fetchone()
    if made:
        tasks.defer(deliver, lane, message=made[0])


@tasks.task
def deliver(message: int) -> None:
    """Hands one message to its gateway. Raises when the gateway does not answer: the queue tries again, later and later."""
    try:
        with transaction.atomic():
            _deliver(message)
    except (
        Exception
    ) as error:  # the row was rolled back with the rest: say on it what went wrong, then let the queue know
        Message.objects.filter(pk=message).update(tries=F("tries") + 1, error=_words(error))
        raise


def _deliver(message: int) -> None:
    row = Message.objects.select_for_update().filter(pk=message, state=Message.State.QUEUED).first()
    if row is None:  # sent already: the job was repeated
        return
    good_for = CODE_GOOD_FOR if row.lane == Lane.ONE_TIME_CODE else GIVE_UP
    try:
        if timezone.now() - row.created > good_for:
            raise Unsendable(row.error or "too late")
        if row.medium == "email" and (server := mail()) is not None:
            _email(row, server)
            row.state = Message.State.SENT
        else:
            # No gateway for this medium yet: the log is the console on which the IT person sees it.
            subject = f"{row.subject}: " if row.medium == "email" else ""
            log.info("%s to %s: %s%s", row.medium, row.address, subject, " ".join(row.text.split()))
            row.state = Message.State.SHOWN
        row.tries, row.sent, row.error = row.tries + 1, timezone.now(), ""
    except Unsendable as refusal:
        row.state, row.error = Message.State.FAILED, _words(refusal)
        log.warning("message %s is given up: %s", row.key, row.error)
    if row.lane == Lane.ONE_TIME_CODE:
        row.text = ""  # the code is kept nowhere
    row.save(update_fields=["state", "tries", "sent", "error", "text"])


def requeue() -> None:
    """Messages whose job has given up (the mail server was away for long) are queued again, until they are too old."""
    since = timezone.now() - timedelta(minutes=30)
    waiting = (
        Message.objects.filter(state=Message.State.QUEUED, created__lt=since)
        .extra(
            where=[
                "NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.task_name = %s AND j.status IN ('todo', 'doing') "
                "AND (j.args->>'message')::bigint = channels_message.id)"
            ],
            params=[deliver.name],
        )
        .values_list("pk", "lane")
    )
    for lane in Lane:
        tasks.defer_many(deliver, lane, [{"message": pk} for pk, on in waiting if on == lane])


def _email(row: Message, server: dict[str, Any]) -> None:
    """One e-mail to the town's server. Raises Unsendable when it is refused for good (5xx), else what went wrong."""
    sender = server.pop("from", "") or f"noreply@{server['host']}"
    # The key as Message-ID: a mail server that receives it twice can see that it is one.
    headers = {"Message-ID": f"<{row.key}@{sender.rpartition('@')[2]}>", "Auto-Submitted": "auto-generated"}
    try:
        with get_connection("django.core.mail.backends.smtp.EmailBackend", timeout=20, **server) as gateway:
            message = EmailMessage(
                row.subject,
                row.text,
                formataddr((town.current().name, sender)),
                [row.address],
                headers=headers,
                connection=gateway,
            )
            message.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        if code >= 500:
            raise Unsendable(f"{code} {words.decode(errors='replace')}") from error
        raise
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        if error.smtp_code >= 500:
            raise Unsendable(_words(error)) from error
        raise


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300] if not isinstance(error, Unsendable) else str(error)[:300]
