"""The rounds of tomorrow, planned by themselves each evening."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from toguna.kernel import access, audit
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.waste.models import DayPlan, EveningPlan, Truck
from toguna.services.waste.rounds import planning

HOURS = range(12, 24)
_IDS = uuid.UUID("5b9f0d53-6f0e-4d43-9f0b-0d8c3c1f7a10")


def chosen() -> EveningPlan:
    return EveningPlan.objects.first() or EveningPlan(pk=1)


@transaction.atomic
def choose(row: EveningPlan, *, by: Actor) -> None:
    """Of the whole town."""
    access.require(by, planning.PLAN)
    row.save()
    audit.record(by, "waste.evening_plan", f"waste.evening:{row.pk}", hour=row.hour, gives=row.gives)


def plan() -> None:
    """Periodic: from its hour on, the rounds of tomorrow are asked for, once; after a night without current, those of today, until the first
    truck leaves. What a head of service made for that day stays."""
    rule, now = chosen(), timezone.localtime()
    leaves = Truck.objects.filter(active=True).order_by("begins").values_list("begins", flat=True).first()
    if rule.hour is None or leaves is None:
        return
    if now.hour >= rule.hour:
        day = now.date() + timedelta(days=1)
    elif now.time() < leaves:
        day = now.date()
    else:
        return
    there = [p for p in DayPlan.objects.filter(day=day).exclude(state=DayPlan.State.FAILED) if not p.trial]
    if any(p.state == DayPlan.State.PUBLISHED or not rule.gives for p in there):
        return
    planning.ask(day, by=SYSTEM, client_id=uuid.uuid5(_IDS, day.isoformat()), then="give" if rule.gives else "tell")
