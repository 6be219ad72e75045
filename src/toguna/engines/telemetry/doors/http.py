"""What comes over HTTP: devices themselves, LoRaWAN network servers, phones and trackers that speak as OsmAnd does.

All of it is written to the disk before it is answered; 202 says that it is taken, though the database may be away.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from toguna.engines.telemetry.devices import keys, register
from toguna.engines.telemetry.intake import lorawan, observation, spool, taking
from toguna.engines.telemetry.intake.observation import Observation, Unreadable
from toguna.engines.telemetry.models import Device
from toguna.kernel.web import public

KNOT = 1.852  # km/h
Door = Device.Door


def shown(request: HttpRequest) -> str:
    """The key that is shown: a Bearer token, the password of Basic, or ?key=."""
    return authorized(request.headers.get("Authorization", "")) or str(request.GET.get("key", ""))


def authorized(header: str) -> str:
    """The key in a header Authorization; "" when there is none."""
    kind, _space, rest = header.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(rest, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def says(status: int, **values: Any) -> JsonResponse:
    return JsonResponse(values, status=status)


def refused(code: str, door: str, proof: str) -> HttpResponse | None:
    """Told at once what the loader would find, when the database is there to say so."""
    if not proof.startswith("key:"):
        return None
    try:
        good = register.authentic(code, door, proof.removeprefix("key:"))
    except (DatabaseError, InterfaceError):
        return None
    if good is False:
        return says(401, error="wrong key")
    # A stranger is written down, so that somebody sees it in the register; it is told to come back.
    return None


def taken(records: list[spool.Record]) -> HttpResponse:
    try:
        done = taking.answer(records)
    except OSError:
        return says(507, error="nothing can be written")
    if done is None:
        return says(202, taken=len(records))
    return says(202, taken=len(records), rows=done.rows, twice=done.twice, refused=done.refused)


@csrf_exempt
@public
@require_POST
def device(request: HttpRequest, code: str) -> HttpResponse:
    """JSON or SenML of one device, with its key, or signed: `X-Signature: sha256=...`, or a signature as the last line."""
    if len(request.body) > spool.MOST:
        return says(413, error="too large")
    given = request.headers.get("X-Signature", "").removeprefix("sha256=").strip()
    password = shown(request)
    proof = f"sig:{given}" if given else f"key:{password}" if password else ""
    if not proof and not keys.split(request.body)[1]:
        return says(401, error="a key or a signature")
    return refused(code, Door.HTTP, proof) or taken([taking.record(Door.HTTP, code, request.body, proof=proof)])


def _of_network(request: HttpRequest) -> bool:
    """While the database is away, whoever shows a key: the loader looks at it."""
    given = shown(request)
    try:
        return bool(given) and keys.fits(given, keys.NETWORK, register.network_number())
    except (DatabaseError, InterfaceError):
        return bool(given)


@csrf_exempt
@public
@require_POST
def chirpstack(request: HttpRequest) -> HttpResponse:
    """The HTTP integration of ChirpStack v4, JSON, with the header Authorization: Bearer (the key of LoRaWAN)."""
    if request.GET.get("event", "up") not in ("up", "status"):  # joins, acknowledgements, logs: nothing that we keep
        return HttpResponse(status=204) if _of_network(request) else says(401, error="wrong key")
    return _network(request, "chirpstack", lorawan.chirpstack)


@csrf_exempt
@public
@require_POST
def things_stack(request: HttpRequest) -> HttpResponse:
    """A webhook of The Things Stack v3, JSON, with the same header: uplink messages are kept, all others are answered 204."""
    return _network(request, "ttn", lorawan.things_stack)


def _network(request: HttpRequest, form: str, read: Any) -> HttpResponse:
    if not _of_network(request):
        return says(401, error="wrong key")
    try:
        up = read(request.body)
    except lorawan.NoUplink:
        return HttpResponse(status=204)
    except Unreadable as error:
        return says(400, error=str(error))
    return taken([taking.record(Door.LORAWAN, up.eui, request.body, proof=f"network:{shown(request)}", form=form)])


@csrf_exempt
@public
@require_http_methods(["GET", "POST"])
def osmand(request: HttpRequest, key: str = "") -> HttpResponse:
    """As OsmAnd and the Traccar Client say it: ?id=&lat=&lon=&timestamp=&speed=(knots)&bearing=&altitude=&batt=, or the JSON of
    the newer client. The key is part of the address, or ?key=."""
    try:
        code, seen = _osmand(request)
    except Unreadable as error:
        return says(400, error=str(error))
    proof = f"key:{key or shown(request)}"
    body = observation.written([seen])
    return refused(code, Door.PHONE, proof) or taken([taking.record(Door.PHONE, code, body, proof=proof)])


def _osmand(request: HttpRequest) -> tuple[str, Observation]:
    if request.content_type == "application/json" and request.body:
        return _traccar_json(request.body)
    said = {**request.GET.dict(), **request.POST.dict()}
    code = str(said.get("id") or said.get("deviceid") or "")
    lat, lon = _figure(said.get("lat")), _figure(said.get("lon"))
    if "location" in said and lat is None:
        lat, lon = ([_figure(part) for part in str(said["location"]).split(",")] + [None, None])[:2]
    if not code or lat is None or lon is None:
        raise Unreadable("id, lat and lon")
    speed, battery = _figure(said.get("speed")), _figure(said.get("batt"))
    seen = Observation(
        at=observation.moment(said.get("timestamp")), lat=lat, lon=lon, speed=None if speed is None else speed * KNOT,
        course=_figure(said.get("bearing") or said.get("heading")), altitude=_figure(said.get("altitude")),
    )  # fmt: skip
    if battery is not None:
        seen.values["battery"] = battery
    return code, seen


def _traccar_json(body: bytes) -> tuple[str, Observation]:
    try:
        said = json.loads(body)
        code, place = str(said["device_id"]), said["location"]
        where = dict(place["coords"])
        at = observation.moment(place.get("timestamp"))
        battery = (place.get("battery") or {}).get("level")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("not as the Traccar Client says it") from error
    lat, lon = observation.number(where.get("latitude")), observation.number(where.get("longitude"))
    if not code or lat is None or lon is None:
        raise Unreadable("device_id, latitude and longitude")
    speed, level = observation.number(where.get("speed")), observation.number(battery)
    seen = Observation(
        at=at, lat=lat, lon=lon, speed=speed * 3.6 if speed is not None and speed >= 0 else None,
        course=observation.number(where.get("heading")), altitude=observation.number(where.get("altitude")),
    )  # fmt: skip
    if level is not None and level >= 0:
        seen.values["battery"] = level * 100
    return code, seen


def _figure(text: Any) -> float | None:
    try:
        return observation.number(float(text))
    except (TypeError, ValueError):
        return None
