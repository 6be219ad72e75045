"""The register is kept by the town; that a bin is full is said by whoever stands before it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, events, text
from toguna.kernel.access import Actor
from toguna.services.waste import devices
from toguna.services.waste.models import Material, PlaceSaid, Taken, WastePlace
from toguna.services.waste.places.events import PlaceReported

What = PlaceSaid.What
FILLED = (WastePlace.Kind.BIN, WastePlace.Kind.POINT)
SAME_WITHIN = timedelta(hours=6)  # the same said of the same place is one thing to deal with


class Refused(Exception):
    """It cannot be; str() says why, and what to do."""


@dataclass(frozen=True)
class Told:
    """What is said of a place. takes: {slug of a material: price a kilogramme, minor units, or None}; device: the sensor of a bin or point; hours, served: see `WastePlace`."""

    kind: str
    name: str
    point: Point
    where: str = ""
    capacity: int = 0
    hours: list[dict[str, Any]] = field(default_factory=list)
    phone: str = ""
    public: bool = True
    takes: Mapping[str, int | None] = field(default_factory=dict)
    state: str = WastePlace.State.OPEN
    device: int | None = None
    served: list[dict[str, Any]] = field(default_factory=list)


@transaction.atomic
def save(row: WastePlace | None, told: Told, *, client_id: uuid.UUID | None = None, by: Actor) -> WastePlace:
    """Adds or changes a place; one that moves must be in the actor's reach before and after. The same client_id again is the same
    place. Raises Refused, Denied."""
    place = territory.place(told.point.x, told.point.y)
    access.require(by, "waste.work", zone=place.zone)
    if row is not None:
        access.require(by, "waste.work", zone=row.zone_id)
    if not place.inside:
        raise Refused(_("This point is outside the town."))
    if not text.clean(told.name):
        raise Refused(_("Give it a name."))
    if row is None and client_id is not None and (before := WastePlace.objects.filter(client_id=client_id).first()):
        return before
    new = row is None
    row = row or WastePlace(code=codes.make(6), client_id=client_id or uuid.uuid4())
    near = territory.nearest("streets", told.point.x, told.point.y, within_m=60, limit=1)
    row.kind, row.name, row.point, row.zone_id = told.kind, text.clean(told.name)[:120], told.point, place.zone
    row.street = near[0].id if near else None
    row.where, row.capacity, row.hours, row.phone = text.clean(told.where)[:200], told.capacity, told.hours, told.phone
    row.served = told.served if told.kind in FILLED else []
    row.public, row.state, row.changed, row.account = told.public, told.state, timezone.now(), by.account
    _sensor(row, told.device, by)
    row.save()
    _takes(row, told.takes)
    audit.record(by, "waste.place", f"waste.place:{row.pk}", new=new, state=row.state)
    return row


def _sensor(row: WastePlace, device: int | None, by: Actor) -> None:
    """What is closed has none. Whoever may change a place may say which is its sensor. Raises Refused."""
    device = None if row.state == WastePlace.State.CLOSED else device
    if device is not None and row.kind not in FILLED:
        raise Refused(_("Only a bin or a collection point has a sensor."))
    try:
        devices.put(device, row.device, devices.FILLS, f"{row.kind}:{row.code}", row.zone_id, by=by)
    except devices.Refused as error:
        raise Refused(str(error)) from error
    row.device = device


def _takes(row: WastePlace, takes: Mapping[str, int | None]) -> None:
    known = Material.objects.filter(slug__in=takes).values_list("slug", "pk") if takes else ()
    wanted = {pk: takes[slug] for slug, pk in known}
    there = {one.material_id: one for one in row.taken.all()}
    if gone := [one.pk for pk, one in there.items() if pk not in wanted]:
        Taken.objects.filter(pk__in=gone).delete()
    for pk, price in wanted.items():
        old = there.get(pk)
        if old is None:
            Taken.objects.create(place=row, material_id=pk, price=price, since=timezone.localdate() if price else None)
        elif old.price != price:
            old.price, old.since = price, timezone.localdate() if price else None
            old.save(update_fields=["price", "since"])


def say(place: WastePlace, what: str, *, client_id: uuid.UUID, channel: str) -> tuple[PlaceSaid, bool]:
    """Somebody says that it is full, broken... (the row, whether it is new). Said again, by them or others, within some hours it is
    the same. Raises Refused."""
    if what not in What.values:
        raise Refused(_("Say what you see."))
    if place.state == WastePlace.State.CLOSED:
        raise Refused(_("This place is closed."))
    open_since = timezone.now() - SAME_WITHIN
    try:
        with transaction.atomic():
            before = PlaceSaid.objects.filter(client_id=client_id).first() or (
                PlaceSaid.objects.filter(place=place, what=what, done=None, at__gte=open_since).first()
            )
            if before is not None:
                return before, False
            row = PlaceSaid.objects.create(client_id=client_id, place=place, what=what, channel=channel[:12])
            events.publish(PlaceReported(place.pk, what, row.pk))
            return row, True
    except IntegrityError:
        return PlaceSaid.objects.get(client_id=client_id), False


@transaction.atomic
def dealt(said: Sequence[int], *, by: Actor) -> int:
    """What was said of places is dealt with. How many. Raises Denied."""
    rows = list(PlaceSaid.objects.filter(pk__in=said, done=None).select_related("place"))
    for row in rows:
        access.require(by, "waste.work", zone=row.place.zone_id)
    done = PlaceSaid.objects.filter(pk__in=[row.pk for row in rows], done=None).update(done=timezone.now())
    if done:
        audit.record(by, "waste.place_dealt", "waste.place", said=[row.pk for row in rows])
    return done
