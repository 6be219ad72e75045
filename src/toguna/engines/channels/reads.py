"""What `channels` knows of a person."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from toguna.engines.channels.models import Message
from toguna.engines.people import api as people


def of_person(person: int) -> Q:
    """Messages for them, and those to their phone or e-mail that name nobody else, while it was theirs."""
    found = Q(person=person)
    for contact in people.Contact.objects.filter(person=person):
        theirs = Q(person=None, address=contact.value)
        if (since := people.held_since(contact)) is not None:
            theirs &= Q(created__gt=since)
        if contact.lost is not None:
            theirs &= Q(created__lt=contact.lost)
        found |= theirs
    return found


def export(person: int) -> list[dict[str, Any]]:
    rows = (
        Message.objects.filter(of_person(person))
        .order_by("id")
        .values("medium", "address", "subject", "text", "created")
    )
    return [{**row, "created": row["created"].isoformat()} for row in rows]


def erase(person: int) -> None:
    Message.objects.filter(of_person(person)).delete()
