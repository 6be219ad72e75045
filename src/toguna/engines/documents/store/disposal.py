"""The end of a file: its years are over, or the person who brought it is erased. A hold stops both."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import DateField, F, Func, QuerySet
from django.utils import timezone

from toguna.engines.documents.models.store import Disposal, File, Then
from toguna.engines.documents.store import blobs
from toguna.engines.documents.store.events import FileDestroyed
from toguna.kernel import audit, events
from toguna.kernel.access import SYSTEM, Actor

_AT_ONCE = 500


class _Until(Func):
    template = "(%(expressions)s)::date"
    arg_joiner = " + interval '1 year' * "
    output_field = DateField()


def due(on: date) -> QuerySet[File]:
    """Files whose years are over that day, whatever holds them."""
    kept = File.objects.select_related("kind").filter(kind__keep_years__isnull=False, archived=None)
    return kept.annotate(until=_Until(F("since"), F("kind__keep_years"))).filter(until__lte=on).order_by("until", "pk")


def dispose() -> None:
    """Does what the plan says of files whose years are over. Each in its own transaction: a failure loses one."""
    for file in due(timezone.localdate()).filter(held=None)[:_AT_ONCE]:
        _end(file.pk, SYSTEM)


@transaction.atomic
def _end(pk: int, by: Actor) -> None:
    # Looked at again under the lock: a hold or a longer time may have come since.
    locked = File.objects.select_for_update(of=("self",)).filter(pk=pk, held=None).first()
    if locked is None or not due(timezone.localdate()).filter(pk=pk).exists():
        return
    if locked.kind is not None and locked.kind.then == Then.ARCHIVE:
        File.objects.filter(pk=pk).update(archived=timezone.now())
        audit.record(by, "documents.archive", locked.subject_key)
        return
    destroy(locked, "retention", by)


@transaction.atomic
def destroy(file: File, reason: str, by: Actor) -> None:
    """Removes the file and its content; its certificate and the audit stay. The caller has asked whether it may.
    Raises ValueError for a file on hold."""
    if file.held is not None:
        raise ValueError(f"file {file.pk} is held")
    contents = list(file.versions.values_list("sha256", flat=True))
    kind = file.kind.name if file.kind else ""
    Disposal.objects.create(public_id=file.public_id, sha256s=contents, kind=kind, reason=reason, account=by.account)
    audit.record(by, "documents.destroy", file.subject_key, reason=reason, kind=kind)
    events.publish(FileDestroyed(file.pk, *file.subject))
    file.delete()
    # After the commit: without it the row would be there and its content gone. A failure between leaves it to the sweep.
    for sha256 in contents:
        transaction.on_commit(partial(blobs.drop, sha256))


def forget(person: int) -> None:
    """A person is erased: what they brought goes, but for what a hold or the years of its kind keep; that loses its link."""
    today = timezone.localdate()
    for file in File.objects.select_for_update(of=("self",)).filter(person_id=person):
        over = file.kind is None or due(today).filter(pk=file.pk).exists()
        if file.held is None and over:
            destroy(file, "erasure", SYSTEM)
    File.objects.filter(person_id=person).update(person=None)


def known_of(person: int) -> list[dict[str, Any]]:
    mine = File.objects.filter(person_id=person)
    return [
        {"id": str(f.public_id), "title": f.title, "at": f.at.isoformat(), "size": f.latest.size, "text": f.text}
        for f in mine
    ]
