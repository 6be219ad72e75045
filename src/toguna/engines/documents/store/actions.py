"""Keeping a file, another version of it, reading it, what it belongs to, and the hold that saves it from every disposal."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.documents.models.store import File, FileKind, FileState, FileVersion
from toguna.engines.documents.store import blobs, checks, subjects, virus
from toguna.engines.documents.store.checks import Refused
from toguna.engines.documents.store.events import FileChecked, FileKept
from toguna.engines.documents.store.subjects import ADD, KEEP, READ
from toguna.kernel import access, audit, events, tasks, text, turns
from toguna.kernel.access import SYSTEM, Actor, Denied

LARGEST, LARGEST_DESK = 10 << 20, 50 << 20  # bytes: of a resident's file, of one that the desk brings
MOST = 5  # files of one resident for one subject
NOTHING = ("", 0)


def keep(
    stream: IO[bytes],
    name: str,
    *,
    kind: str = "",
    subject: tuple[str, int] = NOTHING,
    by: Actor,
    title: str = "",
    language: str = "",
    text_: str = "",
    client_id: uuid.UUID | None = None,
) -> File:
    """Checks and keeps one file. kind: of the classification plan; subject: ("cases.case", 12); text_: its words, when they
    are known; client_id: the same one again gives the same file. Raises Refused, Denied."""
    _require(subjects.may_add(by, subject), by, ADD)
    if client_id and (before := File.objects.filter(client_id=client_id).first()):
        return _own(before, by)
    row = FileKind.objects.filter(name=kind).first() if kind else None
    if kind and row is None:
        raise Refused(_("The classification plan has no such kind."))
    name = _named(name)
    with _checked(stream, by) as (temporary, sha256, size, found), transaction.atomic():
        if client_id:  # the same file twice in one second: the second waits here, and finds the first
            turns.one_at_a_time(f"documents.store {client_id}")
            if before := File.objects.filter(client_id=client_id).first():
                return _own(before, by)
        if not (by.staff or by.system):
            who = Q(account=by.account) if by.account is not None else Q(person=by.person)
            turns.one_at_a_time(f"documents.store {subject}{who}")
            if files_of(subject).filter(who).count() >= MOST:
                raise Refused(_("You have already sent five files for this. Bring the others to the town hall."))
        file = File.objects.create(
            kind=row,
            title=" ".join(text.clean(title or name).split())[:200],
            state=found.state,
            subject_name=subject[0],
            subject_id=subject[1],
            language=language,
            text=text_,
            person_id=None if by.staff else by.person,
            account=by.account,
            since=timezone.localdate(),
            client_id=client_id,
        )
        _version(file, temporary, sha256, size, found, name, by)
    return file


def add_version(file: File, stream: IO[bytes], name: str, *, by: Actor) -> FileVersion:
    """Another version; those before stay. The same content as the last one adds nothing. Raises Refused, Denied."""
    _require(subjects.may_add(by, file.subject) and subjects.may_read(by, file), by, ADD)
    with _checked(stream, by) as (temporary, sha256, size, found), transaction.atomic():
        locked = File.objects.select_for_update(of=("self",)).get(pk=file.pk)
        if locked.latest.sha256 == sha256:
            return locked.latest
        File.objects.filter(pk=file.pk).update(state=found.state, text="")
        return _version(locked, temporary, sha256, size, found, _named(name), by)


def files_of(subject: tuple[str, int]) -> QuerySet[File]:
    """The files of a subject, the oldest first. Whoever shows them has checked who asks."""
    return File.objects.filter(subject_name=subject[0], subject_id=subject[1]).order_by("at", "pk")


@transaction.atomic
def open_file(file: File, actor: Actor, number: int = 0) -> tuple[FileVersion, Path]:
    """A version (0: the last) and where its content is; the reading is written down. Raises Refused, Denied."""
    _require(subjects.may_read(actor, file), actor, READ)
    if file.state == FileState.WAITING:
        raise Refused(_("This file still waits for the virus check. Try again in a few minutes."))
    if file.state == FileState.REFUSED:
        raise Refused(_("The virus check refused this file: nobody may open it."))
    version = file.versions.filter(number=number).first() if number else file.latest
    if version is None or not blobs.path(version.sha256).exists():
        raise Refused(_("The content of this file is missing. Restore it from a backup."))
    audit.record(actor, READ, file.subject_key, version=version.number)
    return version, blobs.path(version.sha256)


@transaction.atomic
def attach(file: File, subject: tuple[str, int], *, by: Actor) -> None:
    """Gives a file of nothing yet its subject. Doing it again changes nothing. Raises Refused, Denied."""
    locked = File.objects.select_for_update(of=("self",)).get(pk=file.pk)
    _require(subjects.may_read(by, locked) and subjects.may_add(by, subject), by, ADD)
    if locked.subject != subject:
        if locked.subject != NOTHING:
            raise Refused(_("This file already belongs to something else."))
        File.objects.filter(pk=file.pk).update(subject_name=subject[0], subject_id=subject[1])
        audit.record(by, "documents.attach", file.subject_key, to=f"{subject[0]}:{subject[1]}")
    file.subject_name, file.subject_id = subject


@transaction.atomic
def hold(file: File, reason: str, *, by: Actor) -> None:
    """A legal hold: nothing destroys the file until it is released. Raises Refused, Denied."""
    access.require(by, KEEP)
    reason = " ".join(text.clean(reason).split())[:300]
    if not reason:
        raise Refused(_("Say why this file must be held."))
    if File.objects.filter(pk=file.pk, held=None).update(held=timezone.now(), hold_reason=reason):
        audit.record(by, "documents.hold", file.subject_key)


@transaction.atomic
def release(file: File, *, by: Actor) -> None:
    access.require(by, KEEP)
    if File.objects.filter(pk=file.pk, held__isnull=False).update(held=None, hold_reason=""):
        audit.record(by, "documents.release", file.subject_key)


@tasks.task
def check_again(file: int) -> None:
    """What waits for the virus check: its answer, or one more wait (the task comes back, then `check_waiting`)."""
    waiting = File.objects.filter(pk=file, state=FileState.WAITING).first()
    if waiting is None:
        return
    last = waiting.latest
    found = virus.infected(blobs.path(last.sha256))
    with transaction.atomic():
        locked = File.objects.select_for_update(of=("self",)).get(pk=file)
        if locked.state != FileState.WAITING or locked.latest.pk != last.pk:
            return
        locked.state = FileState.REFUSED if found else FileState.CLEAN
        locked.save(update_fields=["state"])
        audit.record(SYSTEM, "documents.check", locked.subject_key, state=locked.state, found=found)
        events.publish(FileChecked(file, locked.state))


def check_waiting() -> None:
    for pk in File.objects.filter(state=FileState.WAITING).values_list("pk", flat=True)[:200]:
        tasks.defer(check_again, file=pk)


class _Found:
    """What the checks say of a content."""

    def __init__(self, path: Path) -> None:
        self.type, self.pages = checks.checked(path)
        try:
            virus_name = virus.infected(path)
            self.state = FileState.CLEAN
        except virus.Unanswered:
            virus_name, self.state = "", FileState.WAITING
        if virus_name:
            raise Refused(_("The virus check refused this file. Clean the phone or computer that it comes from."))


@contextmanager
def _checked(stream: IO[bytes], by: Actor) -> Iterator[tuple[Path, str, int, _Found]]:
    """(temporary file, SHA-256, size, what the checks say) of what is received. Raises Refused."""
    most = LARGEST_DESK if by.staff or by.system else LARGEST
    try:
        with blobs.received(stream, most) as (path, sha256, size):
            yield path, sha256, size, _Found(path)
    except blobs.TooLarge:
        said = _("This file is larger than %(megabytes)d MB. Send a smaller one, or several parts.")
        raise Refused(said % {"megabytes": most >> 20}) from None


def _version(file: File, temporary: Path, sha256: str, size: int, found: _Found, name: str, by: Actor) -> FileVersion:
    blobs.place(temporary, sha256)
    last = file.versions.aggregate(last=Max("number"))["last"] or 0
    made = FileVersion.objects.create(
        file=file,
        number=last + 1,
        sha256=sha256,
        size=size,
        type=found.type,
        pages=found.pages,
        name=name,
        account=by.account,
    )
    audit.record(by, ADD, file.subject_key, version=made.number, sha256=sha256)
    events.publish(FileKept(file.pk, made.number, file.subject_name, file.subject_id))
    if found.state == FileState.WAITING:
        tasks.defer(check_again, file=file.pk)
    return made


def _own(file: File, by: Actor) -> File:
    """A client_id is guessed by nobody, and still gives nobody the file of somebody else."""
    _require(subjects.may_read(by, file) or (file.account is not None and file.account == by.account), by, READ)
    return file


def _require(may: bool, actor: Actor, permission: str) -> None:
    if not may:
        raise Denied(actor, permission)


def _named(name: str) -> str:
    """The last part of a name, without what would break a header or a line."""
    return " ".join(text.clean(name.replace("\\", "/").rpartition("/")[2]).split())[-200:] or "file"
