"""What pages show of rounds. Few statements, however many stops."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from toguna.engines.documents import api as documents
from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory import api as territory
from toguna.services.waste import devices
from toguna.services.waste.models import DayPlan, Depot, LeftOut, Round, Visit, WastePlace
from toguna.services.waste.rounds import drawing, ways, words
from toguna.services.waste.rounds.drawing import Mark, Track
from toguna.services.waste.rounds.ways import Point

FRESH = timedelta(minutes=30)  # an older position is not where the truck is


@dataclass(frozen=True)
class Place:
    """Where a truck last was."""

    point: Point
    at: datetime


def rounds_of(plan: DayPlan) -> list[Round]:
    visits = Visit.objects.select_related("place", "call").order_by("number")
    return list(
        plan.rounds.select_related("truck__depot").prefetch_related(Prefetch("visits", visits)).order_by("truck__plate")
    )


def positions(rounds: Sequence[Round]) -> dict[int, Place]:
    """Round -> where its truck was last, by its tracker or its driver's telephone, whichever is newer. Two statements."""
    known = devices.trackers(r.truck for r in rounds)
    heard = telemetry.latest(list(known.values()))
    found: dict[int, Place] = {}
    for one in rounds:
        places = []
        last = heard.get(known.get(one.truck_id, 0))
        if last is not None and last.lat is not None and last.lon is not None and last.position_at is not None:
            places.append(Place((last.lon, last.lat), last.position_at))
        if one.spot and (at := parse_datetime(one.spot["at"])):
            places.append(Place((one.spot["lon"], one.spot["lat"]), at))
        if places:
            found[one.pk] = max(places, key=lambda p: p.at)
    return found


def name_of(visit: Visit) -> str:
    where = visit.place or visit.call
    if visit.kind == Visit.Kind.PAUSE or where is None:
        return _("Rest")
    return where.name


def photos(visits: Sequence[Visit]) -> dict[int, list[documents.File]]:
    """Visit -> what its driver photographed. One statement."""
    found: dict[int, list[documents.File]] = {}
    rows = documents.File.objects.filter(subject_name="waste.visit", subject_id__in=[v.pk for v in visits])
    for file in rows.order_by("at", "pk") if visits else ():
        found.setdefault(file.subject_id, []).append(file)
    return found


def lateness(one: Round) -> int | None:
    """Minutes that the last thing done was later (above 0) or sooner than planned; None before anything was done."""
    done = [v for v in one.visits.all() if v.at is not None]
    if not done:
        return None
    last = max(done, key=lambda v: (v.at or v.leaves, v.leaves))  # of what was said at once, the last planned
    assert last.at is not None
    return round((last.at - last.leaves).total_seconds() / 60)


def next_visit(one: Round) -> Visit | None:
    return next((v for v in one.visits.all() if v.state == Visit.State.PLANNED), None)


def expected(visit: Visit, late: int | None, now: datetime) -> datetime:
    """When a stop will be reached, as things are."""
    return max(visit.arrives + timedelta(minutes=late or 0), now)


@dataclass(frozen=True)
class Ahead:
    """Something on the rest of a truck's way since the rounds were last changed."""

    round: Round
    trouble: territory.Trouble
    words: str


def ahead(plan: DayPlan, rounds: Sequence[Round]) -> list[Ahead]:
    """Closures and jams on what trucks still have to drive: each is worth asking whether to change the rounds. Three statements."""
    going = [one for one in rounds if one.state in Round.GOING]
    found = territory.trouble_on({one.pk: (_rest(one), ways.mode_of(ways.kind_of(one.truck))) for one in going})
    changed = max((change.at for change in plan.changes.all()), default=plan.published)
    said = []
    for one in going:
        for trouble in found[one.pk]:
            if trouble.closed:
                if changed is None or (trouble.since is not None and trouble.since > changed):
                    words = _("Closed: %(what)s") % {"what": trouble.words or _("a road")}
                    said.append(Ahead(one, trouble, words))
            else:
                words = _("Traffic jam: %(kmh)s km/h instead of %(usual)s over %(metres)s m") % {
                    "kmh": trouble.kmh, "usual": trouble.usual, "metres": trouble.metres,
                }  # fmt: skip
                said.append(Ahead(one, trouble, words))
    return said


def _rest(one: Round) -> list[tuple[float, float]]:
    """The part of its line that is still to be driven, by the metres of what is done."""
    visits = list(one.visits.all())
    whole = sum(v.metres for v in visits) or 1
    done = sum(v.metres for v in visits if v.state != Visit.State.PLANNED)
    return [(x, y) for x, y in one.line[int(len(one.line) * done / whole) :]]


def picture(rounds: Sequence[Round], *, title: str, spots: dict[int, Place] | None = None) -> Any:
    tracks = []
    for number, one in enumerate(rounds, 1):
        visits = list(one.visits.all())
        stops = [
            Mark(
                ways.spot(where.point),
                f"{v.number}. {name_of(v)}: {told(one, v)}",
                str(v.number),
                v.state != Visit.State.PLANNED,
            )
            for v in visits
            if v.kind == Visit.Kind.STOP and (where := v.place or v.call)
        ]
        place = (spots or {}).get(one.pk)
        truck = Mark(place.point, f"{number}. {one.truck.plate}") if place else None
        tracks.append(Track(one.truck.plate, one.line, stops, truck))
    squares = {
        v.place_id: Mark(ways.spot(v.place.point), v.place.name)
        for r in rounds
        for v in r.visits.all()
        if v.kind == Visit.Kind.DUMP and v.place
    }
    depots = {r.truck.depot_id: r.truck.depot for r in rounds}
    return drawing.drawn(
        tracks, [*squares.values(), *(Mark(ways.spot(d.point), d.name) for d in depots.values())], title=title
    )


def told(one: Round, visit: Visit) -> str:
    """Of a stop: its hour, why it is there, how full the truck then is."""
    share = 100 * max(visit.volume / max(1, one.truck.volume), visit.weight / max(1, one.truck.weight))
    load = _("the truck is then %(share)d %% full") % {"share": min(100, round(share))}
    parts = (f"{timezone.localtime(visit.arrives):%H:%M}", words.why(visit.why, visit.facts), load)
    return " · ".join(part for part in parts if part)


def shown(rounds: Sequence[Round]) -> dict[str, Any]:
    """The same as GeoJSON, for the map: lines, stops, where trucks are emptied, garages."""
    found: list[dict[str, Any]] = []

    def put(kind: str, where: Any, **more: Any) -> None:
        found.append({"type": "Feature", "geometry": {"type": kind, "coordinates": where}, "properties": more})

    squares: dict[Point, str] = {}
    for number, one in enumerate(rounds):
        if one.line:  # another truck has all that it had
            put("LineString", one.line, name=one.truck.plate, colour=drawing.colour(number), dash=drawing.dash(number))
        squares[ways.spot(one.truck.depot.point)] = one.truck.depot.name
        for visit in one.visits.all():
            where = visit.place or visit.call
            if visit.kind == Visit.Kind.DUMP and where is not None:
                squares[ways.spot(where.point)] = where.name
            elif visit.kind == Visit.Kind.STOP and where is not None:
                put(
                    "Point", ways.spot(where.point), name=f"{visit.number}. {where.name}", said=f"{one.truck.plate} · {told(one, visit)}",
                    label=str(visit.number), colour=drawing.colour(number), done=visit.state != Visit.State.PLANNED,
                )  # fmt: skip
    for point, name in squares.items():
        put("Point", point, name=name, label="■", square=True)
    return {"type": "FeatureCollection", "features": found}


def explained(one: Round) -> list[dict[str, Any]]:
    """Each thing of a round, why it is there and why there."""
    rows: list[dict[str, Any]] = []
    before = one.departs
    home = 0
    for visit in one.visits.all():
        minutes = max(0, round((visit.arrives - before).total_seconds() / 60))
        order = ""
        if visit.kind == Visit.Kind.DUMP:
            share = _share(one, home)
            order = _("The truck is %(share)d %% full: it is emptied") % {"share": share} if share else ""
            home = 0
        elif visit.kind == Visit.Kind.STOP:
            way = (
                _("%(metres)d m and %(minutes)d min from the one before")
                if rows
                else _("%(metres)d m and %(minutes)d min from the garage")
            )
            order = way % {"metres": visit.metres, "minutes": minutes}
            home = max(
                home, 100 * visit.volume // max(1, one.truck.volume), 100 * visit.weight // max(1, one.truck.weight)
            )
        rows.append({"visit": visit, "name": name_of(visit), "why": words.why(visit.why, visit.facts), "order": order})
        before = visit.leaves
    return rows


def first(rounds: Sequence[Round], left: Sequence[LeftOut]) -> list[tuple[str, str, str]]:
    """What rounds before had left: its name, on which days, and in which round it is now, at what hour, or why it is left again."""
    found = [
        (name_of(visit), words.left(visit.facts), f"{one.truck.plate}, {timezone.localtime(visit.arrives):%H:%M}")
        for one in rounds
        for visit in one.visits.all()
        if visit.facts.get("left")
    ]
    again = [(one, where) for one in left if one.facts.get("left") and (where := one.place or one.call)]
    return found + [(where.name, words.left(one.facts), str(words.LEFT.get(one.why, ""))) for one, where in again]


def _share(one: Round, found: int) -> int:
    return min(found, 100)


@dataclass(frozen=True)
class Figure:
    """One of a day's rounds. change: percent that the plan's is above it, below 0 when it is less; None where nothing is compared."""

    name: str
    value: float | None
    change: int | None
    money: bool


def compared(plan: DayPlan) -> list[dict[str, Any]]:
    """The plan beside the present rounds: rows of a table."""
    columns = {
        "km": "km", "hours": _("Hours"), "litres": _("Litres"), "co2": "CO₂ (kg)", "money": _("Cost"), "stops": _("Stops"), "tonnes": _("Tonnes"),
        "km_per_tonne": _("km a tonne"),
    }  # fmt: skip
    ours, present = plan.figures.get("plan") or {}, plan.figures.get("present") or {}
    names = {
        "plan": _("This plan"),
        "same": _("The same bins, in their present order"),
        "all": _("Present rounds, all their bins"),
    }
    rows = {"plan": ours} | {key: of for key in ("same", "all") if (of := present.get(key))}
    if not ours:
        return []
    whole = {
        key: of | {"km_per_tonne": round(of["km"] / of["tonnes"], 1) if of["tonnes"] else None}
        for key, of in rows.items()
    }

    def change(key: str, figure: str) -> int | None:
        now, then = whole["plan"][figure], whole[key][figure]
        return round(100 * now / then - 100) if key != "plan" and now is not None and then else None

    return [
        {
            "name": names[key],
            "figures": [Figure(name, of[one], change(key, one), one == "money") for one, name in columns.items()],
        }
        for key, of in whole.items()
    ]


def on_rounds(
    order: Mapping[int, int], near: Collection[int], usual: Collection[int], most: int = 400
) -> list[WastePlace]:
    """The places to choose a round from: those that it has, in their order, then the other bins and points of these zones, or of those that
    its crew knows (none: all), by name."""
    rows = (
        WastePlace.objects.filter(kind__in=("bin", "point"), state="open").exclude(pk__in=order).select_related("zone")
    )
    if wanted := near or usual:
        rows = rows.filter(zone__in=wanted)
    had = WastePlace.objects.filter(pk__in=order).exclude(state="closed").select_related("zone")
    return [*sorted(had, key=lambda p: order[p.pk]), *rows.order_by("name", "pk")[: max(0, most - len(order))]]


def in_order(numbers: Mapping[int, str]) -> list[int] | None:
    """Places by the numbers that somebody gave them ("2.5" goes between 2 and 3); None when something is no number."""
    try:
        found = {pk: float(typed.replace(",", ".")) for pk, typed in numbers.items()}
    except ValueError:
        return None
    return sorted(found, key=lambda pk: found[pk]) if all(abs(n) < 1e6 for n in found.values()) else None


def today() -> DayPlan | None:
    return DayPlan.objects.filter(day=timezone.localdate(), state=DayPlan.State.PUBLISHED).first()


def depots() -> list[Depot]:
    return list(Depot.objects.all())


def dumps() -> list[WastePlace]:
    return list(WastePlace.objects.filter(kind__in=("dump", "station"), state="open").order_by("name"))
