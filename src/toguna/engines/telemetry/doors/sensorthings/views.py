"""OGC SensorThings API 1.1, Part 1: Sensing (https://docs.ogc.org/is/18-088/18-088.html), for reading and for posting observations.

Anyone reads the devices that are public; staff those of their zones, by their session. A device posts with its own key.
"""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from toguna.engines.telemetry.devices import reads, register
from toguna.engines.telemetry.doors import http
from toguna.engines.telemetry.doors.sensorthings import entities
from toguna.engines.telemetry.doors.sensorthings.entities import KINDS, Kind, Reach, Row, Scope
from toguna.engines.telemetry.doors.sensorthings.query import BadQuery, Query, parse, phenomenon
from toguna.engines.telemetry.intake import observation, taking
from toguna.engines.telemetry.intake.observation import Observation
from toguna.engines.telemetry.models import Device
from toguna.kernel import access, limits
from toguna.kernel.web import Request, public

PER_CALLER, WINDOW = 3000, timedelta(minutes=10)
_STEP = re.compile(r"([A-Za-z]{4,30})(?:\(([^()]{1,60})\))?$")
_NAVIGATION = {name for kind in KINDS.values() for name in (kind.name, kind.single)}
# What is written besides Observations is the register's, and no path in $filter goes through the Observations of a Datastream.
_CONFORMS = [
    "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/resource-path/resource-path-to-entities",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data",
]


def _reach(request: Request) -> Reach:
    actor = request.actor
    staff = actor.staff and access.can(actor, register.READ, anywhere=True)
    moving = (Device.Kind.TRACKER, Device.Kind.PHONE)
    devices = reads.visible(actor) if staff else Device.objects.filter(public=True).exclude(kind__in=moving)
    root = request.build_absolute_uri(reverse("sensorthings"))
    return entities.reach(root, devices.exclude(state=Device.State.RETIRED), inside=staff)


@public
def root(request: Request) -> HttpResponse:
    where = request.build_absolute_uri(reverse("sensorthings"))
    return _json({
        "value": [{"name": name, "url": f"{where}/{name}"} for name in KINDS],
        "serverSettings": {"conformance": _CONFORMS},
    })  # fmt: skip


def _json(value: Any, status: int = 200) -> JsonResponse:
    return JsonResponse(value, status=status, json_dumps_params={"ensure_ascii": False})


@csrf_exempt
@public
def resource(request: Request, rest: str) -> HttpResponse:
    """/Things, /Things(1), /Things(1)/Datastreams, /Datastreams('1-3')/Observations..."""
    try:
        if request.method == "POST":
            return _post(request, rest)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(status=405)
        # A whole town may stand behind one address, and a dashboard asks often.
        who = request.actor.account or request.META.get("REMOTE_ADDR", "")
        limits.hit("telemetry.sensorthings", str(who), at_most=PER_CALLER, per=WINDOW)
        return _get(request, rest)
    except BadQuery as error:
        return _json({"code": 400, "type": "error", "message": str(error)}, 400)
    except limits.TooMany as error:
        answer = _json({"code": 429, "type": "error", "message": str(error)}, 429)
        answer["Retry-After"] = str(error.retry_after)
        return answer


def _steps(rest: str) -> list[tuple[str, str]]:
    found = []
    for part in rest.strip("/").split("/"):
        match = _STEP.match(part)
        if not match:
            raise Http404
        found.append((match[1], match[2] or ""))
    if not 1 <= len(found) <= 5:
        raise Http404
    return found


def _get(request: Request, rest: str) -> HttpResponse:
    query = parse(request.GET.dict())
    reach = _reach(request)
    rest, _slash, last = (
        rest.strip("/").rpartition("/") if rest.rstrip("/").endswith(("/$ref", "/$value")) else (rest, "", "")
    )
    steps = _steps(rest)
    name = ""
    if len(steps) > 1 and not steps[-1][1] and steps[-1][0] not in _NAVIGATION:
        name = steps.pop()[0]  # a property
    kind, one, scope = _walk(reach, steps)
    if one:
        rows, _count = kind.list(reach, scope, Query(top=1, expand=query.expand))
        if not rows or (last == "$ref" if name else last == "$value"):
            raise Http404
        if last == "$ref":
            return _json({"@iot.selfLink": reach.link(_path(kind, rows[0]))})
        return _property(rows[0], name, last) if name else _json(_shown(reach, kind, rows[0], query))
    if name or last == "$value":
        raise Http404
    rows, count = kind.list(reach, scope, query)
    answer: dict[str, Any] = {"@iot.count": count} if query.count else {}
    if len(rows) == query.top and query.top:
        answer["@iot.nextLink"] = f"{reach.link(rest.strip('/'))}{'/$ref' if last else ''}?{urlencode(query.next())}"
    if last == "$ref":
        answer["value"] = [{"@iot.selfLink": reach.link(_path(kind, row))} for row in rows]
    else:
        answer["value"] = [_shown(reach, kind, row, query) for row in rows]
    return _json(answer)


def _property(row: Row, name: str, last: str) -> HttpResponse:
    """/Things(1)/name, /Things(1)/name/$value"""
    if name not in row:
        raise Http404
    value = row[name]
    if last != "$value":
        return _json({name: value})
    return (
        _json(value) if isinstance(value, dict) else HttpResponse(str(value), content_type="text/plain; charset=utf-8")
    )


def _walk(reach: Reach, steps: list[tuple[str, str]]) -> tuple[Kind, bool, Scope]:
    """(kind, whether one is meant, which). Each step is looked at: a path through what one may not see leads nowhere."""
    name, given = steps[0]
    if name not in KINDS:
        raise Http404
    kind, one, scope = KINDS[name], bool(given), Scope()
    if given:
        scope = Scope(quantity=entities.key(given).device) if name == "ObservedProperties" else entities.key(given)
    for name, given in steps[1:]:
        if not one or name not in kind.to:
            raise Http404
        rows, _count = kind.list(reach, scope, Query(top=1))
        if not rows:
            raise Http404
        to = KINDS[kind.to[name]]
        scope = entities.scope_of(kind.name, rows[0]["@iot.id"], to.name)
        one = name == to.single or bool(given)
        if given:
            inner = entities.key(given)
            if inner.device != scope.device and to.name != "ObservedProperties":
                raise Http404
            scope = Scope(quantity=inner.device) if to.name == "ObservedProperties" else inner
        kind = to
    return kind, one, scope


def _path(kind: Kind, row: Row) -> str:
    quoted = row["@iot.id"] if isinstance(row["@iot.id"], int) else f"'{row['@iot.id']}'"
    return f"{kind.name}({quoted})"


def _shown(reach: Reach, kind: Kind, row: Row, query: Query) -> Row:
    reach.show()
    path = _path(kind, row)
    found: Row = {"@iot.id": row["@iot.id"], "@iot.selfLink": reach.link(path), **row}
    if query.select is not None:
        wanted = query.select | ({"@iot.id"} if "id" in query.select else set())
        found = {name: value for name, value in found.items() if name in wanted}
        if unknown := wanted - row.keys() - kind.to.keys() - {"id", "@iot.selfLink"}:
            raise BadQuery(f"$select: {kind.name} has no {', '.join(sorted(unknown))}")
    for name, to in kind.to.items():
        if name in query.expand:
            inner = query.expand[name]
            scope = entities.scope_of(kind.name, row["@iot.id"], to)
            rows, count = reach.expanded(KINDS[to], scope, inner)
            made = [_shown(reach, KINDS[to], one, inner) for one in rows]
            found[name] = made if name == to else (made[0] if made else None)
            if name == to and inner.count:
                found[f"{name}@iot.count"] = count
            if name == to and inner.top and len(rows) == inner.top:
                found[f"{name}@iot.nextLink"] = f"{reach.link(path)}/{name}?{urlencode(inner.next())}"
        elif query.select is None or name in query.select:
            found[f"{name}@iot.navigationLink"] = reach.link(f"{path}/{name}")
    for name in query.expand:
        if name not in kind.to:
            raise BadQuery(f"$expand: {kind.name} has no {name}")
    return found


def _post(request: HttpRequest, rest: str) -> HttpResponse:
    steps = _steps(rest)
    try:
        said = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadQuery("no JSON") from error
    if steps[-1] != ("Observations", "") or not isinstance(said, dict):
        return _json({"code": 405, "type": "error", "message": "only Observations are posted here"}, 405)
    given = steps[0][1] if steps[0][0] == "Datastreams" and len(steps) == 2 else ""
    inner = said.get("Datastream")
    if not given and isinstance(inner, dict):
        given = str(inner.get("@iot.id", ""))
    scope = entities.key(given)
    device = Device.objects.filter(pk=scope.device or 0).first()
    quantity = entities.reach("", Device.objects.none()).quantities.get(scope.quantity or 0)
    if device is None or quantity is None:
        raise BadQuery("no such Datastream")
    value = observation.number(said.get("result"))
    if value is None:
        raise BadQuery("result is a number")
    at = phenomenon(said.get("phenomenonTime") or said.get("resultTime"))
    at = time.time() if at is None else at
    try:
        moment = entities.EPOCH + timedelta(microseconds=round(at * 1e6))
    except OverflowError as error:
        raise BadQuery("phenomenonTime?") from error
    proof = f"key:{http.shown(request)}"
    if (refused := http.refused(device.code, Device.Door.HTTP, proof)) is not None:
        return refused
    seen = Observation(at=at, values={quantity.code: value})
    done = http.taken([taking.record(Device.Door.HTTP, device.code, observation.written([seen]), proof=proof)])
    if done.status_code != 202:
        return done
    # It is loaded, or waits for the database: then it is on the disk.
    if "rows" in json.loads(done.content) and not entities.there(device.pk, quantity.pk, moment, value):
        return _json(
            {
                "code": 400,
                "type": "error",
                "message": "it is not believed, or another result of this time is kept: see the register of devices",
            },
            400,
        )
    root = request.build_absolute_uri(reverse("sensorthings"))
    row = entities.observation_row(device.pk, quantity.pk, moment, value)
    made = _json(_shown(entities.reach(root, Device.objects.none()), KINDS["Observations"], row, Query()), 201)
    made["Location"] = f"{root}/{_path(KINDS['Observations'], row)}"
    return made
