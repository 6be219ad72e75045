"""OGC SensorThings API 1.1, Part 1: Sensing (https://docs.ogc.org/is/18-088/18-088.html), for reading and for posting observations.

Anyone reads the devices that are public; staff those of their zones, by their session. A device posts with its own key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from toguna.engines.telemetry.devices import reads, register
from toguna.engines.telemetry.doors import http
from toguna.engines.telemetry.doors.sensorthings import entities, posting
from toguna.engines.telemetry.doors.sensorthings.entities import KINDS, Kind, Reach, Row, Scope
from toguna.engines.telemetry.doors.sensorthings.query import BadQuery, Query, parse
from toguna.engines.telemetry.models import Device
from toguna.kernel import access, limits
from toguna.kernel.web import Request, public

PER_CALLER, WINDOW = 3000, timedelta(minutes=10)
MOST_ASKED = 100  # requests of a batch
_STEP = re.compile(r"([A-Za-z]{4,30})(?:\(([^()]{1,60})\))?$")
_NAVIGATION = {name for kind in KINDS.values() for name in (kind.name, kind.single)}
# What is written besides Observations is the register's, and no path in $filter goes through the Observations of a Datastream.
_CONFORMS = [
    "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/resource-path/resource-path-to-entities",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data",
    "http://www.opengis.net/spec/iot_sensing/1.1/req/data-array/data-array",
    # A batch in JSON, not the multipart one of the standard.
    "https://fraunhoferiosb.github.io/FROST-Server/extensions/JsonBatchRequest.html",
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
    return JsonResponse(value, status=status, safe=False, json_dumps_params={"ensure_ascii": False})


@csrf_exempt
@public
def resource(request: Request, rest: str) -> HttpResponse:
    """/Things, /Things(1), /Things(1)/Datastreams, /Datastreams('1-3')/Observations...; /CreateObservations and /$batch are posted."""
    if request.method == "POST" and rest.strip("/") == "$batch":
        return _batch(request)
    options, key = request.GET.dict(), http.shown(request)
    return _answer(request, request.method or "", rest, options, lambda: _said(request.body), key, _reach(request))


def _said(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadQuery("no JSON") from error


def _answer(
    request: Request,
    method: str,
    rest: str,
    options: Mapping[str, str],
    said: Callable[[], Any],
    key: str,
    reach: Reach,
) -> HttpResponse:
    """said: what is posted, key: that is shown for it. Raises Http404."""
    try:
        if method == "POST":
            return _post(request, rest, said(), key)
        if method not in ("GET", "HEAD"):
            return HttpResponse(status=405)
        # A whole town may stand behind one address, and a dashboard asks often.
        who = request.actor.account or request.META.get("REMOTE_ADDR", "")
        limits.hit("telemetry.sensorthings", str(who), at_most=PER_CALLER, per=WINDOW)
        return _get(reach, rest, options)
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


def _get(reach: Reach, rest: str, options: Mapping[str, str]) -> HttpResponse:
    query = parse(options)
    rest, _slash, last = (
        rest.strip("/").rpartition("/") if rest.rstrip("/").endswith(("/$ref", "/$value")) else (rest, "", "")
    )
    steps = _steps(rest)
    name = ""
    if len(steps) > 1 and not steps[-1][1] and steps[-1][0] not in _NAVIGATION:
        name = steps.pop()[0]  # a property
    kind, one, scope = _walk(reach, steps)
    if query.array and (one or last or query.expand or kind.name != "Observations"):
        raise BadQuery("$resultFormat=dataArray is of Observations, alone")
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
    elif query.array:
        answer["value"] = _arrays(reach, rows, query)
    else:
        answer["value"] = [_shown(reach, kind, row, query) for row in rows]
    return _json(answer)


def _arrays(reach: Reach, rows: Sequence[Row], query: Query) -> list[Row]:
    """Observations as the dataArray says them: those of one Datastream together, a list of values for each."""
    names = ["id", "phenomenonTime", "resultTime", "result", "parameters"]
    if query.select is not None:
        if unknown := query.select - {*names, "@iot.id"}:
            raise BadQuery(f"$select: no component is {', '.join(sorted(unknown))}")
        names = [name for name in names if name in query.select or (name == "id" and "@iot.id" in query.select)]
    found: dict[str, list[list[Any]]] = {}
    for row in rows:
        reach.show()
        of = "-".join(row["@iot.id"].split("-")[:2])
        found.setdefault(of, []).append([row["@iot.id" if name == "id" else name] for name in names])
    return [
        {
            "Datastream@iot.navigationLink": reach.link(f"Datastreams('{of}')"), "components": names, "dataArray@iot.count": len(some),
            "dataArray": some,
        } for of, some in found.items()
    ]  # fmt: skip


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


def _post(request: Request, rest: str, said: Any, key: str) -> HttpResponse:
    """One Observation, or the dataArray of many."""
    root = request.build_absolute_uri(reverse("sensorthings"))
    if rest.strip("/") == "CreateObservations":
        wanted = posting.many(said)
        kept = posting.keep([one for one in wanted if one is not None], key)
        if isinstance(kept, HttpResponse):
            return kept
        each = iter(kept)
        return _json(
            [
                f"{root}/{_path(KINDS['Observations'], one.row)}" if one is not None and next(each) else "error"
                for one in wanted
            ],
            201,
        )
    steps = _steps(rest)
    if steps[-1] != ("Observations", "") or not isinstance(said, dict):
        return _json({"code": 405, "type": "error", "message": "only Observations are posted here"}, 405)
    given = steps[0][1] if steps[0][0] == "Datastreams" and len(steps) == 2 else ""
    one = posting.said_of(posting.streams([given or posting.named(said)])[0], said)
    kept = posting.keep([one], key)
    if isinstance(kept, HttpResponse):
        return kept
    if not kept[0]:
        raise BadQuery("it is not believed, or another result of this time is kept: see the register of devices")
    made = _json(_shown(entities.reach(root, Device.objects.none()), KINDS["Observations"], one.row, Query()), 201)
    made["Location"] = f"{root}/{_path(KINDS['Observations'], one.row)}"
    return made


def _batch(request: Request) -> HttpResponse:
    """Several requests in one, each as if it had come alone and in their order, as OData 4.01 says it in JSON:

    {"requests": [{"id": "1", "method": "post", "url": "Observations", "headers": {"Authorization": "Bearer KEY"}, "body": {...}}, ...]}
    """
    if request.content_type != "application/json":
        return _json({"code": 415, "type": "error", "message": "a batch is application/json here"}, 415)
    try:
        said = json.loads(request.body)
        asked = said["requests"]
    except (ValueError, RecursionError, KeyError, TypeError):
        asked = None
    if not isinstance(asked, list) or len(asked) > MOST_ASKED or not all(isinstance(one, dict) for one in asked):
        message = f'{{"requests": [...]}}, of {MOST_ASKED} at most'
        return _json({"code": 400, "type": "error", "message": message}, 400)
    reach = _reach(request)  # of all together: a batch reads no more than one request may
    return _json({"responses": [_one_of(request, one, reach) for one in asked]})


def _one_of(request: Request, one: dict[str, Any], reach: Reach) -> dict[str, Any]:
    reach.listed.clear()  # what was posted since is read too
    path, _mark, options = str(one.get("url", "")).partition("?")
    root = reverse("sensorthings")
    rest = unquote(path.removeprefix(f"{request.scheme}://{request.get_host()}").removeprefix(root)).strip("/")
    headers = one.get("headers")
    given = {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    key = http.authorized(given["authorization"]) if "authorization" in given else http.shown(request)
    if one.get("atomicityGroup") is not None:  # what is on the disk is not taken back
        made: HttpResponse = _json({"code": 501, "type": "error", "message": "each request stands alone here"}, 501)
    else:
        try:
            query = dict(parse_qsl(options, keep_blank_values=True))
            method = str(one.get("method", "")).upper()
            made = _answer(request, method, rest, query, lambda: one.get("body"), key, reach)
        except Http404:
            made = _json({"code": 404, "type": "error", "message": "not found"}, 404)
    answer: dict[str, Any] = {"id": one.get("id"), "status": made.status_code}
    if made.content:
        plain = not made["Content-Type"].startswith("application/json")
        answer["body"] = made.content.decode() if plain else json.loads(made.content)
    if "Location" in made:
        answer["location"] = made["Location"]
    return answer
