"""The verbs of complaints: to complain, to rise to the next level."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, limits, text
from toguna.kernel.access import NOBODY, Actor
from toguna.kernel.events import publish
from toguna.kernel.web import Request
from toguna.services.complaints.casetype import COMPLAINT
from toguna.services.complaints.models import Complaint, Level

HOUR = timedelta(hours=1)
PER_SENDER, PER_STRANGERS, PER_DESK = 10, 300, 300
BATCH = 200


def count(actor: Actor, request: Request, *, phone: str = "") -> None:
    """One more from this sender, by account, device and telephone. Raises limits.TooMany."""
    if actor.account is not None:
        most = PER_DESK if actor.staff else PER_SENDER
        limits.hit("complaints.open", f"account {actor.account}", at_most=most, per=HOUR)
        return
    device = people.device_of(request)
    most = PER_SENDER if device in request.COOKIES.values() else PER_STRANGERS
    limits.hit("complaints.open", f"device {device}", at_most=most, per=HOUR)
    if phone:
        limits.hit("complaints.open", phone, at_most=PER_SENDER, per=HOUR)


@transaction.atomic
def complain(
    asked: cases.Asked, *, about: str = "", by: Actor, served: people.Serving | None = None
) -> tuple[cases.Case, bool]:
    """Takes a complaint. `about`: the code of what it is about, as typed; a code that is none of ours is kept in the words.
    `served`: for whom a clerk types it.

    (case, True), or (case, False) when it was received before. Raises cases.Refused."""
    code = codes.read(about) if about else ""
    known = bool(code) and cases.Case.objects.filter(code=code).exists()
    words = (
        asked.text
        if known or not about.strip()
        else "\n".join([asked.text, _("About: %(what)s") % {"what": about.strip()[:60]}])
    )
    if served is not None:
        by, asked = people.actor_serving(served, by), dataclasses.replace(asked, phone="", email="")
    case, made = cases.open_case(dataclasses.replace(asked, type=COMPLAINT.name, text=words), by=by)
    if made and served is not None:
        people.acted_for(served, "complaints.open_for", f"cases.case:{case.pk}", by=by)
    if made:
        first = Level.objects.order_by("number").first()
        Complaint.objects.create(case=case, level=first.number if first else 0, about=code if known else "")
    return case, made


@transaction.atomic
def escalate(case: int, *, by: Actor, words: str = "") -> cases.Case:
    """Puts a complaint before the next level, with a new deadline, and tells the person. Raises Refused at the top."""
    row = cases.lock(case, COMPLAINT.assign, by=by)
    if not row.open or not _rise(row, Complaint.objects.get(case=row), by=by, words=words):
        raise cases.Refused(_("This complaint is before the last level already, or is closed."))
    return row


def _rise(row: cases.Case, ours: Complaint, *, by: Actor, words: str = "", late: bool = False) -> bool:
    """Puts a locked complaint one level higher; False when there is none."""
    above = Level.objects.filter(number__gt=ours.level).order_by("number").first()
    if above is None:
        return False
    now = timezone.now()
    ours.level = above.number
    ours.save(update_fields=["level"])
    row.due, row.updated = now + timedelta(days=above.days), now
    if above.team_id is not None:
        row.team_id, row.assignee_id = above.team_id, None
    row.save(update_fields=["due", "updated", "team", "assignee"])
    with translation.override(row.language or settings.LANGUAGE_CODE):
        rises = (
            _("It was not settled in time: it goes to the next level, “%(level)s”.")
            if late
            else _("It goes to the next level, “%(level)s”.")
        )
        said = text.clean(words) or rises % {"level": text.pick(above.names)}
    step = cases.add_step(row, "escalated", by=by, words=said, public=True, level=above.number, late=late)
    publish(cases.CaseReplied(row.pk, row.type, step.pk))
    return True


@transaction.atomic
def _rise_if_late(case: int) -> None:
    """By the clock, which needs no right: locked, and looked at again."""
    row = cases.Case.objects.select_for_update(of=("self",)).select_related("topic").get(pk=case)
    if row.open and row.due is not None and row.due < timezone.now() and row.anonymised is None:
        _rise(row, Complaint.objects.get(case=row), by=NOBODY, late=True)


def escalate_late() -> None:
    """Every complaint that is late rises by one level. Each in its own transaction: stopped anywhere, it goes on later."""
    top = Level.objects.order_by("-number").values_list("number", flat=True).first()
    if top is None:
        return
    last = 0
    while True:
        late = list(
            Complaint.objects.filter(
                case__type=COMPLAINT.name,
                case__open=True,
                case__due__lt=timezone.now(),
                level__lt=top,
                case_id__gt=last,
            )
            .order_by("case_id")
            .values_list("case_id", flat=True)[:BATCH]
        )
        for case in late:
            _rise_if_late(case)
        if len(late) < BATCH:
            return
        last = late[-1]


@transaction.atomic
def contest(case: int, words: str, *, by: Actor, key: str) -> cases.Case:
    """The person does not agree with the answer: it opens again, one level higher when there is one."""
    row = cases.move(case, "contest", by=by, words=words, key=key)
    ours = Complaint.objects.select_for_update().get(case=row)
    ours.contested += 1
    ours.save(update_fields=["contested"])
    if not _rise(row, ours, by=by):
        row.due = cases.deadline(row.topic, timezone.now())
        row.save(update_fields=["due"])
    return row


@transaction.atomic
def set_levels(given: dict[int, tuple[int | None, int]], *, by: Actor) -> None:
    """Which team has each level and for how many days: {number: (team id or None, days)}."""
    access.require(by, COMPLAINT.set_up)
    for level in Level.objects.select_for_update(of=("self",)).filter(number__in=given):
        level.team_id, level.days = given[level.number]
        level.save(update_fields=["team", "days"])
    audit.record(by, "complaints.set_levels", "complaints.level", levels=len(given))
