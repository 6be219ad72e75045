"""Conditions of rules: pure, so that what watches now and what is tried on past data are the same.

A condition is data (`spec`, JSON) or, in a service's code, one of these classes; `parse(spec)` makes the one into the other.
`step()` is asked at each reading of a device, and once a minute (`seen` None) of those where time alone changes the answer.

    {"kind": "threshold", "quantity": "fill", "above": 85, "clear": 75, "minutes": 10}
    {"kind": "silence", "minutes": 180}
    {"kind": "rate", "quantity": "fuel", "below": -20}                     per hour
    {"kind": "geofence", "zones": [3], "when": "outside"}                  or "lat", "lon", "metres"
    {"kind": "all", "of": [...]}   {"kind": "any", "of": [...]}
    {"kind": "during", "days": [1, 2, 3, 4, 5], "from": "19:00", "to": "05:00", "of": {...},
     "only": {"dates": ["06-01..10-15"], "market": {"every": 5, "since": "2026-01-03"}}, "not": {"holidays": true}}
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from django.contrib.gis.geos import Point
from django.utils import timezone

from toguna.engines.telemetry.rules import days
from toguna.engines.telemetry.rules.days import NOTHING_SAID, Days
from toguna.engines.territory import api as territory

State = dict[str, Any]
SPEED = "speed"  # km/h, of the position: a quantity as any other for rules
MOST_DEEP, MOST_OF = 4, 8
_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)


class BadCondition(ValueError):
    """It is no condition; str() says why."""


@dataclass(slots=True)
class Seen:
    """One reading as conditions see it. at: seconds since 1970; values: {quantity: value}, with the speed."""

    at: float
    values: Mapping[str, float]
    lat: float | None = None
    lon: float | None = None


class Window:
    """Readings of one device, oldest first, and what all of them lie within. bounds: {quantity: (lowest, highest)}; box: (south, west,
    north, east); last: the time of the newest."""

    def __init__(self, seen: list[Seen]) -> None:
        self.seen = seen
        gathered: dict[str, list[float]] = {}
        for one in seen:
            for name, value in one.values.items():
                gathered.setdefault(name, []).append(value)
        self.bounds = {name: (min(values), max(values)) for name, values in gathered.items()}
        lats = [one.lat for one in seen if one.lat is not None]
        lons = [one.lon for one in seen if one.lon is not None]
        self.box = (min(lats), min(lons), max(lats), max(lons)) if lats and lons else None
        self.last = seen[-1].at if seen else 0.0

    @property
    def times(self) -> list[float]:
        return [one.at for one in self.seen]

    def column(self, name: str) -> tuple[list[float], list[float]]:
        """Times and values of those that say this quantity."""
        rows = [(one.at, one.values[name]) for one in self.seen if name in one.values]
        return [at for at, _value in rows], [value for _at, value in rows]


class Condition(ABC):
    """needs: the quantities without one of which a reading says nothing; None: each reading says something."""

    kind: ClassVar[str]

    @property
    def needs(self) -> frozenset[str] | None:
        return None

    @property
    def timed(self) -> bool:
        """Whether time alone may change the answer."""
        return False

    @abstractmethod
    def step(self, state: State, now: float, seen: Seen | None) -> bool:
        """Whether it holds now. state: what it remembers, JSON; changed in place."""

    def quiet(self, state: State, window: Window) -> bool:
        """Whether `step()` would say False to each of these readings and remember nothing new: then it need not be asked. False: not
        known without asking."""
        return False

    def follow(self, state: State, window: Window) -> State | None:
        """Where `step()` would say False to each of these readings, but remember: what is remembered then. None: not known without
        asking."""
        return None

    def spec(self) -> dict[str, Any]:
        found = {name: value for name, value in asdict(self).items() if value is not None}  # type: ignore[call-overload]
        return {"kind": self.kind, **found}


@dataclass(frozen=True)
class Threshold(Condition):
    """above or below a value, for `minutes` at least; it ends at `clear`, which lies on the other side by as much as the
    quantity trembles."""

    kind: ClassVar[str] = "threshold"
    quantity: str
    above: float | None = None
    below: float | None = None
    clear: float | None = None
    minutes: float = 0

    @property
    def needs(self) -> frozenset[str]:
        return frozenset([self.quantity])

    @property
    def timed(self) -> bool:
        return self.minutes > 0

    def quiet(self, state: State, window: Window) -> bool:
        if state:
            return False
        low, high = window.bounds.get(self.quantity, (None, None))
        if low is None or high is None:
            return True
        return high <= self.above if self.above is not None else low >= self.below  # type: ignore[operator]

    def step(self, state: State, now: float, seen: Seen | None) -> bool:
        on = bool(state.get("on"))
        value = seen.values.get(self.quantity) if seen else None
        if value is not None:
            edge = self.clear if on and self.clear is not None else None
            if self.above is not None:
                beyond = value > (self.above if edge is None else edge)
            else:
                beyond = value < (self.below if edge is None else edge)  # type: ignore[operator]
            if beyond and "since" not in state and self.minutes:
                state["since"] = now
            if beyond != on:
                if beyond:
                    state["on"] = True
                else:
                    state.clear()
            on = beyond
        return on and (not self.minutes or now - state.get("since", now) >= self.minutes * 60)


@dataclass(frozen=True)
class Silence(Condition):
    """Nothing came for that long."""

    kind: ClassVar[str] = "silence"
    minutes: float

    @property
    def timed(self) -> bool:
        return True

    def quiet(self, state: State, window: Window) -> bool:
        return "last" in state and window.last - state["last"] <= self.minutes * 6

    def follow(self, state: State, window: Window) -> State | None:
        last = state.get("last", -math.inf)
        for now in window.times:
            if now - last > self.minutes * 6:
                last = now
        return {"last": last}

    def step(self, state: State, now: float, seen: Seen | None) -> bool:
        # Written at most once in a tenth of the time: a state that changed at each reading would be a write at each.
        if seen is not None:
            if now - state.get("last", -math.inf) > self.minutes * 6:
                state["last"] = now
            return False
        return "last" in state and now - state["last"] > self.minutes * 66


@dataclass(frozen=True)
class Rate(Condition):
    """It grows faster than `above`, or falls faster than `below` (a number under 0), per hour, between two readings a minute
    apart at least."""

    kind: ClassVar[str] = "rate"
    quantity: str
    above: float | None = None
    below: float | None = None

    @property
    def needs(self) -> frozenset[str]:
        return frozenset([self.quantity])

    def quiet(self, state: State, window: Window) -> bool:
        return self.quantity not in window.bounds and not state.get("on")

    def follow(self, state: State, window: Window) -> State | None:
        if state.get("on"):
            return None
        last, before = state.get("at"), state.get("value", 0.0)
        above = math.inf if self.above is None else self.above
        below = -math.inf if self.below is None else self.below
        for now, value in zip(*window.column(self.quantity), strict=True):
            if last is not None:
                if now - last < 60:
                    continue
                if not below <= (value - before) / (now - last) * 3600 <= above:
                    return None
            last, before = now, value
        return state if last is None else {"at": last, "value": before, "on": False}

    def step(self, state: State, now: float, seen: Seen | None) -> bool:
        value = seen.values.get(self.quantity) if seen else None
        if value is None:
            return bool(state.get("on"))
        if "at" in state and now - state["at"] < 60:
            return bool(state.get("on"))
        on = False
        if "at" in state:
            change = (value - state["value"]) / (now - state["at"]) * 3600
            on = (self.above is not None and change > self.above) or (self.below is not None and change < self.below)
        state.update(at=now, value=value, on=on)
        return on


@dataclass(frozen=True)
class Geofence(Condition):
    """outside, or inside, of these zones of the town, or of a circle."""

    kind: ClassVar[str] = "geofence"
    zones: tuple[int, ...] = ()
    lat: float | None = None
    lon: float | None = None
    metres: float | None = None
    when: str = "outside"

    @cached_property
    def _shapes(self) -> list[Any]:
        return [shape.prepared for _name, shape in territory.zone_shapes(list(self.zones))]

    def quiet(self, state: State, window: Window) -> bool:
        if state.get("on"):
            return False
        if window.box is None:
            return True
        if self.metres is None or self.when != "outside":
            return False
        south, west, north, east = window.box  # all of it in the circle, when its further corners are
        lat0, lon0, near = self.lat or 0, self.lon or 0, self.metres * 0.99
        lon = west if lon0 - west > east - lon0 else east
        return metres_between(lat0, lon0, south, lon) < near and metres_between(lat0, lon0, north, lon) < near

    def step(self, state: State, now: float, seen: Seen | None) -> bool:
        if seen is None or seen.lat is None or seen.lon is None:
            return bool(state.get("on"))
        if self.metres is not None:
            inside = metres_between(self.lat or 0, self.lon or 0, seen.lat, seen.lon) <= self.metres
        else:
            point = Point(seen.lon, seen.lat, srid=4326)
            inside = any(shape.contains(point) for shape in self._shapes)
        on = inside == (self.when == "inside")
        if on != bool(state.get("on")):
            state["on"] = on
        return on

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), "zones": list(self.zones)}


@dataclass(frozen=True)
class _Several(Condition):
    of: tuple[Condition, ...] = ()

    @property
    def needs(self) -> frozenset[str] | None:
        found: frozenset[str] = frozenset()
        for one in self.of:
            if one.needs is None:
                return None
            found |= one.needs
        return found

    @property
    def timed(self) -> bool:
        return any(one.timed for one in self.of)

    def quiet(self, state: State, window: Window) -> bool:
        if not state:
            return all([one.quiet({}, window) for one in self.of])  # noqa: C419 - a few, and asked for each device
        return all(one.quiet(state.get(str(number), {}), window) for number, one in enumerate(self.of))

    def _each(self, state: State, now: float, seen: Seen | None) -> list[bool]:
        found = []
        for number, one in enumerate(self.of):
            own = state.get(str(number), {})
            found.append(one.step(own, now, seen))
            if own:
                state[str(number)] = own
            else:
                state.pop(str(number), None)
        return found

    def spec(self) -> dict[str, Any]:
        return {"kind": self.kind, "of": [one.spec() for one in self.of]}


@dataclass(frozen=True)
class All(_Several):
    kind: ClassVar[str] = "all"

    def step(self, state: State, now: float, seen: Seen | None) -> bool:
        return all(self._each(state, now, seen))


@dataclass(frozen=True)
class Any_(_Several):
    kind: ClassVar[str] = "any"

    def step(self, state: State, now: float, seen: Seen | None) -> bool:
        return any(self._each(state, now, seen))


@dataclass(frozen=True)
class During(Condition):
    """Only on these weekdays (1 Monday to 7 Sunday), between these hours of the town ("19:00" to "05:00" goes over midnight, and is
    of the day on which it begins). only: on days that are all that it says; never: on days that are any of what it says."""

    kind: ClassVar[str] = "during"
    of: Condition
    days: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    start: str = "00:00"
    end: str = "24:00"
    only: Days = NOTHING_SAID
    never: Days = NOTHING_SAID

    @property
    def needs(self) -> frozenset[str] | None:
        return self.of.needs

    @property
    def timed(self) -> bool:
        return True

    def quiet(self, state: State, window: Window) -> bool:
        return self.of.quiet(state.get("of", {}), window)

    def follow(self, state: State, window: Window) -> State | None:
        inner = self.of.follow(state.get("of", {}), window)
        if inner is None:
            return None
        return {"of": inner} if inner else {}

    def step(self, state: State, now: float, seen: Seen | None) -> bool:
        own = state.setdefault("of", {})
        holds = self.of.step(own, now, seen)
        if not own:
            del state["of"]
        return holds and self._now(now)

    def _now(self, now: float) -> bool:
        local = datetime.fromtimestamp(now, timezone.get_default_timezone())
        clock, day = f"{local:%H:%M}", local.date()
        if self.start <= self.end:
            return self.start <= clock < self.end and self._on(day)
        if clock >= self.start:
            return self._on(day)
        return clock < self.end and self._on(day - timedelta(days=1))

    def _on(self, day: date) -> bool:
        return day.isoweekday() in self.days and all(self.only.tests(day)) and not any(self.never.tests(day))

    def spec(self) -> dict[str, Any]:
        found = {"kind": "during", "days": list(self.days), "from": self.start, "to": self.end, "of": self.of.spec()}
        return found | {name: said for name, said in (("only", self.only.spec()), ("not", self.never.spec())) if said}


def metres_between(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """On a sphere, as the straight line of a small place: within 0.5% up to 100 km, away from the poles."""
    x = math.radians(lon2 - lon1) * math.cos(math.radians((lat1 + lat2) / 2))
    return 6371000 * math.hypot(x, math.radians(lat2 - lat1))


def _number(spec: Mapping[str, Any], name: str, low: float = -1e12, high: float = 1e12) -> float | None:
    value = spec.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadCondition(f"{name} is a number from {low:g} to {high:g}")
    return float(value)


def _quantity(spec: Mapping[str, Any]) -> str:
    found = spec.get("quantity")
    if not isinstance(found, str) or not found:
        raise BadCondition("quantity?")
    return found


def parse(spec: Any, deep: int = 0) -> Condition:
    """Raises BadCondition."""
    if not isinstance(spec, Mapping) or deep > MOST_DEEP:
        raise BadCondition("a condition is an object, in four others at most")
    kind = spec.get("kind")
    if kind == "threshold":
        found = Threshold(
            _quantity(spec), _number(spec, "above"), _number(spec, "below"), _number(spec, "clear"),
            _number(spec, "minutes", 0, 100_000) or 0,
        )  # fmt: skip
        if (found.above is None) == (found.below is None):
            raise BadCondition("above or below, one of them")
        if found.clear is not None and (
            (found.above is not None and found.clear > found.above)
            or (found.below is not None and found.clear < found.below)
        ):
            raise BadCondition("clear lies on the quiet side of the threshold")
        return found
    if kind == "silence":
        return Silence(_number(spec, "minutes", 1, 100_000) or 60)
    if kind == "rate":
        made = Rate(_quantity(spec), _number(spec, "above"), _number(spec, "below"))
        if made.above is None and made.below is None:
            raise BadCondition("above or below")
        return made
    if kind == "geofence":
        return _geofence(spec)
    if kind in ("all", "any"):
        of = spec.get("of")
        if not isinstance(of, list | tuple) or not 1 <= len(of) <= MOST_OF:
            raise BadCondition(f"of: 1 to {MOST_OF} conditions")
        parts = tuple(parse(one, deep + 1) for one in of)
        return All(parts) if kind == "all" else Any_(parts)
    if kind == "during":
        return _during(spec, deep)
    raise BadCondition(f"no such condition: {kind!r}")


def _during(spec: Mapping[str, Any], deep: int) -> During:
    week = spec.get("days", [1, 2, 3, 4, 5, 6, 7])
    if not isinstance(week, list | tuple) or not week or not all(day in range(1, 8) for day in week):
        raise BadCondition("days: 1 (Monday) to 7")
    start, end = str(spec.get("from", "00:00")), str(spec.get("to", "24:00"))
    for clock in (start, end):
        if not _CLOCK.fullmatch(clock):
            raise BadCondition("from and to are hours such as 08:00")
    if start == end:
        raise BadCondition("from and to are the same: no time is between")
    named = {}
    for name in ("only", "not"):
        try:
            named[name] = days.read(spec[name]) if name in spec else NOTHING_SAID
        except ValueError as error:
            raise BadCondition(f"{name}: {error}") from error
    return During(parse(spec.get("of"), deep + 1), tuple(week), start, end, named["only"], named["not"])


def _geofence(spec: Mapping[str, Any]) -> Geofence:
    when, zones = spec.get("when", "outside"), spec.get("zones", [])
    if when not in ("outside", "inside"):
        raise BadCondition("when: outside or inside")
    if not isinstance(zones, list | tuple) or not all(type(pk) is int for pk in zones):
        raise BadCondition("zones: their numbers")
    metres = _number(spec, "metres", 1, 1_000_000)
    lat, lon = _number(spec, "lat", -90, 90), _number(spec, "lon", -180, 180)
    if (metres is None) != (lat is None or lon is None) or (metres is None) == (not zones):
        raise BadCondition("zones, or lat, lon and metres")
    return Geofence(tuple(zones), lat, lon, metres, when)


__all__ = [
    "SPEED", "All", "Any_", "BadCondition", "Condition", "During", "Geofence", "Rate", "Seen", "Silence", "State", "Threshold",
    "Window", "metres_between", "parse",
]  # fmt: skip
