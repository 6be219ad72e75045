"""What should not be seen: hidden from the public, or gone for good. Every verb leaves its step and its audit row.

Hiding keeps what was there for those who work on the case. With `forget=True`, and whenever a photo is covered or removed,
it is gone: from the row, from the history, from the messages that said it. (Backups made before still hold it until they
are replaced: `docs/cases.md`.)
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import actions, photos, retention
from toguna.engines.cases.actions import Refused
from toguna.engines.cases.models import Case, Photo, Step
from toguna.engines.cases.photos import Box
from toguna.engines.cases.workflow import CaseType, case_type
from toguna.engines.channels import api as channels
from toguna.kernel import access, text
from toguna.kernel.access import Actor

REASONS = ("person", "insult", "private", "false", "other")
MOST_FLAG_WORDS = 500
MOST_BOXES = 144
TEXT, PLACE = "text", "place"  # the words of the case itself; those of a step are named by its id


def _locked(case: int, *, by: Actor) -> tuple[Case, CaseType]:
    kind = case_type(Case.objects.values_list("type", flat=True).get(pk=case))
    return actions.lock(case, kind.moderate, by=by), kind


def _touch(row: Case, *fields: str) -> None:
    row.updated = timezone.now()
    row.save(update_fields=["updated", *fields])


@transaction.atomic
def hide(case: int, reason: str, *, by: Actor) -> None:
    """Takes the case off the public pages, whole. reason: words for the team. Hiding what is hidden changes nothing."""
    row, _kind = _locked(case, by=by)
    reason = text.clean(reason)
    if not reason:
        raise Refused(_("Say in a few words why: the team will read it."))
    if row.public:
        row.public = False
        _touch(row, "public")
        actions.add_step(row, "hidden", by=by, words=reason)


@transaction.atomic
def show(case: int, *, by: Actor) -> None:
    """Puts it back. Raises Refused when its category is a private one: nobody made it public."""
    row, _kind = _locked(case, by=by)
    if not row.topic.public:
        raise Refused(_("This category is private: its reports are never shown to the public."))
    if not row.public:
        row.public = True
        _touch(row, "public")
        actions.add_step(row, "shown", by=by)


@transaction.atomic
def reword(case: int, what: str, words: str, *, by: Actor, forget: bool = False) -> None:
    """Puts other words (or none) in the place of those that the public reads. what: TEXT, PLACE, or the id of a step.
    The former words stay in the history, for the town hall; with `forget` nothing of them is left."""
    row, _kind = _locked(case, by=by)
    words = text.clean(words)
    step = None
    if what in (TEXT, PLACE):
        former, words = getattr(row, what), words[: 300 if what == PLACE else 4000]
        setattr(row, what, words)
        _touch(row, what)
        said = [f"case.opened:{row.pk}"]
    else:
        step = Step.objects.filter(case=row, pk=int(what) if what.isdigit() else 0).first()
        if step is None:
            raise Refused(_("Choose the words to change."))
        former = step.text
        said = [f"case.{verb}:{step.pk}" for verb in ("moved", "replied", "answered")]
    if former == words and not forget:
        return
    with retention.history_open():
        if step is not None:
            Step.objects.filter(pk=step.pk).update(text=words)
        if forget:
            Step.objects.filter(case=row, action="reworded", data__what=what).update(text="")
        if forget and what == PLACE:  # a correction says what the place was before it
            for line in Step.objects.filter(case=row, data__has_key=PLACE):
                kept = {key: value for key, value in line.data.items() if key != PLACE}
                Step.objects.filter(pk=line.pk).update(data=kept)
    if step is not None:
        _touch(row)
    if forget:
        channels.forget(said, mentioning=())
    actions.add_step(row, "reworded", by=by, words="" if forget else former, what=what, forgotten=forget)


def _photo(photo: int, *, by: Actor) -> tuple[Case, Photo]:
    """The case is locked before its photo, as everywhere."""
    row, _kind = _locked(Photo.objects.values_list("case", flat=True).get(pk=photo), by=by)
    found = Photo.objects.select_for_update().get(pk=photo)
    if found.state != Photo.State.READY:
        raise Refused(_("This photo is still being prepared, or was removed. Look again in a minute."))
    return row, found


@transaction.atomic
def hide_photo(photo: int, *, by: Actor, hidden: bool = True) -> None:
    """One photo is not shown to the public any more, or is again."""
    row, found = _photo(photo, by=by)
    if found.public is hidden:
        found.public = not hidden
        found.save(update_fields=["public"])
        _touch(row)
        actions.add_step(row, "photo_hidden" if hidden else "photo_shown", by=by, photo=found.pk)


@transaction.atomic
def cover_photo(photo: int, boxes: Sequence[Box], *, by: Actor) -> Photo:
    """Covers parts of a photo for good, for the town hall too. boxes: shares (0 to 1) of its width and height."""
    if not boxes or len(boxes) > MOST_BOXES:
        raise Refused(_("Mark what should be covered."))
    if not all(0 <= left < right <= 1 and 0 <= top < bottom <= 1 for left, top, right, bottom in boxes):
        raise Refused(_("A box is left, top, right, bottom, each from 0 to 100: “10 20 30 40”."))
    row, found = _photo(photo, by=by)
    try:
        photos.cover(found, boxes)
    except OSError as error:  # its file is not there (a backup put back without its photos), or the disk is full
        raise Refused(
            _("The photo cannot be changed: %(why)s. Tell whoever looks after the server.")
            % {"why": error.strerror or error}
        ) from error
    _touch(row)
    actions.add_step(row, "photo_covered", by=by, photo=found.pk)
    return found


@transaction.atomic
def remove_photo(photo: int, *, by: Actor) -> None:
    """The picture goes; its row stays, so that a device that sends it again does not bring it back."""
    row, found = _photo(photo, by=by)
    found.state = Photo.State.REFUSED
    found.save(update_fields=["state"])
    photos.discard_files([found.public_id])
    _touch(row)
    actions.add_step(row, "photo_removed", by=by, photo=found.pk)


@transaction.atomic
def flag(case: int, reason: str, words: str, *, by: Actor, device: str) -> None:
    """Somebody says that a public case shows what it should not. Once for each device and case."""
    if reason not in REASONS:
        raise Refused(_("Choose what is wrong with it."))
    row = Case.objects.select_for_update(of=("self",)).get(pk=case)
    if row.public and actions.first_time(uuid.uuid5(row.client_id, f"flag {device}"), row):
        actions.add_step(row, "flagged", by=by, words=text.clean(words)[:MOST_FLAG_WORDS], reason=reason)


@transaction.atomic
def settle(case: int, *, by: Actor) -> None:
    """Somebody of the town hall has looked at what was flagged, and has done what it took."""
    row, _kind = _locked(case, by=by)
    actions.add_step(row, "settled", by=by)


@dataclass(frozen=True)
class Flagged:
    case: Case
    times: int
    last: datetime


def _unsettled() -> Q:
    return ~Q(Exists(Step.objects.filter(case=OuterRef("case"), action="settled", id__gt=OuterRef("id"))))


def flagged(actor: Actor, kind: CaseType, *, most: int = 200) -> list[Flagged]:
    """What waits for a look, the most flagged first, of what the actor may moderate. Two statements."""
    waiting = Step.objects.filter(_unsettled(), action="flagged").order_by().values("case")
    rows = list(waiting.annotate(times=Count("id"), last=Max("at")).order_by("-times", "case")[:most])
    found = Case.objects.select_related("topic", "zone").in_bulk([row["case"] for row in rows])
    return [
        Flagged(case, row["times"], row["last"])
        for row in rows
        if (case := found[row["case"]]).type == kind.name
        and access.can(actor, kind.moderate, zone=case.zone_id, subject=case.topic.slug)
    ]


def flags(case: Case) -> list[Step]:
    """What was said of one case and not looked at yet."""
    return list(Step.objects.filter(_unsettled(), case=case, action="flagged").order_by("id"))
