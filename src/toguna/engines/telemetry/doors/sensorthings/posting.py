"""Observations that are posted, one or many at once: through the same door, and the same checks, as whatever else a device says."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse

from toguna.engines.telemetry.doors import http
from toguna.engines.telemetry.doors.sensorthings import entities
from toguna.engines.telemetry.doors.sensorthings.query import BadQuery, phenomenon
from toguna.engines.telemetry.intake import observation, taking
from toguna.engines.telemetry.intake.observation import Observation
from toguna.engines.telemetry.models import Device, Quantity

MOST_STREAMS = 200


@dataclass(frozen=True)
class Stream:
    device: Device
    quantity: Quantity


@dataclass(frozen=True)
class Said:
    """One Observation. at: seconds since 1970, moment: the same."""

    stream: Stream
    at: float
    moment: datetime
    value: float

    @property
    def row(self) -> entities.Row:
        return entities.observation_row(self.stream.device.pk, self.stream.quantity.pk, self.moment, self.value)


def named(said: Mapping[str, Any]) -> str:
    """The Datastream that it names, "" when it names none."""
    inner = said.get("Datastream")
    return str(inner.get("@iot.id", "")) if isinstance(inner, dict) else ""


def streams(names: Sequence[str]) -> list[Stream]:
    """Two statements. Raises BadQuery when one of them is none."""
    scopes = [entities.key(name) for name in names]
    devices = Device.objects.in_bulk({scope.device or 0 for scope in scopes})
    quantities = entities.reach("", Device.objects.none()).quantities
    try:
        return [Stream(devices[scope.device or 0], quantities[scope.quantity or 0]) for scope in scopes]
    except KeyError as error:
        raise BadQuery("no such Datastream") from error


def said_of(stream: Stream, said: Mapping[str, Any]) -> Said:
    """Raises BadQuery."""
    value = observation.number(said.get("result"))
    if value is None:
        raise BadQuery("result is a number")
    at = phenomenon(said.get("phenomenonTime") or said.get("resultTime"))
    at = time.time() if at is None else at
    try:
        return Said(stream, at, entities.EPOCH + timedelta(microseconds=round(at * 1e6)), value)
    except OverflowError as error:
        raise BadQuery("phenomenonTime?") from error


def many(said: Any) -> list[Said | None]:
    """What CreateObservations says: one for each row, None where it cannot be read. Raises BadQuery.

    [{"Datastream": {"@iot.id": "1-3"}, "components": ["phenomenonTime", "result"], "dataArray": [["2026-11-29T08:00:00Z", 7.5], ...]}, ...]
    """
    if not isinstance(said, list) or len(said) > MOST_STREAMS or not all(isinstance(one, dict) for one in said):
        raise BadQuery(f"a list of {MOST_STREAMS} Datastreams at most, each with its components and its dataArray")
    if sum(len(one["dataArray"]) for one in said if isinstance(one.get("dataArray"), list)) > observation.MOST:
        raise BadQuery(f"more than {observation.MOST} Observations at once")
    found: list[Said | None] = []
    for of, one in zip(streams([named(one) for one in said]), said, strict=True):
        names, rows = one.get("components"), one.get("dataArray")
        if not isinstance(names, list) or "result" not in names or not isinstance(rows, list):
            raise BadQuery("components, result among them, and a dataArray")
        for row in rows:
            try:
                if not isinstance(row, list) or len(row) != len(names):
                    raise BadQuery("a value for each component")
                found.append(said_of(of, {str(name): value for name, value in zip(names, row, strict=True)}))
            except BadQuery:
                found.append(None)
    return found


def keep(wanted: Sequence[Said], key: str) -> HttpResponse | list[bool]:
    """Of each, whether it is kept; an answer when none can be: no device has that key, or nothing can be written."""
    if not wanted:
        return []
    proof, by = f"key:{key}", dict[int, list[Said]]()
    for one in wanted:
        by.setdefault(one.stream.device.pk, []).append(one)
    refused = {pk: http.refused(some[0].stream.device.code, Device.Door.HTTP, proof) for pk, some in by.items()}
    records = [
        taking.record(Device.Door.HTTP, some[0].stream.device.code, observation.written(_together(some)), proof=proof)
        for pk, some in by.items()
        if refused[pk] is None
    ]
    if not records:
        return next((answer for answer in refused.values() if answer is not None), http.says(202))
    done = http.taken(records)
    if done.status_code != 202:
        return done
    shown = [number for number, one in enumerate(wanted) if refused[one.stream.device.pk] is None]
    if "rows" in json.loads(done.content):  # else they wait for the database, on the disk
        asked = [wanted[number] for number in shown]
        there = entities.there([(one.stream.device.pk, one.stream.quantity.pk, one.moment, one.value) for one in asked])
        shown = [number for place, number in enumerate(shown) if place in there]
    kept = set(shown)
    return [number in kept for number in range(len(wanted))]


def _together(some: Sequence[Said]) -> list[Observation]:
    """What a device measured at one time is one observation of ours; a second result of the same quantity then is another."""
    found: list[Observation] = []
    at: dict[float, Observation] = {}
    for one in some:
        seen = at.get(one.at)
        if seen is None or one.stream.quantity.code in seen.values:
            seen = at[one.at] = Observation(at=one.at)
            found.append(seen)
        seen.values[one.stream.quantity.code] = one.value
    return found
