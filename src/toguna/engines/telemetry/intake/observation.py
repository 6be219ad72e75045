"""What a device says, whatever its tongue: a list of `Observation`. `read()` is our own tongue, JSON; others are made into it.

One object or a list of them:

    {"at": "2026-11-29T08:00:00Z", "seq": 41, "lat": 12.65, "lon": -8.0, "speed": 23.5, "fill": 71, "battery": 88}

at: ISO 8601 or seconds since 1970 (or milliseconds); seq: the message's own number, growing; lat, lon: degrees; speed: km/h;
course: degrees; altitude: metres; every other number (or true, false) is the quantity of that name. `"values": {...}` may hold them.
SenML (RFC 8428) is understood too: `[{"bt": 1764403200, "n": "fill", "v": 71}, ...]`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MOST = 5000  # observations in one message
OWN = frozenset(["at", "seq", "lat", "lon", "speed", "course", "altitude", "values", "sig"])


class Unreadable(Exception):
    """It is not what it should be; str() says what is wrong, for developers."""


@dataclass(slots=True)
class Observation:
    """at: seconds since 1970, None: when it came; speed: km/h; values: {quantity: value}."""

    at: float | None = None
    seq: int = -1
    lat: float | None = None
    lon: float | None = None
    speed: float | None = None
    course: float | None = None
    altitude: float | None = None
    values: dict[str, float] = field(default_factory=dict)


def moment(value: Any) -> float | None:
    """Seconds since 1970 of a time as devices give it. Raises Unreadable."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError) as error:
            try:
                value = float(value)
            except ValueError:
                raise Unreadable(f"no time: {value[:40]!r}") from error
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e15 < value < 1e15:
        raise Unreadable("no time")
    return value / 1000 if abs(value) > 1e11 else float(value)


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool | int | float) and -1e300 < value < 1e300:
        return float(value)
    return None


def _whole(value: Any) -> int:
    if value is None:
        return -1
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**62:
        raise Unreadable("seq is a whole number from 0")
    return value


def read(text: bytes) -> list[Observation]:
    """Raises Unreadable."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    return listed(said)


def listed(said: Any) -> list[Observation]:
    """The same of what is parsed already. Raises Unreadable."""
    if isinstance(said, dict):
        said = [said]
    if not isinstance(said, list) or len(said) > MOST:
        raise Unreadable(f"an object, or a list of {MOST} at most")
    if said and isinstance(said[0], dict) and ("n" in said[0] or "bn" in said[0]):
        return list(_senml(said))
    return [_one(row) for row in said]


def _one(row: Any) -> Observation:
    if not isinstance(row, dict):
        raise Unreadable("an observation is an object")
    made = Observation()
    values = made.values
    for name, value in row.items():
        kind = type(value)
        if name not in OWN:
            if kind is float:
                if -1e300 < value < 1e300:
                    values[name] = value
            elif (kind is int or kind is bool) and -1e300 < value < 1e300:
                values[name] = float(value)
        elif name == "at":
            made.at = float(value) if kind is int and 0 < value < 1e11 else moment(value)
        elif name == "seq":
            made.seq = _whole(value)
        elif name == "values":
            if kind is not dict:
                raise Unreadable("values is an object")
            for inner, given in value.items():
                found = number(given)
                if found is not None:
                    values[inner] = found
        elif name != "sig":
            setattr(made, name, number(value))
    return made


def _senml(rows: list[Any]) -> Iterator[Observation]:
    """https://www.rfc-editor.org/rfc/rfc8428: those of one time are one observation."""
    base, at, together = "", 0.0, dict[float | None, Observation]()
    for row in rows:
        if not isinstance(row, dict):
            raise Unreadable("an entry of SenML is an object")
        base = str(row.get("bn", base))
        at = number(row["bt"]) or 0.0 if "bt" in row else at
        shift = number(row.get("t", 0)) or 0.0
        when = at + shift
        # Before 2**28 a time is relative to now (section 4.5.3).
        time = when if when >= 2**28 else None
        name, value = (base + str(row.get("n", ""))).rsplit(":", 1)[-1].rsplit("/", 1)[-1], row.get("v", row.get("vb"))
        one = together.setdefault(time, Observation(at=time))
        found = number(value)
        if found is None or not math.isfinite(found):
            continue
        if name in ("lat", "lon", "speed", "course", "altitude"):
            setattr(one, name, found)
        else:
            one.values[name] = found
    yield from together.values()


def written(observations: list[Observation]) -> bytes:
    """In our own tongue: what doors that had to read a protocol put in the spool."""
    rows = []
    for one in observations:
        row: dict[str, Any] = {
            name: value
            for name in ("at", "lat", "lon", "speed", "course", "altitude")
            if (value := getattr(one, name)) is not None
        }
        if one.seq >= 0:
            row["seq"] = one.seq
        if one.values:
            row["values"] = one.values
        rows.append(row)
    return json.dumps(rows, separators=(",", ":")).encode()
