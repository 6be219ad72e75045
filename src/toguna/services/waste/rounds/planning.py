"""The verbs of plans: to ask for one, to make it, to give it to the crews. `changing.py` has those of a plan that crews have.

A plan is made by a worker. What is asked for twice with the same client id is one plan; a job that runs again makes the same rows
anew.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, tasks
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.events import publish as announce
from toguna.services.waste.models import DayPlan, Round
from toguna.services.waste.rounds import keeping, making, stops
from toguna.services.waste.rounds.events import RoundsPlanned, RoundsPublished

PLAN = "waste.set_up"
SECONDS = 25.0  # of solving: the whole must end in a minute
FARTHEST = timedelta(days=14)
SOON = 300  # seconds: who is given a round of a day that has begun sets off then
PATIENCE = 20.0  # seconds for the roads of a town that was only just started


class Refused(Exception):
    """It cannot be done; str() says why, for whoever asked."""


def ask(
    day: date, *, by: Actor, without: Sequence[int] = (), dumps: Sequence[int] = (), client_id: uuid.UUID | None = None, seconds: float | None = None,
    then: str = "", whole: bool = False,
) -> DayPlan:  # fmt: skip
    """Asks for a plan of that day, or for a trial: without some trucks, or with these dumps alone. then: "tell" the heads of the service
    of it, or "give" it to the crews. whole: the day is played, and has not begun whatever the hour. Raises Refused."""
    access.require(by, PLAN)
    if not timezone.localdate() <= day <= timezone.localdate() + FARTHEST:
        raise Refused(_("Rounds are planned for today or for one of the next 14 days."))
    with transaction.atomic():
        plan, made = DayPlan.objects.get_or_create(
            client_id=client_id or uuid.uuid4(),
            defaults={
                "day": day,
                "asked": {"without": list(without), "dumps": list(dumps), "seconds": seconds or SECONDS, "then": then} | ({"whole": True} if whole else {}),
                "account": by.account,
            },
        )  # fmt: skip
        if made:
            audit.record(by, "waste.plan", f"waste.plan:{plan.pk}", day=day.isoformat())
            tasks.defer(build, plan=plan.pk)
    return plan


@tasks.task
def build(plan: int) -> None:
    """Makes the rounds of a plan that was asked for. Solving is outside of any transaction; keeping is in one."""
    row = DayPlan.objects.get(pk=plan)
    if row.state not in (DayPlan.State.ASKED, DayPlan.State.FAILED):
        return
    territory.await_roads(PATIENCE)
    trucks = [t for t in stops.trucks() if t.pk not in row.asked.get("without", ())]
    dumps = stops.dumps(row.day, row.asked.get("dumps", ()))
    wanted = stops.due(row.day)
    now = 0 if row.asked.get("whole") else stops.seconds_of(row.day, timezone.now() + timedelta(seconds=SOON))
    problem = (
        _("No truck is in use: add one first.") if not trucks
        else _("The day of the trucks is over: plan the rounds of tomorrow.") if all(stops.of_time(t.ends) <= now for t in trucks)
        else _("No dump or transfer station is open that day.") if not dumps
        else _("Nothing is to be fetched that day.") if not wanted
        else ""
    )  # fmt: skip
    if problem:
        with transaction.atomic():
            DayPlan.objects.filter(pk=plan).update(state=DayPlan.State.FAILED, says=problem[:200])
            _then(row)
        return
    began = time.perf_counter()
    heaps = stops.heaps(row.day)
    made = making.make(
        row.day, trucks, wanted, dumps, float(row.asked.get("seconds", SECONDS)), heaps=heaps, begins=now
    )
    present = making.present(row.day, trucks, dumps, set(made.plan.of()))
    lines = keeping.lines(made)
    with transaction.atomic():
        row = DayPlan.objects.select_for_update().get(pk=plan)
        if row.state not in (DayPlan.State.ASKED, DayPlan.State.FAILED):
            return
        row.rounds.all().delete()
        row.left.all().delete()
        keeping.keep(row, made, lines)
        row.state, row.by_roads, row.says = DayPlan.State.READY, made.by_roads, ""
        row.figures = {
            "plan": keeping.worth(row), "present": present, "took": round(time.perf_counter() - began, 1),
        }  # fmt: skip
        row.save()
        _then(row)


def _then(row: DayPlan) -> None:
    """What was to become of a plan that was made by itself. Rounds that crews have are never taken back by it."""
    then, given = row.asked.get("then"), DayPlan.objects.filter(day=row.day, state=DayPlan.State.PUBLISHED)
    if then == "give" and row.state == DayPlan.State.READY and not given.exists():
        publish(row.pk, by=SYSTEM)
    if then:
        announce(RoundsPlanned(row.pk))


@transaction.atomic
def publish(plan: int, *, by: Actor) -> DayPlan:
    """Gives the rounds to the crews. A plan that they had for that day is taken back, unless they have begun. Raises Refused."""
    access.require(by, PLAN)
    row = DayPlan.objects.select_for_update().get(pk=plan)
    if row.state == DayPlan.State.PUBLISHED:
        return row
    if row.state != DayPlan.State.READY:
        raise Refused(_("This plan is not ready."))
    if row.trial:
        raise Refused(
            _(
                "This is a trial. To drive like this, take those trucks out of use or close those dumps, and plan the rounds anew."
            )
        )
    if gone := out_of_use(row):
        raise Refused(
            _("Out of use by now, and in this plan: %(trucks)s. Plan the rounds anew.") % {"trucks": ", ".join(gone)}
        )
    before = DayPlan.objects.select_for_update().filter(day=row.day, state=DayPlan.State.PUBLISHED).first()
    if before is not None:
        if before.rounds.exclude(state=Round.State.PLANNED).exists():
            raise Refused(_("Crews have begun the rounds of that day: change those instead."))
        before.state = DayPlan.State.READY
        before.save(update_fields=["state"])
    row.state, row.published = DayPlan.State.PUBLISHED, timezone.now()
    row.save(update_fields=["state", "published"])
    audit.record(by, "waste.publish_plan", f"waste.plan:{row.pk}", day=row.day.isoformat())
    announce(RoundsPublished(row.pk))
    return row


def out_of_use(row: DayPlan) -> list[str]:
    """Plates of trucks that are to drive by this plan and cannot any more."""
    going = row.rounds.filter(state__in=Round.GOING).select_related("truck")
    usable = {t.pk for t in stops.trucks()}
    return sorted(one.truck.plate for one in going if one.truck_id not in usable)


def standing() -> list[DayPlan]:
    """Of each day after today: the plan that the crews have, else the last that could be given to them."""
    found: dict[date, DayPlan] = {}
    for row in DayPlan.objects.filter(
        day__gt=timezone.localdate(), state__in=(DayPlan.State.READY, DayPlan.State.PUBLISHED)
    ).order_by("pk"):
        if not row.trial and (row.day not in found or found[row.day].state != DayPlan.State.PUBLISHED):
            found[row.day] = row
    return list(found.values())
