"""The plan of reminders, and what people do of it: letters, visits, seizure notices."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Base, DunningStep, LetterBatch, Reminded, Taxed

PLAN, VISIT = "revenue.campaign", "revenue.collect"
A_BATCH = 250  # letters of a file


class Refused(Exception):
    """It cannot be done; str() says why."""


@dataclass(frozen=True)
class Told:
    """A step as a head of service says it: as the columns of DunningStep."""

    base: Base | None
    after: int
    way: str
    least: int = 0
    cost: int = 0
    penalty: int = 0
    law: str = ""
    active: bool = True


@transaction.atomic
def write(step: DunningStep | None, told: Told, *, by: Actor) -> DunningStep:
    """Adds a step, or changes one: what was done by it stays. Raises Refused, Denied."""
    access.require(by, PLAN)
    if told.penalty and not text.clean(told.law):
        raise Refused(_("A penalty needs the act that allows it, and its article."))
    if told.penalty and told.after < 0:
        raise Refused(_("There is no penalty before it is due."))
    row = step or DunningStep()
    row.base, row.after, row.way, row.least, row.cost = told.base, told.after, told.way, told.least, told.cost
    row.penalty, row.law, row.active = told.penalty, text.clean(told.law)[:200], told.active
    row.save()
    audit.record(
        by, "revenue.dunning_step", f"revenue.step:{row.pk}", after=row.after, way=row.way, penalty=row.penalty
    )
    return row


def waiting(actor: Actor, way: str, permission: str = PLAN) -> QuerySet[Reminded]:
    """What waits to be printed, visited or approved, of bills still open, where they may."""
    rows = Reminded.objects.filter(step__way=way, done=None, bill__state=ledger.Bill.State.OPEN).select_related(
        "step", "bill__payer"
    )
    zones = access.zones(actor, permission)
    if zones is None:
        return rows
    return rows.filter(bill__about_kind="taxed", bill__about__in=Taxed.objects.filter(zone__in=zones).values("code"))


@transaction.atomic
def decide(reminded: int, yes: bool, *, note: str = "", by: Actor) -> Reminded:
    """A head approves a seizure notice, which is then printed, or drops it with a reason. Decided before, nothing. Raises Refused, Denied."""
    row = Reminded.objects.select_for_update(of=("self",)).select_related("bill", "step").get(pk=reminded)
    access.require(by, PLAN, zone=_zone(row))
    if row.step.way != DunningStep.Way.NOTICE or row.approved or row.done:
        return row
    if yes:
        row.approved, row.approved_by = timezone.now(), by.account
    else:
        row.note = text.clean(note)[:200]
        if not row.note:
            raise Refused(_("Say why it is dropped."))
        row.done = timezone.now()
    row.save()
    audit.record(by, "revenue.seizure", f"revenue.reminded:{row.pk}", yes=yes)
    return row


def _zone(row: Reminded) -> int | None:
    return (
        Taxed.objects.filter(code=row.bill.about).values_list("zone", flat=True).first()
        if row.bill.about_kind == "taxed"
        else None
    )


@transaction.atomic
def batch(step: DunningStep, key: uuid.UUID, *, by: Actor) -> LetterBatch | None:
    """Puts the letters of a step that wait into a file: seizure notices when they are approved. The same key is the same batch; None
    when nothing waits. Raises Denied."""
    access.require(by, PLAN, anywhere=True)
    before = LetterBatch.objects.filter(key=key).first()
    if before is not None:
        return before
    rows = waiting(by, step.way).filter(step=step, batch=None)
    if step.way == DunningStep.Way.NOTICE:
        rows = rows.exclude(approved=None)
    chosen = list(rows.select_for_update(of=("self",), skip_locked=True).order_by("pk")[:A_BATCH])
    if not chosen:
        return None
    made = LetterBatch.objects.create(step=step, account=by.account, key=key, letters_count=len(chosen))
    Reminded.objects.filter(pk__in=[one.pk for one in chosen]).update(batch=made)
    audit.record(by, "revenue.letters", f"revenue.letters:{made.pk}", letters=len(chosen))
    return made


@transaction.atomic
def left(letters: LetterBatch, *, by: Actor) -> int:
    """The letters of a batch were printed and carried away. How many."""
    access.require(by, PLAN, anywhere=True)
    gone = Reminded.objects.filter(batch=letters, done=None).update(done=timezone.now())
    if gone:
        audit.record(by, "revenue.letters_left", f"revenue.letters:{letters.pk}", letters=gone)
    return gone


@transaction.atomic
def visit_done(reminded: int, note: str, *, by: Actor) -> Reminded:
    """A visit that was made without the collector's app. Raises Denied."""
    row = Reminded.objects.select_for_update(of=("self",)).select_related("bill", "step").get(pk=reminded)
    access.require(by, VISIT, zone=_zone(row))
    if row.done is None and row.step.way == DunningStep.Way.VISIT:
        row.done, row.note = timezone.now(), text.clean(note)[:200]
        row.save()
        audit.record(by, "revenue.visited", f"revenue.reminded:{row.pk}")
    return row


def initial(step: DunningStep) -> dict[str, Any]:
    names = ("base", "after", "way", "least", "cost", "penalty", "law", "active")
    return {name: getattr(step, name) for name in names}
