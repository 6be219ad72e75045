"""The driver's page, which goes on without network. Thin."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from toguna.engines.documents import api as documents
from toguna.engines.territory import api as territory
from toguna.kernel import access, offline, town
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, public, staff
from toguna.services.waste.models import DriverRecord, Round, Visit
from toguna.services.waste.rounds import driving, planning, reads, stops, ways, words

MOST_RECORDS = 20
MOST_PHOTO = 12_000_000  # bytes: the page makes it small before it sends it


def _number(typed: object) -> int | None:
    digits = str(typed or "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 18 else None


@staff("waste.work")
def app(request: Request) -> HttpResponse:
    """The page: it holds nothing of any round, so that the telephone may keep it."""
    return render(request, "waste/rounds/app.html", {"reasons": driving.REASONS.items(), "levels": driving.LEVELS})


@staff("waste.work")
def me(request: Request) -> HttpResponse:
    """Whose session this is, and what a form needs to be sent in it."""
    return offline.me(request)


@staff("waste.work")
def day(request: Request) -> HttpResponse:
    """The round of today, whole, with the turns between its stops. ?round=ID for whoever plans."""
    one = driving.round_of(request.actor, _number(request.GET.get("round")))
    if one is None:
        return offline.private(
            {"account": request.actor.account, "made": timezone.now().isoformat(), "round": None, "visits": []}
        )
    visits = list(one.visits.select_related("place", "call").order_by("number"))
    turns = _turns(one, visits)
    return offline.private(
        {
            "account": request.actor.account, "made": timezone.now().isoformat(), "round": one.pk, "plate": one.truck.plate,
            "day": one.plan.day.isoformat(), "version": one.plan.version, "state": one.state,
            "visits": [
                {
                    "key": _key(v), "kind": v.kind, "number": v.number, "name": reads.name_of(v), "state": v.state,
                    "at": f"{timezone.localtime(v.arrives):%H:%M}", "why": words.why(v.why, v.facts), "where": v.place.where if v.place else "",
                    "lon": where.point.x if where else None, "lat": where.point.y if where else None, "turns": turns.get(v.pk, []),
                }
                for v in visits
                for where in (v.place or v.call,)
            ],
        }
    )  # fmt: skip


def _key(visit: Visit) -> str:
    if visit.kind == Visit.Kind.STOP:
        return stops.key_of(visit)
    return f"p{visit.place_id}" if visit.place_id else ""


def _turns(one: Round, visits: list[Visit]) -> dict[int, list[str]]:
    """Visit -> what to do from the one before it, in the driver's language; none where the roads cannot be asked."""
    placed = [
        (v, ways.spot(where.point)) for v in visits if v.state == Visit.State.PLANNED and (where := v.place or v.call)
    ]
    done = [ways.spot(where.point) for v in visits if v.state != Visit.State.PLANNED and (where := v.place or v.call)]
    start = (one.spot["lon"], one.spot["lat"]) if one.spot else done[-1] if done else ways.spot(one.truck.depot.point)
    points = [start, *(p for _visit, p in placed)]
    found: dict[int, list[str]] = {}
    try:
        for first in range(0, len(points) - 1, ways.AT_ONCE):
            legs = territory.route(points[first : first + ways.AT_ONCE + 1], ways.mode_of(ways.kind_of(one.truck))).legs
            for (visit, _point), leg in zip(placed[first:], legs, strict=False):
                found[visit.pk] = [step.words for step in leg.steps[:-1]]
    except (territory.RoutingUnavailable, territory.NoRoute):
        return found
    return found


@staff("waste.work")
def sync(request: Request) -> HttpResponse:
    """Takes {"account": ID, "records": [...], "here": {"round", "lon", "lat", "at"}}; answers {"results": [{id, state, says}], "version": n}."""
    sent = offline.batch(request, MOST_RECORDS)
    if isinstance(sent, HttpResponse):
        return sent
    results = [dataclasses.asdict(driving.apply(row, by=request.actor)) for row in sent["records"]]
    version = None
    here = sent.get("here")
    if isinstance(here, dict) and (one := driving.round_of(request.actor, _number(here.get("round")))):
        version = one.plan.version
        _here(one, here, request.actor)
    return offline.private({"results": results, "version": version})


def _here(one: Round, here: dict[str, Any], by: Actor) -> None:
    try:
        lon, lat = float(here["lon"]), float(here["lat"])
        at = parse_datetime(str(here.get("at") or "")) or timezone.now()
    except (KeyError, TypeError, ValueError):
        return  # the telephone does not know where it is
    if timezone.is_aware(at) and at <= timezone.now():
        driving.here(one, lon, lat, at, by=by)


@staff("waste.work")
def photo(request: Request) -> HttpResponse:
    """Takes one photo of a record: account, id, record; the file in `photo`. Answers {id, state, says}."""
    file = offline.photo(request, MOST_PHOTO)
    if isinstance(file, HttpResponse):
        return file
    typed = request.POST.get("id", "")
    try:
        once, record = uuid.UUID(typed), uuid.UUID(request.POST.get("record", ""))
    except ValueError:
        return offline.private({"says": _("This cannot be read.")}, 400)
    known = DriverRecord.objects.filter(client_id=record, account=request.actor.account).exists()
    visit = Visit.objects.filter(record=record).first()
    if not known:
        return offline.private({"id": typed, "state": "waiting", "says": ""})
    if visit is None:
        return offline.private({"id": typed, "state": "sent", "says": ""})
    try:
        documents.keep(
            file,
            file.name or "photo.jpg",
            subject=("waste.visit", visit.pk),
            by=request.actor,
            title=reads.name_of(visit),
            client_id=once,
        )
    except documents.FileRefused as error:
        return offline.private({"id": typed, "state": "refused", "says": str(error)})
    return offline.private({"id": typed, "state": "sent", "says": ""})


def may_read_photo(actor: Actor, visit: int) -> bool:
    where = Coalesce("place__zone", "call__zone")  # of a bin, or of waste that somebody reported
    zone = Visit.objects.filter(pk=visit).values_list(where, flat=True).first()
    return access.can(actor, "waste.read", zone=zone)


def may_add_photo(actor: Actor, visit: int) -> bool:
    row = Visit.objects.select_related("round__truck").filter(pk=visit).first()
    return row is not None and (access.can(actor, planning.PLAN) or row.round.truck.driver == actor.account)


@public
def worker(request: HttpRequest) -> HttpResponse:
    """The app's service worker."""
    return offline.worker(request, "rounds", "/rounds/app", ("waste/driver.js", "waste/driver.css"), scope="/rounds/")


@public
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes the page an app on the telephone's screen."""
    name = _("%(town)s: my truck") % {"town": town.current().name}
    return offline.manifest(name, _("My truck"), start="/rounds/app", scope="/rounds/")
