"""What is to be fetched on a day, and why; by which trucks, and where they can be emptied. Reads only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from toguna.engines.assets import api as assets
from toguna.services.waste.models import Call, DayPlan, LeftOut, Round, Truck, Visit, WastePlace
from toguna.services.waste.rounds.problem import DAY, Pause, Why
from toguna.services.waste.rounds.ways import Point

FULL = 90  # percent: nobody should find a bin fuller
AT_MOST = timedelta(days=7)  # without a visit, however empty: it smells
WEEK = timedelta(days=7)
UNKNOWN = timedelta(days=3)  # a bin of which nothing is forecast
MOST = 150  # percent of its capacity: what lies around an overflowing bin is also taken
SERVICE, PER_LITRE = 45, 0.06  # seconds
EMPTYING = {WastePlace.Kind.DUMP: 600, WastePlace.Kind.STATION: 420}
CALL_SERVICE = 600

# What leaving it for tomorrow would cost, in times what serving a stop costs.
WORTH = {"said": 8, "call": 6, "full": 5, "long": 4, "soon": 2, "unknown": 2, "point": 20}
LEFT = 20  # of what was left: far more than reasons differ by, so that it goes first whatever its reason; and so many times more with
LEFT_AGAIN = 4  # each day more: who lives far, for whom a truck has to leave out ten others, then waits two days longer than they
FOR_GOOD = ("missing", "empty")  # what a driver says of a stop, and another day would not change


@dataclass(frozen=True)
class Due:
    """key: "p12" (a place) or "c7" (a call). why: said (somebody says that it is full), full (it will be), soon (before the next
    round), long (not visited for long), unknown (nothing is known of it), call (waste where there is no bin), point (brought by carts).
    facts: what is known of it; "left": the days on which it was left, "waits": those on which it was not worth its way, since it was last served."""

    key: str
    point: Point
    name: str
    zone: int | None
    volume: int
    weight: int
    service: int
    why: str
    windows: tuple[tuple[int, int], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


_PLACES = """
SELECT p.id, p.name, ST_X(p.point), ST_Y(p.point), p.zone_id, p.capacity, p.served, p.kind,
    f.level, f.rate, f.computed, f.full, f.error,
    (SELECT max(l.at) FROM waste_fill l WHERE l.place_id = p.id AND l.emptied),
    EXISTS (SELECT FROM waste_place_said s WHERE s.place_id = p.id AND s.what IN ('full', 'dirty') AND s.done IS NULL),
    COALESCE((SELECT max(m.density) FROM waste_taken t JOIN waste_material m ON m.id = t.material_id WHERE t.place_id = p.id), 250)
FROM waste_place p LEFT JOIN waste_forecast f ON f.place_id = p.id
WHERE p.kind IN ('bin', 'point') AND p.state = 'open' AND p.capacity > 0
ORDER BY p.id
"""


def worth(due: Due) -> int:
    """What leaving it would cost, in times what serving a stop costs; for what was not worth its way, that many times more with each day."""
    waits, left = (len(due.facts.get(key, ())) for key in ("waits", "left"))
    return WORTH[due.why] * (1 + waits) + (LEFT * LEFT_AGAIN ** (left - 1) if left else 0)


def moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))


def moment_of(day: date, seconds: int) -> datetime:
    """Seconds after midnight."""
    return moment(day, time(0)) + timedelta(seconds=seconds)


def seconds_of(day: date, now: datetime) -> int:
    """Since its midnight."""
    return max(0, int((now - moment_of(day, 0)).total_seconds()))


def due(day: date, *, everything: bool = False) -> list[Due]:
    """All that should be fetched that day. everything: also what could wait (to weigh the present rounds)."""
    noon = moment(day, time(12))
    tomorrow = noon + timedelta(days=1)
    undone = _undone(day)
    found: list[Due] = []
    with connection.cursor() as cursor:
        cursor.execute(_PLACES)
        rows = cursor.fetchall()
    for (
        pk,
        name,
        lon,
        lat,
        zone,
        capacity,
        served,
        _kind,
        level,
        rate,
        computed,
        full,
        error,
        emptied,
        said,
        density,
    ) in rows:
        facts: dict[str, Any] = {}
        percent = 60.0
        if level is not None:
            percent = max(5.0, level + rate * (noon - computed).total_seconds() / DAY)
            facts = {"level": round(percent), "full": full.isoformat(), "error": error}
        if emptied is not None:
            facts["last"] = emptied.isoformat()
        since = timezone.localdate(emptied) if emptied is not None else date.min
        for how, days in undone.get(f"p{pk}", {}).items():
            if after := [one.isoformat() for one in days if one > since]:
                facts[how] = after
        why = ""
        if said:
            why, percent = "said", max(percent, 100.0)
        elif level is not None and percent >= FULL:
            why = "full"
        elif level is not None and full - timedelta(days=min(error, 1.0) / 2) < tomorrow:
            why = "soon"
        elif emptied is not None and noon - emptied >= AT_MOST:
            why = "long"
        elif level is None and (emptied is None or noon - emptied >= UNKNOWN):
            why = "unknown"
        if not (why or everything):
            continue
        litres = round(capacity * min(percent, MOST) / 100)
        found.append(
            Due(
                f"p{pk}", (lon, lat), name, zone, litres, round(litres * density / 1000), round(SERVICE + litres * PER_LITRE), why,
                windows_of(json.loads(served), day), facts,
            )
        )  # fmt: skip
    for call in Call.objects.filter(state=Call.State.OPEN).order_by("pk"):
        found.append(called(call))
        found[-1].facts.update(
            {how: [one.isoformat() for one in days] for how, days in undone.get(f"c{call.pk}", {}).items()}
        )
    return found


def _undone(day: date) -> dict[str, dict[str, list[date]]]:
    """Of the rounds that crews had in the week before: key of a stop -> "left": the days on which it was left though another day may serve it,
    and "waits": those on which it was not worth its way; both since the last on which it was done with."""
    week, published = (day - WEEK, day - timedelta(days=1)), DayPlan.State.PUBLISHED
    rows = LeftOut.objects.filter(plan__day__range=week, plan__state=published).exclude(facts__why="point")
    days = {
        (f"p{place}" if place else f"c{call}", on): "waits" if why == Why.NOT_WORTH else "left"
        for place, call, on, why in rows.values_list("place", "call", "plan__day", "why")
    }
    visits = Visit.objects.filter(round__plan__day__range=week, round__plan__state=published, kind=Visit.Kind.STOP)
    for place, call, on, state, reason, round_, returns in visits.exclude(why="point").values_list(
        "place", "call", "round__plan__day", "state", "reason", "round__state", "round__returns"
    ):
        if state == Visit.State.PLANNED and round_ in Round.GOING and returns > timezone.now():
            continue  # it may still be done
        done = state == Visit.State.DONE or (state == Visit.State.SKIPPED and reason in FOR_GOOD)
        days[f"p{place}" if place else f"c{call}", on] = "" if done else "left"
    found: dict[str, dict[str, list[date]]] = {}
    for (key, on), how in sorted(days.items(), key=lambda row: row[0][1]):
        if how:
            found.setdefault(key, {}).setdefault(how, []).append(on)
        else:
            found.pop(key, None)
    return found


def called(call: Call) -> Due:
    return Due(
        f"c{call.pk}", (call.point.x, call.point.y), call.name, call.zone_id, call.volume, call.weight, CALL_SERVICE, "call",
        facts={"opened": call.opened.isoformat(), "case": call.case},
    )  # fmt: skip


def windows_of(hours: Sequence[Any], day: date) -> tuple[tuple[int, int], ...]:
    """Hours of that day in seconds; none: always open; a day on which it is closed has one that nobody can keep."""
    if not hours:
        return ()
    found = [(_seconds(h["from"]), _seconds(h["to"])) for h in hours if day.isoweekday() in h.get("days", ())]
    return tuple(sorted(found)) or ((-1, -1),)


def _seconds(typed: str) -> int:
    hour, minute = typed.split(":")
    return int(hour) * 3600 + int(minute) * 60


def of_time(at: time) -> int:
    return at.hour * 3600 + at.minute * 60


@dataclass(frozen=True)
class Emptied:
    """A dump or a transfer station that is open that day. windows: when it may be come to, seconds."""

    key: str
    place: int
    point: Point
    name: str
    station: bool
    service: int
    windows: tuple[tuple[int, int], ...]


def dumps(day: date, only: Sequence[int] = ()) -> list[Emptied]:
    """only: ids of places; none: all of them."""
    rows = WastePlace.objects.filter(kind__in=list(EMPTYING), state=WastePlace.State.OPEN).order_by("pk")
    found = []
    for place in rows.filter(pk__in=only) if only else rows:
        windows = windows_of(place.truck_hours, day) or ((0, DAY),)
        if windows[0][0] < 0:
            continue
        kind = WastePlace.Kind(place.kind)
        found.append(
            Emptied(
                f"p{place.pk}", place.pk, (place.point.x, place.point.y), place.name, kind == WastePlace.Kind.STATION,
                EMPTYING[kind], windows,
            )
        )  # fmt: skip
    return found


def pause_of(truck: Truck) -> Pause | None:
    if not truck.pause_minutes or truck.pause_from is None or truck.pause_until is None:
        return None
    return Pause(of_time(truck.pause_from), of_time(truck.pause_until), truck.pause_minutes * 60)


def trucks() -> list[Truck]:
    """Those in use; not those that the register of equipment knows to be broken down, in upkeep or retired."""
    rows = list(Truck.objects.filter(active=True).select_related("depot").prefetch_related("quarters"))
    off = assets.unavailable(t.asset for t in rows if t.asset is not None)
    return [t for t in rows if t.asset not in off]


def heaps(day: date, today: Sequence[Visit] = ()) -> dict[str, tuple[int, int]]:
    """What carts have left at each place where they are emptied, in the week before and in those of `today`, less what trucks have fetched
    there since: litres, kilograms."""
    rows = Visit.objects.filter(round__plan__day__range=(day - WEEK, day - timedelta(days=1)), state=Visit.State.DONE)
    before = rows.filter(round__plan__state=DayPlan.State.PUBLISHED).select_related("round__truck")
    found: dict[str, tuple[int, int]] = {}
    loads: dict[int, tuple[int, int]] = {}
    done = [v for v in (*before, *today) if v.state == Visit.State.DONE and v.kind != Visit.Kind.PAUSE]
    for visit in sorted(done, key=lambda v: (v.at or v.arrives, v.number)):
        key, takes = f"p{visit.place_id}", (visit.takes, visit.takes_kg)
        if visit.why == "point":
            litres, kilograms = found.get(key, (0, 0))
            found[key] = (max(0, litres - takes[0]), max(0, kilograms - takes[1]))
        elif visit.round.truck.mode == Truck.Mode.TRUCK:
            continue
        elif visit.kind == Visit.Kind.DUMP:
            found[key] = _sum(found.get(key, (0, 0)), loads.pop(visit.round_id, (0, 0)))
        else:
            loads[visit.round_id] = _sum(loads.get(visit.round_id, (0, 0)), takes)
    return found


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def key_of(visit: Visit) -> str:
    """Of a stop; "" for the rest."""
    if visit.kind != Visit.Kind.STOP:
        return ""
    key = f"p{visit.place_id}" if visit.place_id else f"c{visit.call_id}"
    return f"t{key}" if visit.why == "point" else key
