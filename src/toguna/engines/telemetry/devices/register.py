"""The register of devices: what the town owns, and what tries to speak to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from toguna.engines.telemetry.devices import decoding, keys, standard
from toguna.engines.telemetry.models import Decoder, Device, Latest, NetworkKey, Policy, Quantity, Refused
from toguna.kernel import access, audit
from toguna.kernel.access import Actor

READ, MANAGE = "telemetry.read", "telemetry.manage"


@dataclass(frozen=True)
class Told:
    """What is said of a device when it is registered; see the fields of `Device`."""

    name: str = ""
    kind: str = Device.Kind.SENSOR
    service: str = ""
    ref: str = ""
    zone: int | None = None
    decoder: int | None = None
    signed: bool = False
    phone: str = ""
    every: int | None = None
    lat: float | None = None
    lon: float | None = None
    stays: int | None = None
    fastest: int = 160
    public: bool = False


def register_device(code: str, door: str, told: Told | None = None, *, by: Actor) -> Device:
    """A device that is believed from now on. Idempotent by code: one that is there is brought to what is told, and taken out of
    quarantine; one that was retired stays so (see `take_back`). Raises ValidationError. Its key is `key_of(device)`."""
    told = told or Told()
    access.require(by, MANAGE, zone=told.zone)
    values: dict[str, Any] = {
        **{name: getattr(told, name) for name in Told.__dataclass_fields__ if name not in ("name", "decoder")},
        "name": told.name or code,
        "decoder_id": told.decoder,
        "door": door,
    }
    with transaction.atomic():
        device = Device.objects.select_for_update().filter(code=code).first()
        if device is not None:
            access.require(by, MANAGE, zone=device.zone)
        device = device or Device(code=code)
        if device.state == Device.State.WAITING:
            device.state, device.why = Device.State.ACTIVE, ""
        for name, value in values.items():
            setattr(device, name, value)
        device.full_clean()
        device.save()
        Latest.objects.get_or_create(device=device)
        audit.record(by, "telemetry.register", f"telemetry.device:{device.pk}", door=door, service=told.service)
    return device


def stand(pk: int, service: str, ref: str, zone: int | None = None, *, by: Actor) -> Device | None:
    """A service says on what of its own a device stands ("bin:K7M4XZ"; "" for nothing), and in which zone (None: as it was). None when
    there is no such device, or it was retired."""
    with transaction.atomic():
        device = Device.objects.select_for_update().exclude(state=Device.State.RETIRED).filter(pk=pk).first()
        if device is None:
            return None
        access.require(by, MANAGE, zone=device.zone)
        if (device.service, device.ref, device.zone) != (service, ref, zone or device.zone):
            device.service, device.ref, device.zone = service, ref[:60], zone or device.zone
            device.save(update_fields=["service", "ref", "zone", "changed"])
            audit.record(by, "telemetry.stand", f"telemetry.device:{pk}", service=service, ref=ref)
    return device


def key_of(device: Device) -> str:
    return keys.key(device.code, device.key_number)


def _locked(pk: int, by: Actor) -> Device:
    device = Device.objects.select_for_update().get(pk=pk)
    access.require(by, MANAGE, zone=device.zone)
    return device


def new_key(pk: int, *, by: Actor) -> Device:
    """The old key is worthless from now on."""
    with transaction.atomic():
        device = _locked(pk, by)
        device.key_number += 1
        device.save(update_fields=["key_number", "changed"])
        audit.record(by, "telemetry.new_key", f"telemetry.device:{pk}", number=device.key_number)
    return device


def accept(pk: int, *, by: Actor) -> Device:
    """Out of quarantine: somebody looked."""
    with transaction.atomic():
        device = _locked(pk, by)
        if device.state != Device.State.WAITING:
            return device
        device.state, device.why = Device.State.ACTIVE, ""
        device.save(update_fields=["state", "why", "changed"])
        Latest.objects.filter(pk=pk).update(jumps=0, swaps=0, resets=0, other_lat=None, other_lon=None, other_at=None)
        audit.record(by, "telemetry.accept", f"telemetry.device:{pk}")
    return device


def retire(pk: int, *, by: Actor) -> Device:
    with transaction.atomic():
        device = _locked(pk, by)
        device.state, device.why = Device.State.RETIRED, ""
        device.save(update_fields=["state", "why", "changed"])
        audit.record(by, "telemetry.retire", f"telemetry.device:{pk}")
    return device


def take_back(pk: int, *, by: Actor) -> Device:
    """One that was retired is in use again, with a new key: who had the old one may have kept it."""
    with transaction.atomic():
        device = _locked(pk, by)
        if device.state == Device.State.RETIRED:
            device.state, device.key_number = Device.State.ACTIVE, device.key_number + 1
            device.save(update_fields=["state", "key_number", "changed"])
            audit.record(by, "telemetry.take_back", f"telemetry.device:{pk}", number=device.key_number)
    return device


def network_number() -> int:
    return NetworkKey.objects.order_by("-number").values_list("number", flat=True).first() or 0


def new_network_key(*, by: Actor) -> None:
    """All network servers must be told the new one: the old one is worthless from now on."""
    access.require(by, MANAGE)
    with transaction.atomic():
        number = network_number() + 1
        NetworkKey.objects.create(number=number)
        audit.record(by, "telemetry.new_network_key", number=number)


def authentic(code: str, door: str, password: str) -> bool | None:
    """Whether that key opens that door to that device; None when nobody of that name is known. One statement."""
    row = Device.objects.filter(code=code).values_list("door", "key_number").first()
    if row is None:
        return None
    return row[0] == door and keys.fits(password, code, row[1])


def strangers() -> list[Refused]:
    """Who spoke to us and is not in the register, the last first."""
    return list(Refused.objects.filter(reason=Refused.Reason.UNKNOWN).order_by("-last")[:200])


def forget_stranger(pk: int, *, by: Actor) -> None:
    access.require(by, MANAGE)
    with transaction.atomic():
        row = Refused.objects.select_for_update().filter(pk=pk, reason=Refused.Reason.UNKNOWN).first()
        if row is not None:
            audit.record(by, "telemetry.forget_stranger", code=row.code)
            row.delete()


def save_decoder(slug: str, name: str, fields: list[dict[str, object]], *, by: Actor) -> Decoder:
    """How a make of device is read. It counts from the next message on."""
    access.require(by, MANAGE)
    decoding.check(fields)
    with transaction.atomic():
        row, _made = Decoder.objects.update_or_create(slug=slug, defaults={"name": name, "fields": fields})
        audit.record(by, "telemetry.save_decoder", f"telemetry.decoder:{row.pk}", fields=len(fields))
    return row


def keep_for(days: Mapping[str, Mapping[str, int]], *, by: Actor) -> None:
    """For how long: {"reading" or "position": the fields of a `Policy`}. What is in it was checked by the form; the tables keep
    `Policy.LEAST` days in any case."""
    access.require(by, MANAGE)
    with transaction.atomic():
        for table, values in days.items():
            Policy.objects.update_or_create(table=table, defaults=dict(values))
        audit.record(by, "telemetry.keep_for", days={table: dict(values) for table, values in days.items()})


def bring() -> None:
    """The quantities and policies that a town starts with, where they lack. Idempotent."""
    Quantity.objects.bulk_create(
        [
            Quantity(code=code, unit=unit, low=low, high=high, names={"fr": fr, "pt": pt, "en": en})
            for code, unit, low, high, fr, pt, en in standard.QUANTITIES
        ],
        ignore_conflicts=True,
    )
    Policy.objects.bulk_create(
        [Policy(table=table, **days) for table, days in standard.POLICIES.items()], ignore_conflicts=True
    )
