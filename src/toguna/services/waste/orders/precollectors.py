"""Who fetches waste: registered by themselves by SMS, or at the desk; let in, or not, by a person of the town."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, events, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.waste.households import Spot, read_spot, zone_of
from toguna.services.waste.models import PickUp, PickUpOffer, PreCollector
from toguna.services.waste.orders import actions, money
from toguna.services.waste.orders.events import PreCollectorMoved

State = PreCollector.State


@dataclass(frozen=True)
class Told:
    """What is said of a pre-collector. hours: as of a resource of bookings."""

    name: str
    phone: str
    vehicle: str = PreCollector.Vehicle.CART
    zones: Sequence[int] = ()
    hours: list[dict[str, Any]] = field(default_factory=list)
    most: int = 12
    share: int | None = None
    point: Point | None = None
    language: str = ""


def by_phone(address: str) -> PreCollector | None:
    """Whoever works from this telephone; their words are believed."""
    return PreCollector.objects.filter(phone=address).exclude(state=State.ENDED).select_related("payer").first()


def of_person(person: int | None) -> PreCollector | None:
    """Who has logged in with a number that they confirmed works from that telephone, as with an SMS from it."""
    phones = people.phones_of(person) if person else []
    found = PreCollector.objects.filter(phone__in=phones).exclude(state=State.ENDED).select_related("payer")
    return found.first() if phones else None


def apply(name: str, spot: Spot, *, phone: str, language: str, client_id: uuid.UUID) -> PreCollector:
    """Somebody asks to be registered, by their own telephone; a person of the town decides. Asked again, it is the same."""
    before = PreCollector.objects.filter(Q(phone=phone) | Q(client_id=client_id)).first()
    if before is not None and before.state != State.ENDED:
        return before
    if before is not None:
        raise actions.Refused(_("This number was taken off the register. Call the town hall."))
    try:
        with transaction.atomic():
            row = PreCollector.objects.create(
                code=codes.make(5),
                client_id=client_id,
                name=text.clean(name)[:120],
                phone=phone,
                language=language[:8],
                point=spot.point,
            )
            if (zone := zone_of(spot)) is not None:
                row.zones.add(zone)
            audit.record(SYSTEM, "waste.apply", f"waste.precollector:{row.pk}")
            return row
    except IntegrityError:
        return PreCollector.objects.get(phone=phone)


def zones_of(row: PreCollector) -> list[int]:
    return [zone.pk for zone in row.zones.all()]


@transaction.atomic
def save(row: PreCollector | None, told: Told, *, client_id: uuid.UUID | None = None, by: Actor) -> PreCollector:
    """Registers or changes one. Raises Refused, Denied."""
    access.require_each(by, "waste.set_up", {*told.zones, *(zones_of(row) if row is not None else ())})
    other = PreCollector.objects.filter(phone=told.phone).exclude(pk=row.pk if row else 0).first()
    if other is not None and (row is not None or other.client_id != client_id):
        raise actions.Refused(_("%(name)s is registered with this number already.") % {"name": other.name})
    if row is None and other is not None:
        return other
    new = row is None
    row = row or PreCollector(code=codes.make(5), client_id=client_id or uuid.uuid4(), state=State.ACTIVE)
    row.name, row.phone, row.vehicle, row.hours = text.clean(told.name)[:120], told.phone, told.vehicle, told.hours
    row.most, row.share, row.language, row.account = told.most, told.share, told.language[:8], by.account
    if told.point is not None:
        row.point = told.point
    row.save()
    row.zones.set(told.zones)
    audit.record(by, "waste.precollector", f"waste.precollector:{row.pk}", new=new)
    if new:
        events.publish(PreCollectorMoved(row.pk, row.state))
    return row


@transaction.atomic
def become(row: PreCollector, state: str, *, by: Actor, own: bool = False) -> PreCollector:
    """Works, rests, or works here no longer; own: by their own telephone, which can only rest and work again. Their jobs that are not
    done go to others when they end. Raises Refused, Denied."""
    if not own:
        access.require_each(by, "waste.set_up", zones_of(row))
    elif state not in (State.ACTIVE, State.RESTING) or row.state not in (State.ACTIVE, State.RESTING):
        raise actions.Refused(_("A person of the town must let you in first: you will get an SMS."))
    if row.state == state:
        return row
    PreCollector.objects.filter(pk=row.pk).update(state=state)
    row.state = State(state)
    audit.record(by, "waste.precollector_state", f"waste.precollector:{row.pk}", state=state)
    if not own:
        events.publish(PreCollectorMoved(row.pk, state))
    if state == State.ENDED:
        for job in jobs(row):
            actions.give_back(job, row, by=by) if job.state == PickUp.State.ACCEPTED else actions.refuse(
                job, row, by=by
            )
    return row


def jobs(row: PreCollector) -> list[PickUp]:
    """What they were offered and what they have to do, the soonest first."""
    found = actions.whole().filter(collector=row, state__in=(PickUp.State.OFFERED, PickUp.State.ACCEPTED))
    return list(found.order_by("start")[:20])


@dataclass(frozen=True)
class Sums:
    """earned: this month; all in minor units."""

    done: int
    earned: int
    owed: int


def sums(row: PreCollector, now: datetime | None = None) -> Sums:
    first = timezone.localtime(now or timezone.now()).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = row.pickups.filter(state=PickUp.State.DONE, closed__gte=first).aggregate(n=Count("pk"), sum=Sum("earned"))
    return Sums(found["n"], found["sum"] or 0, money.owed_to(row.payer_id))


def stars(row: PreCollector) -> float | None:
    """The mean of what people gave, None before the first."""
    return row.stars / row.rated if row.rated else None


def answered(row: PreCollector) -> tuple[int, int]:
    """(offers accepted, offers answered or lapsed) of the last ninety days."""
    since = timezone.now() - timedelta(days=90)
    found = PickUpOffer.objects.filter(collector=row, at__gte=since).exclude(answer__in=("", "gone"))
    return found.filter(answer="yes").count(), found.count()


def zones_in_words(row: PreCollector) -> str:
    return ", ".join(zone.name for zone in row.zones.all())


def read(typed: str) -> Spot:
    """The district, or the place, from where somebody works."""
    folded = text.fold(typed)
    for zone in territory.districts():
        if text.fold(text.pick(zone.names)) == folded and (shapes := territory.zone_shapes([zone.id])):
            middle = shapes[0][1].point_on_surface
            return Spot(text.clean(typed), middle.x, middle.y)
    return read_spot(typed)
