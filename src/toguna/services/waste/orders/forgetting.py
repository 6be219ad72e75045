"""What is known of who has waste fetched: shown to them, and forgotten with them. What is counted stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM
from toguna.services.waste.models import Household, PickUp, PreCollector, Subscription
from toguna.services.waste.orders import actions, precollectors, proof, subscriptions

_NOTHING: dict[str, Any] = {"where": "", "note": "", "complaint": "", "point": None}
_TOLD = ~Q(where="") | ~Q(note="") | ~Q(complaint="") | Q(point__isnull=False)
KEEP = timedelta(days=400)  # so that a year can be compared with the one before
BATCH = 1000


def forget_old() -> None:
    """Where an old pick-up was, and what was said of it, is nobody's business any more; that it was done is counted."""
    old = PickUp.objects.filter(closed__lt=timezone.now() - KEEP).filter(_TOLD)
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        rows = PickUp.objects.filter(pk__in=batch)
        proof.forget(rows, "retention")
        rows.update(**_NOTHING)


def export(person: int) -> list[dict[str, Any]]:
    rows = list(Household.objects.filter(person=person).prefetch_related("pickups__kind"))
    photos = proof.of_many([one for row in rows for one in row.pickups.all()])
    return [
        {
            "card": row.code, "address": row.address, "where": row.where, "points": row.points,
            "pickups": [
                {"code": one.code, "what": one.kind.slug, "start": one.start.isoformat(), "state": one.state, "price": one.price, "note": one.note,
                 "photos": len(photos.get(one.pk, ()))}
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
    proof.forget(pickups, "erasure")
    pickups.filter(_TOLD).update(**_NOTHING)
    homes.update(address="", where="", person=None, point=None, street=None, street_name="")


def _own(person: int) -> list[PreCollector]:
    """Those whose telephone is this person's alone: one that several share is nobody's proof."""
    phones = people.Contact.objects.filter(person=person, kind="phone").values_list("value", flat=True)
    rows = PreCollector.objects.filter(phone__in=list(phones)).prefetch_related("zones")
    return [row for row in rows if people.persons_at(row.phone) == [person]]


def export_precollector(person: int) -> list[dict[str, Any]]:
    return [
        {
            "code": row.code, "name": row.name, "phone": row.phone, "vehicle": row.vehicle, "state": row.state, "since": row.created.isoformat(),
            "zones": [zone.name for zone in row.zones.all()], "rated": row.rated, "stars": row.stars,
            "sets_out_from": [row.point.x, row.point.y] if row.point else None,
            "pickups": [
                {"code": code, "start": start.isoformat(), "state": state}
                for code, start, state in PickUp.objects.filter(collector=row).values_list("code", "start", "state")
            ],
        }
        for row in _own(person)
    ]  # fmt: skip


def erase_precollector(person: int) -> None:
    """Their jobs go to others; what they fetched and were paid stays under their code."""
    for row in _own(person):
        PreCollector.objects.filter(pk=row.pk).update(state=PreCollector.State.ENDED)
        while jobs := precollectors.jobs(row):
            for job in jobs:
                give = actions.give_back if job.state == PickUp.State.ACCEPTED else actions.refuse
                give(job, row, by=SYSTEM)
        row.zones.clear()
        PreCollector.objects.filter(pk=row.pk).update(
            name=row.code, phone=f"gone:{row.code}", point=None, hours=[], language=""
        )
