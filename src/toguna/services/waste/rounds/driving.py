"""What crews do, said by the driver's telephone, with or without network: each record once, in any order, nothing thrown away.

A record names what it is about by place, not by row: rounds may have been made anew while the telephone was without network,
and what was done is then done, in whichever round it is.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.kernel import access, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.events import publish as announce
from toguna.services.waste.bins import learning
from toguna.services.waste.models import Call, DayPlan, DriverRecord, Fill, PlaceSaid, Round, Visit, WastePlace
from toguna.services.waste.rounds import changing, making, planning, stops, vehicles
from toguna.services.waste.rounds.events import StopServed

WORK = "waste.work"
REASONS = {
    "blocked": gettext_lazy("The street is blocked"),
    "locked": gettext_lazy("It is locked or nobody is there"),
    "missing": gettext_lazy("There is no bin"),
    "empty": gettext_lazy("It is almost empty"),
    "full": gettext_lazy("The truck is full"),
    "other": gettext_lazy("Another reason"),
}
LEVELS = (25, 50, 75, 100, 130)
OLDEST = timedelta(days=7)


@dataclass(frozen=True)
class Result:
    """state: "sent"; "refused", and says why: the telephone keeps it."""

    id: str
    state: str
    says: str = ""


def round_of(actor: Actor, pk: int | None = None) -> Round | None:
    """The round that this account drives today; with `pk`, that one, for whoever may plan."""
    found = Round.objects.select_related("truck__depot", "plan").filter(plan__state=DayPlan.State.PUBLISHED)
    if pk is not None:
        one = found.filter(pk=pk).first()
        return one if one and _may(actor, one) else None
    return found.filter(plan__day=timezone.localdate(), truck__driver=actor.account).order_by("pk").first()


def _may(actor: Actor, one: Round) -> bool:
    if access.can(actor, planning.PLAN):
        return True
    return access.can(actor, WORK, anywhere=True) and actor.account is not None and one.truck.driver == actor.account


def apply(record: Mapping[str, Any], *, by: Actor, now: datetime | None = None) -> Result:
    """One record: {"id", "round", "do": start | done | skipped | end | broken, "kind": stop | dump | pause, "key": "p12" | "c7" | "tp12",
    "level", "reason", "words", "at"}. now: of a played day, else the clock's. Never raises for what is wrong with it."""
    typed = str(record.get("id", ""))
    try:
        once, at = uuid.UUID(typed), _moment(record, now or timezone.now())
        with transaction.atomic():
            rounds = Round.objects.select_for_update(of=("self",)).select_related("truck", "plan")
            one = rounds.filter(pk=int(record["round"])).first()
            if one is None or not _may(by, one):
                return Result(typed, "refused", _("This round is not yours."))
            if DriverRecord.objects.filter(client_id=once).exists():
                return Result(typed, "sent")
            said = {k: record.get(k) for k in ("do", "kind", "key", "level", "reason", "words", "at")}
            DriverRecord.objects.create(client_id=once, round=one, said=said, result="sent", account=by.account)
            _apply(one, _instead(one, rounds), record, once, at, by)
        return Result(typed, "sent")
    except planning.Refused as error:
        return Result(typed, "refused", str(error))
    except (ValueError, TypeError, KeyError, OverflowError):
        return Result(typed, "refused", _("This record cannot be read."))


def _moment(record: Mapping[str, Any], now: datetime) -> datetime:
    """When it was done, as the telephone says, unless its clock is plainly wrong."""
    said = parse_datetime(str(record.get("at") or "")) or now
    said = said if timezone.is_aware(said) else timezone.make_aware(said)
    return said if now - OLDEST < said <= now else now


def _instead(one: Round, rounds: QuerySet[Round]) -> Round:
    """Rounds may have been planned anew while a crew was without network: its truck's, of the plan that crews have now."""
    if one.plan.state == DayPlan.State.PUBLISHED:
        return one
    found = rounds.filter(truck=one.truck_id, plan__day=one.plan.day, plan__state=DayPlan.State.PUBLISHED).first()
    return found or one


def _apply(said: Round, one: Round, record: Mapping[str, Any], once: uuid.UUID, at: datetime, by: Actor) -> None:
    match record["do"]:
        case "start":
            if one.state == Round.State.PLANNED:
                one.state, one.started = Round.State.STARTED, at
                one.save(update_fields=["state", "started"])
        case "end":
            if one.state in Round.GOING:
                one.state, one.ended = Round.State.ENDED, at
                one.save(update_fields=["state", "ended"])
        case "broken":
            if one.state in Round.GOING:
                words = text.clean(str(record.get("words") or ""))
                told = words or _("%(truck)s broke down") % {"truck": one.truck.plate}
                if one.plan.day == timezone.localdate() and one.plan.state == DayPlan.State.PUBLISHED:
                    changing.broke_down(one, told, by=by)
                else:  # said when its day was over: the garage has to know nevertheless
                    one.state = Round.State.BROKEN
                    one.save(update_fields=["state"])
                vehicles.said_broken(one, told, once, by=by)
        case "done" | "skipped" as do:
            _visit(said, one, do, record, once, at)
        case _:
            raise ValueError("no such thing is done")


def _visit(said: Round, one: Round, do: str, record: Mapping[str, Any], once: uuid.UUID, at: datetime) -> None:
    key, kind = str(record.get("key") or ""), Visit.Kind(str(record.get("kind") or "stop"))
    visit = _find(one, kind, key) or _find(said, kind, key)
    if visit is None and kind == Visit.Kind.DUMP:
        visit = _elsewhere(one, key)
    if visit is None:
        raise planning.Refused(_("This stop is in no round of today."))
    if visit.state == Visit.State.DONE or (visit.state == Visit.State.SKIPPED and do == "skipped"):
        return
    level = record.get("level")
    visit.state = Visit.State.DONE if do == "done" else Visit.State.SKIPPED
    visit.at, visit.record = at, once
    visit.level = min(max(int(level), 0), 300) if level not in (None, "") else None
    reason = str(record.get("reason") or "")
    visit.reason = reason if reason in REASONS else ""
    visit.words = text.clean(str(record.get("words") or ""))[:300]
    if do == "done" and visit.level is not None and kind == Visit.Kind.STOP and visit.why != "point":
        visit.takes, visit.takes_kg = _taken(visit, visit.level)
    visit.save(update_fields=["place", "state", "at", "record", "level", "reason", "words", "takes", "takes_kg"])
    if one.state == Round.State.PLANNED:
        one.state, one.started = Round.State.STARTED, at
        one.save(update_fields=["state", "started"])
    if kind == Visit.Kind.STOP and visit.why != "point":
        _learn(visit, do, at, once)


def _taken(visit: Visit, level: int) -> tuple[int, int]:
    """Litres and kilograms that are now on board, by how full it was found: a change starts from them."""
    whole = visit.place.capacity if visit.place is not None else visit.takes
    litres = round(whole * min(level, stops.MOST) / 100)
    return litres, round(visit.takes_kg * litres / visit.takes) if visit.takes else visit.takes_kg


def _find(one: Round, kind: str, key: str) -> Visit | None:
    """In this round, or in the one that has it since; of several emptyings at one place, the first that is to do."""
    found = Visit.objects.select_for_update(of=("self",)).filter(round__plan=one.plan_id, kind=kind)
    if kind == Visit.Kind.PAUSE:
        return found.filter(round=one).order_by("number").first()
    pk = int(key.lstrip("tpc"))
    found = found.filter(call=pk) if key.startswith("c") else found.filter(place=pk)
    if kind == Visit.Kind.DUMP:
        found = found.filter(round=one)
    else:
        found = found.filter(why="point") if key.startswith("t") else found.exclude(why="point")
    rows = sorted(found, key=lambda v: (v.state != Visit.State.PLANNED, v.round_id != one.pk, v.number))
    return rows[0] if rows else None


def _elsewhere(one: Round, key: str) -> Visit | None:
    """Emptied where the round no longer goes: its next emptying is done there."""
    place = WastePlace.objects.filter(pk=int(key.lstrip("p")), kind__in=list(stops.EMPTYING)).first()
    visit = one.visits.filter(kind=Visit.Kind.DUMP, state=Visit.State.PLANNED).order_by("number").first()
    if place is None or visit is None:
        return None
    visit.place = place
    return visit


def _learn(visit: Visit, do: str, at: datetime, once: uuid.UUID) -> None:
    """What a stop says of its bin, of those who reported it, and of the report."""
    if visit.place_id is not None and (do == "done" or visit.level is not None):
        level = visit.level if visit.level is not None else int(visit.facts.get("level") or 0)
        if visit.level is not None or do == "done":
            learning.found(
                visit.place_id, level, source=Fill.Source.DRIVER, at=at, emptied=do == "done", client_id=once
            )
    if do != "done":
        return
    case = 0
    if visit.place_id is not None:
        PlaceSaid.objects.filter(place=visit.place_id, done=None, what__in=("full", "dirty"), at__lte=at).update(
            done=at
        )
    if visit.call is not None:
        Call.objects.filter(pk=visit.call.pk).update(state=Call.State.DONE, done=at)
        case = visit.call.case or 0
        if case:
            cases.reply(
                case,
                _("The waste was fetched on %(day)s.") % {"day": f"{timezone.localdate(at):%d/%m/%Y}"},
                by=SYSTEM,
                client_id=uuid.uuid5(once, "reply"),
            )
            minutes, cost = _share(visit)
            cases.log_work(
                case, minutes=minutes, cost=cost, what=_("Fetched by a truck on its round"), by=SYSTEM, client_id=uuid.uuid5(once, "work"), at=at
            )  # fmt: skip
    announce(StopServed(visit.pk, visit.place_id, case))


def _share(visit: Visit) -> tuple[int, int]:
    """(minutes, minor units) of one stop, as its round was planned: from the stop before until it is done; of the money of the round, as much
    as any other stop. `figures.measures` finds this line by its moment, and does not count it with the round again."""
    one = Round.objects.select_related("truck").get(pk=visit.round_id)
    before = one.visits.filter(number__lt=visit.number).order_by("-number").values_list("leaves", flat=True).first()
    took = visit.leaves - (before or one.departs)
    whole = making.money(one.truck, one.metres, int((one.returns - one.departs).total_seconds()))
    return max(1, round(took.total_seconds() / 60)), whole // max(1, one.visits.filter(kind=Visit.Kind.STOP).count())


def here(one: Round, lon: float, lat: float, at: datetime, *, by: Actor) -> None:
    """Where the driver's telephone is; older than what is known is nothing new."""
    if not _may(by, one) or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return
    known = one.spot and parse_datetime(one.spot["at"])
    if not known or known < at:
        Round.objects.filter(pk=one.pk).update(spot={"lon": round(lon, 6), "lat": round(lat, 6), "at": at.isoformat()})
