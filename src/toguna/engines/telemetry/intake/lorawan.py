"""What LoRaWAN network servers send: ChirpStack v4 (HTTP integration, JSON) and The Things Stack v3 (webhook, JSON).

https://www.chirpstack.io/docs/chirpstack/integrations/events.html and https://www.thethingsindustries.com/docs/integrations/data-formats/
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from toguna.engines.telemetry.intake.observation import Unreadable, moment, number

_NANOSECONDS = re.compile(r"(\.\d{6})\d+")


class NoUplink(Unreadable):
    """A join, an acknowledgement, a status without a battery...: nothing that we keep, and nothing wrong."""


@dataclass
class Uplink:
    """eui: 16 hexadecimal figures, lower case; payload: as the device sent it; decoded: what the network server made of it."""

    eui: str
    at: float | None
    counter: int | None
    port: int | None
    payload: bytes
    decoded: dict[str, Any] = field(default_factory=dict)
    signal: float | None = None
    battery: float | None = None


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    if not isinstance(said, dict):
        raise Unreadable("an object")
    return said


def _part(said: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inner = said.get(name)
        if not isinstance(inner, dict):
            return {}
        said = inner
    return said


def _eui(value: Any) -> str:
    text = str(value or "").lower()
    if len(text) != 16 or any(c not in "0123456789abcdef" for c in text):
        raise Unreadable("no DevEUI")
    return text


def _bytes(value: Any) -> bytes:
    if value is None:
        return b""
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("the payload is no base64") from error


def _counter(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**32 else None


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in found.items()}


def _signal(rows: Any) -> float | None:
    heard = [number(row.get("rssi")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return max((value for value in heard if value is not None), default=None)


def chirpstack(body: bytes) -> Uplink:
    """Of an uplink, or of a status, which says the battery. Raises Unreadable, NoUplink."""
    said = _object(body)
    battery = None
    if "margin" in said or "batteryLevel" in said:  # of a status
        if "batteryLevel" not in said or said.get("externalPowerSource") or said.get("batteryLevelUnavailable"):
            raise NoUplink("a status without a battery")
        battery = number(said["batteryLevel"])
    # Proto3 JSON may leave a zero out: the first frame has no fCnt; a status has none at all.
    counter = said.get("fCnt", 0) if battery is None else None
    return Uplink(
        _eui(_part(said, "deviceInfo").get("devEui")), _time(said.get("time")), _counter(counter), _counter(said.get("fPort")),
        _bytes(said.get("data")), _flat(_part(said, "object")), _signal(said.get("rxInfo")), battery,
    )  # fmt: skip


def things_stack(body: bytes) -> Uplink:
    """Raises Unreadable, NoUplink."""
    said = _object(body)
    up = _part(said, "uplink_message")
    if not up:
        if "uplink_message" not in said and "end_device_ids" in said:
            raise NoUplink("another message than an uplink")
        raise Unreadable("no uplink_message")
    eui = _part(said, "end_device_ids").get("dev_eui")
    battery = number(_part(up, "last_battery_percentage").get("value"))
    # Proto3 JSON leaves a zero out: the first frame has no f_cnt.
    return Uplink(
        _eui(eui), _time(up.get("received_at") or said.get("received_at")), _counter(up.get("f_cnt", 0)), _counter(up.get("f_port")),
        _bytes(up.get("frm_payload")), _flat(_part(up, "decoded_payload")), _signal(up.get("rx_metadata")), battery,
    )  # fmt: skip


def _time(value: Any) -> float | None:
    """Nanoseconds are cut: Python reads microseconds."""
    return moment(_NANOSECONDS.sub(r"\1", value) if isinstance(value, str) else value)
