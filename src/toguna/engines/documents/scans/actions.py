"""What a clerk does with papers that were read: claims one, cuts, joins, turns, leaves out, and files it. Nothing is filed before."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.documents import search
from toguna.engines.documents.models.scans import ScanBatch, ScanPage, ScanPart
from toguna.engines.documents.models.store import File
from toguna.engines.documents.scans import reading
from toguna.engines.documents.store import actions as store
from toguna.engines.documents.store import subjects
from toguna.engines.documents.store.checks import Refused
from toguna.kernel import access, audit, tasks, town
from toguna.kernel.access import Actor
from toguna.kernel.tasks import Lane

CLAIM = timedelta(minutes=15)
_SPACE = uuid.UUID("0b9c60c7-5a8b-4d7a-9c77-5a1f6a0f6c5d")
State = ScanPart.State


class Claimed(Refused):
    """Another clerk checks it now."""

    def __init__(self) -> None:
        super().__init__(
            _("Another clerk checks this document now. Take the next one, or come back in a quarter of an hour.")
        )


def _locked(part: int, by: Actor) -> ScanPart:
    """A document to be checked, in this clerk's hands. Raises Claimed, Refused, Denied."""
    access.require(by, subjects.ADD)
    row = ScanPart.objects.select_for_update(of=("self",)).select_related("batch").get(pk=part)
    if row.state != State.CHECK:
        raise Refused(_("This document was filed or left out already."))
    if row.claimed_by not in (None, by.account) and row.claimed is not None and row.claimed > timezone.now() - CLAIM:
        raise Claimed
    ScanPart.objects.filter(pk=part).update(claimed_by=by.account, claimed=timezone.now())
    return row


@transaction.atomic
def claim(part: int, *, by: Actor) -> ScanPart:
    return _locked(part, by)


@transaction.atomic
def split(part: int, before: int, *, by: Actor) -> ScanPart:
    """Cuts a document before a page (its number in the batch): a new one begins there, and both are read anew."""
    row = _locked(part, by)
    sides = list(row.sides.all())
    if before not in {side.number for side in sides[1:]}:
        raise Refused(_("Choose a page after the first one."))
    made = ScanPart.objects.create(batch=row.batch, number=row.number, kind=row.kind)
    row.sides.filter(number__gte=before).update(part=made)
    _again(row, made)
    audit.record(by, "documents.scan_split", f"documents.scan_part:{part}", before=before)
    return made


@transaction.atomic
def join(part: int, *, by: Actor) -> ScanPart:
    """Adds the next document of the batch to this one."""
    row = _locked(part, by)
    first = row.sides.first()
    after = [one for one in row.batch.parts.filter(state=State.CHECK).exclude(pk=row.pk) if one.sides.exists()]
    following = sorted(
        (one for one in after if first and one.sides.all()[0].number > first.number),
        key=lambda one: one.sides.all()[0].number,
    )
    if not following:
        raise Refused(_("Nothing comes after it in this batch."))
    _locked(following[0].pk, by)
    following[0].sides.update(part=row)
    following[0].delete()
    _again(row)
    audit.record(by, "documents.scan_join", f"documents.scan_part:{part}")
    return row


@transaction.atomic
def turn(part: int, number: int, degrees: int, *, by: Actor) -> None:
    """Turns a page by 90, 180 or 270 degrees, and has it read anew."""
    row = _locked(part, by)
    side = row.sides.filter(number=number).first()
    if side is None or degrees not in (90, 180, 270):
        raise Refused(_("This page is not in the document."))
    ScanPage.objects.filter(pk=side.pk).update(turn=(side.turn + degrees) % 360)
    _again(row)


@transaction.atomic
def take_back(batch: int, number: int, *, by: Actor) -> None:
    """A side that was taken for blank is not: it joins the document before it."""
    access.require(by, subjects.ADD)
    side = ScanPage.objects.select_for_update(of=("self",)).get(batch_id=batch, number=number, blank=True, part=None)
    around = ScanPage.objects.filter(batch_id=batch, part__state=State.CHECK).select_related("part")
    near = around.filter(number__lt=number).order_by("-number").first() or around.order_by("number").first()
    if near is None or near.part is None:
        raise Refused(_("No document of this batch is left to put it in."))
    row = _locked(near.part.pk, by)
    ScanPage.objects.filter(pk=side.pk).update(blank=False, part=row)
    _again(row)


def _again(*rows: ScanPart) -> None:
    """What changed is read anew: the chunks of before are of other pages."""
    for row in rows:
        for path in reading.place(row.batch).glob(f"*-{row.pk}*"):
            path.unlink(missing_ok=True)
        row.sides.update(text=None)
        ScanPart.objects.filter(pk=row.pk).update(state=State.READING, guess={}, barcode="")
    batch = rows[0].batch
    left = ScanPage.objects.filter(batch=batch, part__state=State.READING).count()
    ScanBatch.objects.filter(pk=batch.pk).update(
        state=ScanBatch.State.RECEIVED, beat=None, done=max(0, batch.pages - left)
    )
    tasks.defer(reading.read_batch, Lane.TRANSACTIONAL, batch=batch.pk)


@transaction.atomic
def drop(part: int, *, by: Actor) -> None:
    """Leaves a document out: it is filed nowhere. Its pages stay with the batch until that is thrown away."""
    row = _locked(part, by)
    ScanPart.objects.filter(pk=row.pk).update(state=State.DROPPED)
    audit.record(by, "documents.scan_drop", f"documents.scan_part:{part}")
    _settle(row.batch_id)


@transaction.atomic
def file(
    part: int, *, title: str, kind: str = "", day: date | None = None, reference: str = "", parties: str = "",
    subject: tuple[str, int] = store.NOTHING, by: Actor,
) -> File:  # fmt: skip
    """Files a document as the clerk confirmed it: kept, in the plan, found by its words. The same again gives the same file.
    Raises Refused, Denied."""
    done = ScanPart.objects.select_related("file").filter(pk=part, state=State.FILED).first()
    if done is not None and done.file is not None:
        return done.file
    row = _locked(part, by)
    words = " ".join(title.split())
    if not words:
        raise Refused(_("Give the document a title."))
    text = "\n\n".join(side.text or "" for side in row.sides.all())
    language = town.current().languages[0]
    with reading.read_pdf(row).open("rb") as stream:
        kept = store.keep(
            stream, f"{words[:80]}.pdf", kind=kind, subject=subject, by=by, title=words, language=language, text_=text,
            client_id=uuid.uuid5(_SPACE, str(row.pk)),
        )  # fmt: skip
    facts = search.Facts(kind=kind, year=day.year if day else None, day=day, public=False)
    search.index_text(
        f"file:{kept.pk}",
        language if language in ("fr", "pt", "en") else "fr",
        " ".join([words, reference, parties]),
        text,
        facts,
    )
    confirmed: Mapping[str, str] = {
        "title": words,
        "kind": kind,
        "day": day.isoformat() if day else "",
        "reference": reference,
        "parties": parties,
    }
    ScanPart.objects.filter(pk=row.pk).update(state=State.FILED, file=kept, guess={**row.guess, "confirmed": confirmed})
    audit.record(by, "documents.scan_file", kept.subject_key, part=row.pk, kind=kind)
    _settle(row.batch_id)
    return kept


def _settle(batch: int) -> None:
    """A batch of which nothing is left to check is done."""
    open_ = ScanPart.objects.filter(batch=batch, state__in=(State.CHECK, State.READING))
    if not open_.exists():
        ScanBatch.objects.filter(pk=batch).update(state=ScanBatch.State.DONE)


def sweep() -> None:
    """Thirty days after a batch is done its pages go: what was filed is in the store."""
    old = ScanBatch.objects.filter(
        state__in=(ScanBatch.State.DONE, ScanBatch.State.REFUSED), at__lt=timezone.now() - timedelta(days=30)
    )
    for row in old[:100]:
        shutil.rmtree(reading.place(row), ignore_errors=True)
        ScanPage.objects.filter(batch=row).update(text=None)
