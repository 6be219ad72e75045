"""What is known of who has waste fetched: shown to them, and forgotten with them. What is counted stays."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from toguna.kernel.access import SYSTEM
from toguna.services.waste.models import Household, PickUp, Subscription
from toguna.services.waste.orders import actions, subscriptions


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
    pickups.filter(~Q(where="") | ~Q(note="") | ~Q(complaint="") | Q(point__isnull=False)).update(
        where="", note="", complaint="", point=None
    )
    homes.update(address="", where="", person=None, point=None, street=None, street_name="")
