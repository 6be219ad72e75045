"""What is known of somebody by their standing orders."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from toguna.engines.ledger.models import StandingOrder
from toguna.engines.people import api as people


def _of(person: int) -> QuerySet[StandingOrder]:
    numbers = people.Contact.objects.filter(person_id=person, kind="phone").values_list("value", flat=True)
    return StandingOrder.objects.filter(Q(person=person) | Q(person=None, phone__in=list(numbers)))


def erase(person: int) -> None:
    """Nobody's telephone rings for who is gone."""
    rows = list(_of(person).values_list("pk", flat=True))
    StandingOrder.objects.filter(pk__in=rows, ended=None).update(ended=timezone.now(), next_try=None)
    StandingOrder.objects.filter(pk__in=rows).update(phone="", person=None)


def known(person: int) -> list[dict[str, Any]]:
    return [
        {"since": row.since.isoformat(), "way": row.way, "phone": row.phone, "day": row.day, "most": row.most,
         "currency": row.currency, "ended": row.ended.isoformat() if row.ended else None}
        for row in _of(person).order_by("pk")
    ]  # fmt: skip
