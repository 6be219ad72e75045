"""What came with letters and chats, for those who read them and for those who ask what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from toguna.engines.channels.models import Incoming, PushEndpoint
from toguna.engines.channels.post import files, letters, push
from toguna.engines.people import api as people


def attachments(incoming: Incoming) -> Sequence[letters.Attachment]:
    """The files of a letter, in order; none when it is kept no longer, or is no letter."""
    name = incoming.raw.get("file", "")
    try:
        raw = files.path(name).read_bytes()
    except (ValueError, FileNotFoundError):
        return ()
    return letters.read(raw).attachments


def _of(person: int) -> QuerySet[Incoming]:
    """What came from the addresses that are this person's alone: a phone that several share says nothing of one."""
    addresses = people.Contact.objects.filter(person=person).values_list("value", flat=True)
    alone = [a for a in addresses if people.persons_at(a) in ([person], [])]
    return Incoming.objects.filter(address__in=alone)


def export(person: int) -> list[dict[str, Any]]:
    rows = _of(person).order_by("id").values("medium", "address", "subject", "text", "at")
    said = [{**row, "at": row["at"].isoformat()} for row in rows]
    return [*said, *push.export(person)]


def erase(person: int) -> None:
    """What they wrote, the letters and photos that it came with, and their browsers."""
    rows = _of(person)
    names = _names(rows)
    rows.delete()
    PushEndpoint.objects.filter(person=person).delete()
    transaction.on_commit(lambda: files.drop(names))


def forget_old() -> None:
    """What came more than 180 days ago, unless somebody still has to answer it."""
    before = timezone.now() - timedelta(seconds=files.KEEP)
    Incoming.objects.filter(at__lt=before).exclude(state__in=[Incoming.State.NEW, Incoming.State.PERSON]).delete()
    files.forget_old(kept=_names(Incoming.objects.filter(at__lt=before)))


def _names(rows: QuerySet[Incoming]) -> set[str]:
    """The files that these came with."""
    raws = rows.values_list("raw", flat=True)
    return {name for raw in raws for name in (raw.get("file"), *raw.get("pictures", [])) if name}
