"""What devices say by SMS: `fill=71 battery=88 seq=12`, as trackers do (`lat:12.65 long:-8.00 speed:0.0`), in one line or several."""

from __future__ import annotations

import re

from toguna.engines.telemetry.intake import observation
from toguna.engines.telemetry.intake.observation import Observation, Unreadable

_PAIR = re.compile(r"\b([A-Za-z][A-Za-z0-9_]{0,29})\s*[:=]\s*([+-]?\d{1,15}(?:\.\d{1,9})?)(?![\d:/])")
_NAMES = {
    "long": "lon",
    "lng": "lon",
    "latitude": "lat",
    "longitude": "lon",
    "bat": "battery",
    "batt": "battery",
    "temp": "temperature",
}


def read(text: bytes) -> list[Observation]:
    """Raises Unreadable."""
    found = _PAIR.findall(text.decode("utf-8", "replace"))
    if not found:
        raise Unreadable("no name=number")
    said: dict[str, int | float] = {}
    for name, value in found[:50]:
        name = name.lower()
        said[_NAMES.get(name, name)] = int(value) if value.isdecimal() else float(value)
    return observation.listed([said])
