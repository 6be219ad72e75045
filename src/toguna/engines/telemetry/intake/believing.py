"""Who a message is from, whether that is proved, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from toguna.engines.telemetry.devices import changes, decoding, keys, register
from toguna.engines.telemetry.intake import lorawan, observation, words
from toguna.engines.telemetry.intake.observation import Observation, Unreadable
from toguna.engines.telemetry.intake.spool import Record
from toguna.engines.telemetry.models import Device, Policy, Quantity, Refused
from toguna.engines.telemetry.rules import declared, watching

SIGNED_BEHIND = 30 * 86400.0  # for signed ones, whose repeats must be found: less than what the tables keep


@dataclass(slots=True)
class Known:
    """A device of the register, as the loader needs it."""

    id: int
    code: str
    door: str
    state: str
    key_number: int
    signed: bool
    fields: Any
    watched: watching.Watched
    fastest: int
    lat: float | None
    lon: float | None
    stays: int | None
    phone: str


class Register:
    """The devices in memory, read anew when one changed: each batch costs one small statement. network: of the key of network servers;
    behind: how old what is signed may be, seconds."""

    def __init__(self) -> None:
        self.devices: dict[str, Known] = {}
        self.quantities: dict[str, tuple[int, float, float]] = {}
        self.network, self.behind = 0, SIGNED_BEHIND
        self._codes: dict[int, str] = {}
        self._changes = changes.Changes("device", "decoder", "quantity", "policy", "network_key")

    def refresh(self) -> None:
        with self._changes.since() as changed:
            if changed is None or changed:
                self._read(changed)

    def forget(self) -> None:
        """All is read anew."""
        self._changes.forget()

    def _read(self, changed: set[int] | None) -> None:
        rows = Device.objects.select_related("decoder")
        if changed is None:
            self.devices, self._codes = {}, {}
            declared.bring()
            if not Quantity.objects.exists():
                register.bring()
            self.quantities = {
                q.code: (q.id, -1e300 if q.low is None else q.low, 1e300 if q.high is None else q.high)
                for q in Quantity.objects.all()
            }
            self.network = register.network_number()
            # What is older than what the tables keep would not be found when it comes again.
            days = Policy.objects.filter(table="reading").values_list("raw_days", flat=True).first()
            # Without a policy nothing leaves the tables.
            self.behind = SIGNED_BEHIND if days is None else min(SIGNED_BEHIND, (max(days, Policy.LEAST) - 1) * 86400.0)
        else:
            rows = rows.filter(pk__in=changed)
            for pk in changed:
                self.devices.pop(self._codes.pop(pk, ""), None)
        for row in rows.iterator(5000):
            self._codes[row.pk] = row.code
            self.devices[row.code] = Known(
                row.pk, row.code, row.door, row.state, row.key_number, row.signed,
                row.decoder.fields if row.decoder else None,
                watching.Watched(row.pk, row.name, row.service, row.ref, row.kind, row.zone),
                row.fastest, row.lat, row.lon, row.stays, row.phone,
            )  # fmt: skip


REGISTER = Register()


def believed(record: Record, device: Known | None) -> tuple[str, bytes]:
    """(why it is not believed, what it says without its signature)."""
    if device is None:
        return Refused.Reason.UNKNOWN, record.body
    if record.door != device.door:
        return Refused.Reason.DOOR, record.body
    kind, _colon, proof = record.proof.partition(":")
    if kind == "phone" and (not device.phone or proof != device.phone):
        return Refused.Reason.KEY, record.body
    if kind == "key" and not keys.fits(proof, device.code, device.key_number):
        return Refused.Reason.KEY, record.body
    if kind == "network" and not keys.fits(proof, keys.NETWORK, REGISTER.network):
        return Refused.Reason.KEY, record.body
    body, signature = keys.split(record.body)
    if kind == "sig":
        body, signature = record.body, proof
    if signature and not keys.signature_fits(body, signature, device.code, device.key_number):
        return Refused.Reason.SIGNATURE, record.body
    if not signature and (device.signed or kind not in ("key", "door", "phone", "network")):
        return (Refused.Reason.SIGNATURE if device.signed else Refused.Reason.KEY), record.body
    if device.state == Device.State.RETIRED:
        return Refused.Reason.RETIRED, record.body
    if device.state == Device.State.WAITING:
        return Refused.Reason.QUARANTINE, record.body
    return "", body


# How a body is read: (bytes, device) -> observations. Raises Unreadable.
Form = Callable[[bytes, Known], Sequence[Observation]]


def _json(body: bytes, device: Known) -> Sequence[Observation]:
    if device.fields is None:
        return observation.read(body)
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    rows = said if isinstance(said, list) else [said]
    if len(rows) > observation.MOST:
        raise Unreadable("too many")
    found = []
    for row in rows:
        if not isinstance(row, dict):
            raise Unreadable("an observation is an object")
        # What every device may say of itself, then what its decoder knows.
        own = {name: row[name] for name in ("at", "seq", "lat", "lon", "speed", "course", "altitude") if name in row}
        found += observation.listed({**own, **decoding.from_json(device.fields, row)})
    return found


def _network(read: Callable[[bytes], lorawan.Uplink]) -> Form:
    def form(body: bytes, device: Known) -> Sequence[Observation]:
        up = read(body)
        values: dict[str, Any] = {}
        if device.fields is None:
            values = {name: value for name, value in up.decoded.items() if observation.number(value) is not None}
        else:
            values = decoding.from_json(device.fields, up.decoded, up.port)
            values |= decoding.from_bytes(device.fields, up.payload, up.port)
        own = {"at": up.at, "seq": up.counter}
        more = {name: value for name, value in (("signal", up.signal), ("battery", up.battery)) if value is not None}
        return observation.listed([{**own, **more, **values}])

    return form


FORMS: dict[str, Form] = {
    "json": _json,
    "chirpstack": _network(lorawan.chirpstack),
    "ttn": _network(lorawan.things_stack),
    "words": lambda body, device: words.read(body),
}
