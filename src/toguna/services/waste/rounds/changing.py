"""A plan that crews have, changed during the day: a truck broke down, a road or a dump closed, too much traffic.

A change starts from where trucks are now and what they carry, and keeps each stop with its crew where it can. A worker makes it; what is
asked while it is being made is made with it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, tasks
from toguna.kernel.access import Actor
from toguna.kernel.events import publish as announce
from toguna.services.waste.models import Call, DayPlan, PlanChange, Round, Truck, Visit
from toguna.services.waste.rounds import keeping, making, reads, stops
from toguna.services.waste.rounds.events import RoundsChanged
from toguna.services.waste.rounds.making import Made, Start
from toguna.services.waste.rounds.planning import PLAN, Refused
from toguna.services.waste.rounds.problem import Kind, Plan, Route, Why
from toguna.services.waste.rounds.problem import Visit as Planned
from toguna.services.waste.rounds.stops import Due, moment_of

SECONDS = 5.0  # of solving: the whole must end in ten


def ask_change(plan: int, *, words: str, broken: Sequence[int] = (), dumps: Sequence[int] = (), by: Actor) -> DayPlan:
    """Asks that the rounds that crews have are made anew from where they are: a truck broke down, a road or a dump closed, too much
    traffic. dumps: the only ones from now on; none: as before. Raises Refused."""
    access.require(by, PLAN)
    return _ask(plan, words=words, broken=broken, dumps=dumps, by=by)


@transaction.atomic
def _ask(plan: int, *, words: str, broken: Sequence[int], dumps: Sequence[int], by: Actor) -> DayPlan:
    row = DayPlan.objects.select_for_update().get(pk=plan)
    if row.state != DayPlan.State.PUBLISHED:
        raise Refused(_("Only rounds that crews have are changed. Make this plan anew instead."))
    if row.day != timezone.localdate():
        raise Refused(_("Only the rounds of today are changed. Make the plan of another day anew."))
    # What is asked while a change is being made is asked with it; its number tells that change that it is no longer the one.
    before = row.changing or {"number": 0, "words": "", "calls": []}
    broke = Round.objects.select_for_update(of=("self",)).select_related("truck__depot").filter(
        plan=row, truck__in=list(broken), state__in=Round.GOING
    )  # fmt: skip
    calls = [call.pk for one in broke if (call := _left_behind(one)) is not None]
    Round.objects.filter(pk__in=[one.pk for one in broke]).update(state=Round.State.BROKEN)
    row.changing = {
        "number": before["number"] + 1, "words": "; ".join(dict.fromkeys(w for w in (before["words"], words) if w))[:200],
        "calls": [*before["calls"], *calls], "asked": timezone.now().isoformat(), "account": by.account,
    }  # fmt: skip
    if dumps:  # for the rest of the day: a breakdown at noon does not open what closed in the morning
        row.asked["only"] = list(dumps)
    row.save(update_fields=["changing", "asked"])
    audit.record(by, "waste.change_plan", f"waste.plan:{row.pk}", broken=len(broken))
    tasks.defer(change, tasks.Lane.ALARM, plan=row.pk, version=row.version)
    return row


def _left_behind(one: Round) -> Call | None:
    """What a cart or tricycle that goes no farther has on board is to be fetched from where it stands, today or with the next plan. A truck
    is towed with its load."""
    start = _start(one, list(one.visits.select_related("place", "call")), 0, _heard([one]).get(one.pk))
    litres, kilograms = start.load
    if one.truck.mode == Truck.Mode.TRUCK or not litres:
        return None
    name = _("Load of %(truck)s") % {"truck": one.truck.plate}
    point = Point(*start.point, srid=4326)
    return Call.objects.create(
        point=point, zone_id=territory.place(*start.point).zone, name=name, volume=litres, weight=kilograms
    )


def broke_down(one: Round, words: str, *, by: Actor) -> None:
    """A driver says that the truck goes no farther: the others take what is left. Whoever drives a round may say it of theirs."""
    _ask(one.plan_id, words=words, broken=[one.truck_id], dumps=[], by=by)


@tasks.task
def change(plan: int, version: int) -> None:
    """Makes the change that was asked for, once. One that was asked for meanwhile has its own job, which makes both."""
    row = DayPlan.objects.get(pk=plan)
    asked = row.changing
    if asked is None or row.version != version:
        return
    began = time.perf_counter()
    now = timezone.now()
    rounds = list(row.rounds.select_related("truck__depot").prefetch_related("truck__quarters"))
    visits = list(
        Visit.objects.filter(round__plan=row)
        .select_related("round__truck", "place", "call")
        .order_by("round", "number")
    )
    going = [r for r in rounds if r.state in Round.GOING]
    waiting = [v for v in visits if v.state == Visit.State.PLANNED and v.kind == Visit.Kind.STOP]
    # A truck that had nothing to do today may help.
    trucks = [r.truck for r in going] + [t for t in stops.trucks() if t.pk not in {r.truck_id for r in rounds}]
    dumps = stops.dumps(row.day, row.asked.get("only", ()))
    # What carts brought or will bring to transfer points is counted anew: it is no stop that somebody had.
    due = [_due(v) for v in waiting if v.why != "point"] + _still_due(row, asked["calls"], visits)
    if not (due or waiting):
        DayPlan.objects.filter(pk=plan, version=version, changing=asked).update(
            changing=None, says=_("There is nothing that could be changed.")[:200]
        )
        return
    keys = _keys(waiting)
    was = {keys[v.pk]: v.round.truck.plate for v in waiting}
    at = stops.seconds_of(row.day, now)
    spots = _heard(going)
    starts = {r.truck.plate: _start(r, [v for v in visits if v.round_id == r.pk], at, spots.get(r.pk)) for r in going}
    for truck in trucks:
        starts.setdefault(
            truck.plate, Start((truck.depot.point.x, truck.depot.point.y), at, (0, 0), rested=False, idle=True)
        )
    before = Plan(tuple(_route(r, [v for v in visits if v.round_id == r.pk], keys) for r in going))
    if trucks and dumps:
        made = making.make(
            row.day,
            trucks,
            due,
            dumps,
            SECONDS,
            starts=starts,
            was=was,
            before=before,
            heaps=stops.heaps(row.day, visits),
        )
    else:
        nobody = Plan((), {d.key: Why.NO_ROOM for d in due})
        made = Made(nobody, {d.key: d for d in due}, {}, {}, by_roads=row.by_roads)
    lines = keeping.lines(made, starts)
    with transaction.atomic():
        row = DayPlan.objects.select_for_update().get(pk=plan)
        if row.changing != asked or row.version != version:
            return
        if Round.objects.filter(pk__in=[r.pk for r in going]).exclude(state__in=Round.GOING).exists():
            tasks.defer(change, tasks.Lane.ALARM, plan=row.pk, version=version)  # one went home meanwhile: without it
            return
        seen = {v.pk for v in visits if v.state == Visit.State.DONE}
        _keep(row, made, lines, was, seen, time.perf_counter() - began)


def _still_due(row: DayPlan, calls: Sequence[int], visits: Sequence[Visit]) -> list[Due]:
    """What broken carts carry (calls), and what the plan had left: a truck more may have the time for it."""
    over = {stops.key_of(v) for v in visits}
    left = {f"p{one.place_id}" if one.place_id else f"c{one.call_id}" for one in row.left.exclude(facts__why="point")}
    left |= {f"c{pk}" for pk in calls}
    return [due for due in stops.due(row.day) if due.key in left - over]


def _heard(rounds: Sequence[Round]) -> dict[int, reads.Place]:
    now = timezone.now()
    return {pk: spot for pk, spot in reads.positions(rounds).items() if now - spot.at <= reads.FRESH}


def _due(visit: Visit) -> Due:
    """What is still to be fetched, as the plan knew it."""
    place = visit.place or visit.call
    assert place is not None
    hours = visit.place.truck_hours if visit.place else []
    return Due(
        stops.key_of(visit), (place.point.x, place.point.y), place.name, place.zone_id, visit.takes, visit.takes_kg,
        int((visit.leaves - visit.arrives).total_seconds()), visit.why, stops.windows_of(hours, timezone.localdate(visit.arrives)), visit.facts,
    )  # fmt: skip


def _start(one: Round, visits: Sequence[Visit], now: int, spot: reads.Place | None) -> Start:
    """Where a truck is: at what its driver last did, or where it was heard since; with what was taken since the last emptying."""
    done = sorted((v for v in visits if v.state != Visit.State.PLANNED), key=lambda v: (v.at or v.arrives, v.number))
    litres = kilograms = 0
    point = (one.truck.depot.point.x, one.truck.depot.point.y)
    for visit in done:
        where = visit.place or visit.call
        if where is not None:
            point = (where.point.x, where.point.y)
        if visit.kind == Visit.Kind.DUMP and visit.state == Visit.State.DONE:
            litres = kilograms = 0
        elif visit.state == Visit.State.DONE:
            litres, kilograms = litres + visit.takes, kilograms + visit.takes_kg
    last = max((v.at for v in done if v.at is not None), default=None)
    if spot is not None and one.state == Round.State.STARTED and (last is None or spot.at > last):
        point = spot.point
    rested = any(v.kind == Visit.Kind.PAUSE and v.state == Visit.State.DONE for v in visits)
    load = (min(litres, one.truck.volume), min(kilograms, one.truck.weight))
    return Start(point, now, load, rested, idle=one.state == Round.State.PLANNED)


def _keys(stops_: Sequence[Visit]) -> dict[int, str]:
    """Visit -> its key in the problem, where several fetch from one transfer point."""
    found: dict[int, str] = {}
    for visit in stops_:
        key = stops.key_of(visit)
        while key in found.values() and visit.why == "point":
            key = f"t{key}"
        found[visit.pk] = key
    return found


def _route(one: Round, visits: Sequence[Visit], keys: Mapping[int, str]) -> Route:
    waiting = [v for v in visits if v.state == Visit.State.PLANNED and v.kind != Visit.Kind.PAUSE]
    order = tuple(
        Planned(Kind(v.kind), keys[v.pk] if v.kind == Visit.Kind.STOP else f"p{v.place_id}", 0, 0, 0, 0, 0, 0)
        for v in waiting
    )
    return Route(one.truck.plate, 0, 0, 0, order)


def _keep(
    row: DayPlan, made: Made, lines: Mapping[str, keeping.Line], was: Mapping[str, str], seen: set[int], took: float,
) -> None:  # fmt: skip
    """Puts the rest of the day in place of what was planned; what was done while it was computed stays done. seen: what was done
    before: a transfer point that was emptied then may have to be again."""
    asked: dict[str, Any] = row.changing or {}
    rounds = {r.truck.plate: r for r in row.rounds.select_for_update(of=("self",)).select_related("truck")}
    kept = list(Visit.objects.filter(round__plan=row).exclude(state=Visit.State.PLANNED))
    over = {key for v in kept if (key := stops.key_of(v)) and v.why != "point"}
    emptied = Counter(stops.key_of(v) for v in kept if v.why == "point" and v.pk not in seen)
    waiting = Visit.objects.filter(round__plan=row, state=Visit.State.PLANNED)
    had = _stops(waiting)
    waiting.delete()
    rows: list[Visit] = []
    for route in made.plan.routes:
        one = rounds.get(route.vehicle)
        if one is None:
            one = Round.objects.create(
                plan=row,
                truck=made.trucks[route.vehicle],
                departs=moment_of(row.day, route.departs),
                returns=moment_of(row.day, route.returns),
                metres=0,
            )
        done = [v for v in kept if v.round_id == one.pk]
        for visit in keeping.visits_of(row.day, one, route, made, 1 + max((v.number for v in done), default=0)):
            if visit.why == "point" and emptied[stops.key_of(visit)]:
                emptied[stops.key_of(visit)] -= 1
            elif stops.key_of(visit) not in over:
                rows.append(visit)
        if one.state == Round.State.PLANNED:
            one.departs = moment_of(row.day, route.departs)
        one.returns = moment_of(row.day, route.returns)
        one.metres = sum(v.metres for v in done) + route.metres
        one.line = lines[route.vehicle]
        one.save(update_fields=["departs", "returns", "metres", "line"])
    have = _stops(rows)
    for one in rounds.values():
        if one.pk in had and one.pk not in have:  # it does no more than it has done
            done = [v for v in kept if v.round_id == one.pk]
            one.metres, one.line = sum(v.metres for v in done), one.line if done else []
            one.returns = max((v.at or v.leaves for v in done), default=one.departs)
            one.save(update_fields=["metres", "line", "returns"])
    Visit.objects.bulk_create(rows, batch_size=1000)
    left = made.plan.left.keys() - over
    row.left.all().delete()  # all of it was looked at again
    keeping.keep_left(row, made, sorted(left))
    row.version += 1
    moved = sum(was.get(key, vehicle) != vehicle for key, vehicle in made.plan.of().items())
    PlanChange.objects.create(
        plan=row, version=row.version, words=str(asked.get("words", ""))[:200], moved=moved, left=len(left), took=round(took, 1), account=asked.get("account"),
    )  # fmt: skip
    row.changing, row.says, row.by_roads = None, "", made.by_roads
    row.save(update_fields=["version", "changing", "says", "by_roads"])
    tasks.defer(refigure, plan=row.pk, version=row.version)
    announce(RoundsChanged(row.pk, row.version, sorted(pk for pk in {*had, *have} if had.get(pk) != have.get(pk))))


@tasks.task
def refigure(plan: int, version: int) -> None:
    """What the rounds are worth after a change, beside the present ones with the same bins. Not before it is kept: crews wait for that."""
    row = DayPlan.objects.get(pk=plan)
    if row.version != version:
        return
    rounds = reads.rounds_of(row)
    trucks = {t.pk: t for t in (*(r.truck for r in rounds), *stops.trucks())}
    known = [
        _due(v) for r in rounds for v in r.visits.all()
        if v.kind == Visit.Kind.STOP and v.why != "point" and v.state != Visit.State.SKIPPED
    ]  # fmt: skip
    dumps = stops.dumps(row.day, row.asked.get("only", ()))
    now = making.present(row.day, list(trucks.values()), dumps, {d.key for d in known}, known)
    with transaction.atomic():
        row = DayPlan.objects.select_for_update().get(pk=plan)
        if row.version == version:
            row.figures["plan"] = keeping.worth(row)
            if "same" in now:
                row.figures.setdefault("present", {})["same"] = now["same"]
            row.save(update_fields=["figures"])


tasks.was(change, "toguna.services.waste.rounds.planning.change")
tasks.was(refigure, "toguna.services.waste.rounds.planning.refigure")


def _stops(visits: Iterable[Visit]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for visit in visits:
        if visit.kind == Visit.Kind.STOP:
            found.setdefault(visit.round_id, set()).add(stops.key_of(visit))
    return found
