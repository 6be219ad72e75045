"""What is known of who has waste fetched: shown to them, and forgotten with them. What is counted stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from toguna.kernel.access import SYSTEM
from toguna.services.waste.models import Household, PickUp, Subscription
from toguna.services.waste.orders import actions, subscriptions

_NOTHING: dict[str, Any] = {"where": "", "note": "", "complaint": "", "point": None}
_TOLD = ~Q(where="") | ~Q(note="") | ~Q(complaint="") | Q(point__isnull=False)
KEEP = timedelta(days=400)  # so that a year can be compared with the one before
BATCH = 1000


def forget_old() -> None:
    """Where an old pick-up was, and what was said of it, is nobody's business any more; that it was done is counted."""
    old = PickUp.objects.filter(closed__lt=timezone.now() - KEEP).filter(_TOLD)
    while PickUp.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).update(**_NOTHING):
        pass


def export(person: int) -> list[dict[str, Any]]:
    rows = Household.objects.filter(person=person).prefetch_related("pickups__kind")
    return [
        {
            "card": row.code, "address": row.address, "where": row.where, "points": row.points,
            "pickups": [
                {"code": one.code, "what": one.kind.slug, "start": one.start.isoformat(), "state": one.state, "price": one.price, "note": one.note}
                for one in row.pickups.all()
            ],
            "weighings": [{"at": one.at.isoformat() if one.at else None, "grammes": one.grammes} for one in row.weighings.filter(why="")],
        }
        for row in rows
    ]  # fmt: skip


def erase(person: int) -> None:
    homes = Household.objects.filter(person=person)
    for row in Subscription.objects.filter(household__in=homes, ended=None).select_related("household"):
        subscriptions.end(row, by=SYSTEM, own=True)
    for pickup in actions.whole().filter(household__in=homes, state__in=PickUp.OPEN):
        actions.cancel(pickup, by=SYSTEM, own=True)
    pickups = PickUp.objects.filter(household__in=homes)
    pickups.filter(_TOLD).update(**_NOTHING)
    homes.update(address="", where="", person=None, point=None, street=None, street_name="")
