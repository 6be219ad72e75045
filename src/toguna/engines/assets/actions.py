"""The verbs of the register: what there is, in what state, and what its meters show."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.assets.events import AssetState
from toguna.engines.assets.models import Asset, Keeper, Reading, StateChange
from toguna.engines.people import api as people
from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, events, text
from toguna.kernel.access import Actor

READ, USE, MANAGE = "assets.read", "assets.use", "assets.manage"
State = Asset.State
MOST_METRES, MOST_HOURS = 5_000_000_000, 1_000_000
SILENT = timedelta(days=7)
LATE = timedelta(days=1)  # positions that come later than that are not added to the way


class Refused(Exception):
    """It cannot be; str() says why, and what to do."""


@dataclass(frozen=True)
class Told:
    """What the register says of a piece of equipment; see `models.Asset`. keepers: telephones, as people write them."""

    kind: str
    name: str
    serial: str = ""
    maker: str = ""
    unit: str = ""
    where: str = ""
    point: Point | None = None
    bought: date | None = None
    price: int = 0
    warranty: date | None = None
    tank: int = 0
    device: int | None = None
    public: bool = True
    keepers: Sequence[str] = ()


FIELDS = ("kind", "tank", "point", "bought", "price", "warranty", "device", "public")
WORDS = {"name": 120, "serial": 60, "maker": 80, "unit": 120, "where": 200}


@transaction.atomic
def save(row: Asset | None, told: Told, *, client_id: uuid.UUID | None = None, km: int = 0, by: Actor) -> Asset:
    """Adds or changes one; one that moves must be in the actor's reach before and after. The same client_id again is the same one. km: of
    a new one. Raises Refused, Denied."""
    zone = territory.place(told.point.x, told.point.y).zone if told.point else None
    access.require(by, MANAGE, zone=zone)
    if row is None and client_id and (before := Asset.objects.filter(client_id=client_id).first()):
        access.require(by, MANAGE, zone=before.zone_id)
        return before
    new = row is None
    row = (
        Asset(code=_code(), client_id=client_id or uuid.uuid4())
        if row is None
        else Asset.objects.select_for_update().get(pk=row.pk)
    )
    if not new:
        access.require(by, MANAGE, zone=row.zone_id)
    if told.kind not in Asset.Kind.values:
        raise Refused(_("Say what kind of equipment it is."))
    for name, most in WORDS.items():
        setattr(row, name, text.clean(getattr(told, name))[:most])
    if not row.name:
        raise Refused(_("Give it a name."))
    if told.device is not None:
        _check_device(row, told.device)
        if row.device != told.device:
            row.tracked, row.ahead = timezone.now(), 0
    for name in FIELDS:
        setattr(row, name, getattr(told, name))
    row.zone_id, row.changed = zone, timezone.now()
    if new:
        row.since = row.changed
        row.metres = row.said_metres = min(max(0, km) * 1000, MOST_METRES)
    row.save()
    if new:
        StateChange.objects.create(asset=row, state=row.state, at=row.since, account=by.account)
        if row.metres:
            Reading.objects.create(asset=row, at=row.since, metres=row.metres, source="typed", account=by.account)
    _keepers(row, told.keepers)
    audit.record(by, "assets.save", f"assets.asset:{row.pk}", new=new)
    return row


def _code() -> str:
    while Asset.objects.filter(code=(code := codes.make(6))).exists():
        pass
    return code


def _keepers(row: Asset, phones: Sequence[str]) -> None:
    wanted = {people.normal_phone(one) for one in phones if one.strip()}
    row.keepers.exclude(phone__in=wanted).delete()
    Keeper.objects.bulk_create([Keeper(asset=row, phone=one) for one in sorted(wanted)], ignore_conflicts=True)


def locked(pk: int) -> Asset:
    return Asset.objects.select_for_update(of=("self",)).get(pk=pk)


@transaction.atomic
def tie(asset: int, device: int | None, *, by: Actor) -> None:
    """It is this device that says where it goes. Said again, nothing changes. Raises Refused, Denied."""
    row = locked(asset)
    access.require(by, MANAGE, zone=row.zone_id)
    if row.device != device:
        if device is not None:
            _check_device(row, device)
        row.device, row.tracked, row.ahead = device, timezone.now(), 0
        row.save(update_fields=["device", "tracked", "ahead"])
        audit.record(by, "assets.tie", f"assets.asset:{row.pk}", device=device)


def _check_device(row: Asset, device: int) -> None:
    if Asset.objects.filter(device=device).exclude(pk=row.pk).exists():
        raise Refused(_("This device is already on another piece of equipment."))
    if not telemetry.devices().filter(pk=device).exists():
        raise Refused(_("There is no such device."))


@transaction.atomic
def set_state(asset: int, state: str, why: str = "", *, by: Actor, source: str = "", ref: str = "") -> Asset:
    """From now on it is in that state. Said again, nothing changes. Only who manages retires one, or takes it back. Raises Refused, Denied."""
    row = locked(asset)
    if state not in State.values:
        raise Refused(_("There is no such state."))
    ends = State.RETIRED in (state, row.state)
    access.require(by, MANAGE if ends else USE, zone=row.zone_id)
    turn(row, state, why, by=by, source=source, ref=ref)
    return row


def turn(
    row: Asset, state: str, why: str, *, by: Actor, source: str = "", ref: str = "", at: datetime | None = None
) -> None:
    """The same, of a row that is locked, by whoever was asked already. at: when, if it was before now."""
    if row.state == state:
        return
    before, now = row.state, max(at or timezone.now(), row.since)
    row.state, row.since, row.changed = State(state), now, timezone.now()
    row.save(update_fields=["state", "since", "changed"])
    StateChange.objects.create(
        asset=row, state=state, at=now, why=text.clean(why).replace("\n", " ")[:200], account=by.account
    )
    audit.record(by, "assets.state", f"assets.asset:{row.pk}", state=state, before=before)
    events.publish(AssetState(row.pk, state, before, source, ref))


# Meters


@transaction.atomic
def read_meter(
    asset: int, *, km: int | None = None, hours: int | None = None, by: Actor, at: datetime | None = None
) -> Asset:
    """What its meters show, as somebody reads them. at: when, if it was before now; what was read at that very moment is known already, and
    changes nothing. Raises Refused where one would go back, Denied."""
    row = locked(asset)
    access.require(by, USE, zone=row.zone_id)
    if at is not None and Reading.objects.filter(asset=row, at=at, source="typed", account=by.account).exists():
        return row
    if km is None and hours is None:
        raise Refused(_("Give the kilometres or the hours."))
    if km is not None and (km * 1000 < row.said_metres or km * 1000 > MOST_METRES):
        raise Refused(_("The meter showed %(km)s km before: it does not go back.") % {"km": row.said_metres // 1000})
    if hours is not None and (hours * 60 < row.minutes or hours > MOST_HOURS):
        raise Refused(_("The meter showed %(hours)s hours before: it does not go back.") % {"hours": row.hours})
    meter(row, km=km, hours=hours, source="typed", by=by, at=at)
    audit.record(by, "assets.meter", f"assets.asset:{row.pk}")
    return row


def meter(row: Asset, *, km: int | None, hours: int | None, source: str, by: Actor, at: datetime | None = None) -> None:
    """Of a row that is locked. What a device added since the last reading stays where more than what is typed."""
    metres = None if km is None else km * 1000
    minutes = None if hours is None else hours * 60
    moment = at or timezone.now()
    if metres is not None:
        if metres >= row.metres and row.tracked is not None:
            # What its meter shows has the way until then in it: no position of before, however late it comes, adds to that.
            row.tracked, row.ahead = max(row.tracked, moment), 0
        row.said_metres, row.metres = metres, max(row.metres, metres)
    if minutes is not None:
        row.minutes = max(row.minutes, minutes)
    row.save(update_fields=["said_metres", "metres", "minutes", "tracked", "ahead"])
    Reading.objects.create(asset=row, metres=metres, minutes=minutes, source=source, account=by.account, at=moment)


def follow(now: datetime | None = None) -> int:
    """Adds the way that devices went since they were last read; what comes late, by a day at most, finds its place. How many moved. A
    Periodic."""
    moment, moved = now or timezone.now(), 0
    for pk in Asset.objects.exclude(device=None).exclude(state=State.RETIRED).values_list("pk", flat=True):
        with transaction.atomic():
            row = locked(pk)
            if row.device is None:
                continue
            places = telemetry.track(row.device, row.tracked or row.created, moment)
            # The way of the last day is measured anew each time; only what is new of it is added.
            gone = max(row.ahead, round(telemetry.metres(places)))
            if gone > row.ahead:
                row.metres, moved = row.metres + gone - row.ahead, moved + 1
            row.ahead = gone
            if not places or places[-1].at <= moment - SILENT:
                # A tracker that was silent for long is not read anew from then each time: what comes of it is late by a day at most.
                row.tracked, row.ahead = max(row.tracked or row.created, moment - SILENT), 0
                row.save(update_fields=["metres", "tracked", "ahead"])
                continue
            settled = [number for number, place in enumerate(places) if place.at <= moment - LATE]
            if settled:
                # From a position, not from a moment: the step across is not lost.
                row.tracked = places[settled[-1]].at
                row.ahead = round(telemetry.metres(places[settled[-1] :]))
            row.save(update_fields=["metres", "tracked", "ahead"])
    return moved


# What is kept of people


def erase(person: int) -> None:
    Keeper.objects.filter(phone__in=_phones(person)).delete()


def export(person: int) -> list[dict[str, Any]]:
    found = Keeper.objects.filter(phone__in=_phones(person)).select_related("asset").order_by("pk")
    return [{"equipment": str(one.asset), "code": one.asset.code, "phone": one.phone} for one in found]


def _phones(person: int) -> list[str]:
    return [one.address for one in people.reach(person) if one.medium != "email"]
