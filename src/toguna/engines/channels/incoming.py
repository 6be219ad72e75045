"""The one way in for what people write to the town, whatever it came by: kept first, then answered, in one transaction."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from toguna.engines.channels.models import Incoming
from toguna.engines.channels.talk import answering
from toguna.kernel import text as words

log = logging.getLogger("toguna.channels")

LONGEST = 10_000  # characters; an SMS of 255 parts has fewer
SAME_WITHIN = timedelta(seconds=60)
# "1" answers many questions: somebody who reads the next one needs longer than a gateway that sends twice.
SHORT, SHORT_WITHIN = 3, timedelta(seconds=5)


def receive(
    medium: str,
    address: str,
    text: str,
    *,
    to: str = "",
    reference: str = "",
    route: int | None = None,
    subject: str = "",
    raw: dict[str, Any] | None = None,
) -> Incoming:
    """Keeps what came, once, and answers it. `address`: who (a phone as E.164 where it is one); `reference`: the other
    side's id; without one, the same words twice in a row from the same address within a minute are the same message.

    Nothing that is sent here is lost: what cannot be answered waits for a person.
    """
    text = words.clean(text.replace("\x00", ""))[:LONGEST]
    address = words.clean(address)[:254]
    if not reference:
        reference = _reference(medium, address, to, text)
    with transaction.atomic():
        row = keep(medium, address, text, to=to, reference=reference[:160], route=route, subject=subject, raw=raw or {})
        if row is None:
            return Incoming.objects.get(medium=medium, reference=reference[:160])
        try:
            with transaction.atomic():
                answering.answer(row)
        except Exception:
            # Whatever a command does wrong, what the person said is kept, and somebody looks at it.
            log.exception("message %s could not be answered", row.pk)
            answering.hand_over(row, broken=True)
    return row


def _reference(medium: str, address: str, to: str, text: str) -> str:
    """An id for what came without one: that of the message before when it is the same again; two that arrive at once see
    the same message before them, and make the same id."""
    last = Incoming.objects.filter(address=address, medium=medium).order_by("-id").first()
    within = SHORT_WITHIN if len(text) <= SHORT else SAME_WITHIN
    if last is not None and last.text == text and last.reference and timezone.now() - last.at < within:
        return last.reference
    before = last.pk if last is not None else 0
    return "same:" + hashlib.sha256(f"{address}\0{to}\0{text}\0{before}".encode()).hexdigest()[:40]


def keep(medium: str, address: str, text: str, **more: Any) -> Incoming | None:
    """The new row; None when it was received before."""
    made = Incoming.objects.raw(
        """
        INSERT INTO channels_incoming (medium, address, text, "to", reference, route_id, subject, raw, state)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'new')
        ON CONFLICT (medium, reference) WHERE reference <> '' DO NOTHING RETURNING *
        """,
        [
            medium, address, text, more["to"][:254], more["reference"], more["route"], more["subject"][:300],
            json.dumps(more["raw"]).replace("\\u0000", ""),
        ],
    )  # fmt: skip
    return next(iter(made), None)
