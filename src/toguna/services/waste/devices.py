"""Devices of telemetry on what is ours: the sensor of a bin, the tracker of a truck. Each stands on one thing.

A place says which is its sensor; of a truck in the register of equipment, it is that register that says which is its tracker.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _

from toguna.engines.assets import api as assets
from toguna.engines.telemetry import api as telemetry
from toguna.kernel.access import Actor
from toguna.services.waste.models import Truck, WastePlace

Kind = telemetry.Device.Kind
FILLS, MOVES = (Kind.SENSOR,), (Kind.TRACKER, Kind.PHONE)
MOST = 500


class Refused(Exception):
    """It cannot stand there; str() says why."""


def free(kinds: Iterable[str], mine: int | None, zones: Iterable[int] | None = None) -> list[tuple[str, str]]:
    """What can be chosen: devices of these kinds that stand on nothing yet, and one's own. zones: whose devices may be seen (and those of
    no zone); None: all."""
    rows = telemetry.devices().filter(kind__in=list(kinds), service__in=("", "waste"))
    if zones is not None:
        rows = rows.filter(zone=None) | rows.filter(zone__in=list(zones))
    taken = _taken() - {mine}
    return [("", "–"), *((str(d.pk), f"{d.name} ({d.code})") for d in rows if d.pk not in taken)][:MOST]


def _taken() -> set[int | None]:
    return {
        *WastePlace.objects.exclude(device=None).values_list("device", flat=True),
        *Truck.objects.exclude(device=None).values_list("device", flat=True),
        *assets.Asset.objects.exclude(device=None).values_list("device", flat=True),
    }


def put(device: int | None, before: int | None, kinds: Iterable[str], ref: str, zone: int | None, *, by: Actor) -> None:
    """It stands there from now on, and what stood there before stands on nothing. By whoever may change the thing. Raises Refused."""
    us = by.as_town()
    if before is not None and before != device:
        telemetry.stand(before, "waste", "", by=us)
    if device is None:
        return
    row = telemetry.stand(device, "waste", ref, zone, by=us)
    if row is None or row.kind not in kinds or (device != before and device in _taken()):
        raise Refused(_("This device is of another kind, or stands elsewhere already."))


def trackers(trucks: Iterable[Truck]) -> dict[int, int]:
    """Truck -> the device that says where it is. One statement."""
    rows = list(trucks)
    known = assets.named(t.asset for t in rows if t.asset is not None)
    tied = {pk: asset.device for pk, asset in known.items()}
    return {t.pk: device for t in rows if (device := tied.get(t.asset or 0) or t.device) is not None}


def track(truck: Truck, device: int | None, *, chosen: bool, by: Actor) -> None:
    """Before a truck is kept: its tracker is this one. chosen: somebody changed it; otherwise what the register of equipment says of it
    stays. Raises Refused."""
    asset = assets.named([truck.asset]).get(truck.asset) if truck.asset is not None else None
    if asset is not None and asset.device is not None and not chosen:
        put(None, truck.device, MOVES, "", None, by=by)
        truck.device = None
        return
    own, tied = truck.device, asset.device if asset is not None else None
    put(device, tied or own, MOVES, f"truck:{truck.plate}", None, by=by)
    truck.device = device if asset is None else None
    if asset is not None and device != tied:
        try:
            assets.tie(asset.pk, device, by=by.as_town())
        except assets.Refused as error:
            raise Refused(str(error)) from error
