"""Open311 GeoReport v2 at /open311/v2/ (https://wiki.open311.org/GeoReport_v2/), JSON and XML, with no key to ask for.

A `service_code` is a category's slug; a `service_request_id` is a report's code. `status` is "open" while the town still
works on it, else "closed". Errors are the standard's list of {code, description}, in the language of the request.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any

from django.conf import settings
from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point, Polygon
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, limits, text, town
from toguna.kernel.access import SYSTEM
from toguna.kernel.web import Request
from toguna.services.reports import intake
from toguna.services.reports.bodies import actions as bodies
from toguna.services.reports.bodies.sending import mark, name_of
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.models import Body
from toguna.services.reports.open311.answers import (
    MOST,
    TYPES,
    Problem,
    answer,
    body_of,
    moment,
    number,
    operation,
    written,
)
from toguna.services.reports.topics import topic, topics

PERIOD = timedelta(days=90)
FURTHEST_M = 20_000  # of a search around a point
PER_BODY = 600  # reports an hour from another body that shows its key
_DEGREE_M = 111_320
CHANGED = "2026-11-23T00:00:00Z"  # when this interface last changed, as the standard's discovery says it


@operation
def discovery(request: HttpRequest, format: str) -> HttpResponse:
    base = f"{settings.TOGUNA_URL}/open311/v2"
    content = {
        "changeset": CHANGED,
        "contact": _("The town hall of %(town)s. No key is needed.") % {"town": town.current().name},
        "key_service": "",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": base,
                "changeset": CHANGED,
                "type": "test" if town.current().demo else "production",
                "formats": list(TYPES.values()),
            }
        ],
    }
    return answer("discovery", content, format)


def _service(t: cases.Topic) -> dict[str, Any]:
    return {
        "service_code": t.slug,
        "service_name": text.pick(t.names),
        "description": text.pick(t.help) or text.pick(t.names),
        "metadata": bool(t.questions),
        "type": "realtime",
        "keywords": ", ".join(sorted({name for name in t.names.values() if name})),
        "group": text.pick(t.parent.names) if t.parent else "",
    }


def _offered(t: cases.Topic) -> bool:
    """A category that only says whom to call instead is no service."""
    return t.active and not any(t.stop.values())


@operation
def services(request: HttpRequest, format: str) -> HttpResponse:
    return answer("services", [_service(t) for t in topics() if _offered(t)], format)


@operation
def service(request: HttpRequest, format: str, service_code: str) -> HttpResponse:
    """The extra questions of a category."""
    found = topic(service_code)
    if found is None or not _offered(found):
        raise Problem(
            404,
            _("service_code %(code)s was not found. The list is at services.%(format)s.")
            % {"code": service_code, "format": format},
        )
    attributes = [_attribute(n, q) for n, q in enumerate(cases.questions_of(found.questions), 1)]
    return answer("service_definition", {"service_code": service_code, "attributes": attributes}, format)


def _attribute(order: int, question: cases.Question) -> dict[str, Any]:
    """The standard knows no yes or no: it is a list of these two."""
    said = {
        "variable": True,
        "code": question.name,
        "datatype": "singlevaluelist" if question.kind == "boolean" else question.kind,
        "required": question.required,
        "datatype_description": text.pick(question.help),
        "order": order,
        "description": text.pick(question.label),
    }
    values = [{"key": key, "name": str(name)} for key, name in question.choices()]
    return said | {"values": values} if values else said


def _request(case: cases.Case, extensions: bool = False) -> dict[str, Any]:
    """A report as all may read it. The words of its last public step are the status notes."""
    steps = [s for s in case.steps.all() if s.public and s.text]  # prefetched
    photos = [p for p in case.photos.all() if p.public and p.state == cases.Photo.State.READY]
    row = {
        "service_request_id": case.code,
        "status": "open" if case.open else "closed",
        "status_notes": steps[-1].text if steps else str(REPORT.state(case.state).title),
        "service_name": text.pick(case.topic.names),
        "service_code": case.topic.slug,
        "description": case.text,
        "agency_responsible": text.pick(case.team.names) if case.team else "",
        "service_notice": "",
        "requested_datetime": written(case.created),
        "updated_datetime": written(case.updated),
        "expected_datetime": written(case.due),
        "address": ", ".join(filter(None, (case.place, case.zone.name if case.zone else ""))),
        "address_id": "",
        "zipcode": "",
        "lat": case.point.y if case.point else None,
        "long": case.point.x if case.point else None,
        "media_url": settings.TOGUNA_URL + reverse("photo", args=[photos[0].public_id, "large"]) if photos else "",
    }
    if not extensions:
        return row
    facts = cases.shown_answers(case.topic.questions, case.answers)
    return row | {
        "extended_attributes": {
            "state": case.state,
            "state_name": str(REPORT.state(case.state).title),
            "supporters": case.supporters,
            "answers": [{"question": question, "value": value} for question, value in facts],
        }
    }


def _requests(found: Any, request: HttpRequest) -> list[dict[str, Any]]:
    rows = found.select_related("topic", "topic__parent", "team", "zone").prefetch_related("steps", "photos")
    return [_request(case, request.GET.get("extensions") == "true") for case in rows]


def _seen(request: HttpRequest) -> Any:
    """The reports that this caller may read: public ones, and those that the body whose key it is gave us."""
    body = body_of(request)
    found = cases.Case.objects.filter(type=REPORT.name)
    return found.filter(Q(public=True) | Q(pk__in=bodies.given_by(body)) if body else Q(public=True))


@operation
def requests(request: Request, format: str) -> HttpResponse:
    """GET: reports that fit. POST: a new one."""
    if request.method == "POST":
        return _post(request, format)
    get = request.GET
    found = _seen(request).order_by("-id")
    if ids := get.get("service_request_id"):
        found = found.filter(code__in=[codes.read(i) for i in ids.split(",")][:MOST])
    else:
        found = _around(_within(found, request), request)
        if slugs := get.get("service_code"):
            found = found.filter(topic__in=[t.pk for t in topics() if t.slug in slugs.split(",")])
        if status := get.get("status"):
            wanted = {s.strip() for s in status.split(",")}
            if not wanted <= {"open", "closed"}:
                raise Problem(400, _("status is open or closed."))
            found = found.filter(open__in=[s == "open" for s in wanted])
    page, size = number(get, "page", 1, 10**6), number(get, "page_size", MOST, MOST)
    return answer("service_requests", _requests(found[(page - 1) * size : page * size], request), format)


def _within(found: Any, request: HttpRequest) -> Any:
    """Those of a period: by when they were made (90 days at most, the last ones unless it is said), or, an extension, by
    when they changed."""
    get = request.GET
    start, end = moment(get, "start_date"), moment(get, "end_date")
    after, before = moment(get, "updated_after"), moment(get, "updated_before")
    if after is not None or before is not None:
        last = before or timezone.now()
        first = after or last - PERIOD
        _span(first, last, "updated_after", "updated_before")
        found = found.filter(updated__gte=first, updated__lte=last)
        if start:
            found = found.filter(created__gte=start)
        return found.filter(created__lte=end) if end else found
    end = end or (start + PERIOD if start else timezone.now())
    start = start or end - PERIOD
    _span(start, end, "start_date", "end_date")
    return found.filter(created__gte=start, created__lte=end)


def _span(start: datetime, end: datetime, first: str, last: str) -> None:
    if end - start > PERIOD:
        raise Problem(400, _("%(first)s and %(last)s are at most 90 days apart.") % {"first": first, "last": last})


def _around(found: Any, request: HttpRequest) -> Any:
    """An extension: those at most `radius` metres from lat, long."""
    get = request.GET
    if not any(get.get(name) for name in ("lat", "long", "radius")):
        return found
    try:
        lat, lon, radius = (float(get.get(name, "")) for name in ("lat", "long", "radius"))
    except ValueError:
        raise Problem(400, _("Give lat, long and radius together: degrees, degrees and metres.")) from None
    if not (abs(lat) <= 85 and abs(lon) <= 180 and 0 < radius <= FURTHEST_M):
        raise Problem(400, _("radius is at most %(most)d metres.") % {"most": FURTHEST_M})
    up = radius / _DEGREE_M * 1.01
    across = up / cos(radians(lat))
    box = Polygon.from_bbox((lon - across, lat - up, lon + across, lat + up))
    box.srid = 4326
    near = found.filter(point__bboverlaps=box).annotate(metres=Distance("point", Point(lon, lat, srid=4326)))
    return near.filter(metres__lte=radius)


@operation
def one(request: HttpRequest, format: str, code: str) -> HttpResponse:
    found = _requests(_seen(request).filter(code=codes.read(code)), request)
    if not found:
        raise Problem(404, _("service_request_id %(code)s was not found.") % {"code": code})
    return answer("service_requests", found, format)


@operation
def token(request: HttpRequest, format: str, code: str) -> HttpResponse:
    """A token is the report's code: we give the id at once, so a client that asks for it gets it back."""
    if not cases.Case.objects.filter(type=REPORT.name, code=codes.read(code)).exists():
        raise Problem(404, _("service_request_id %(code)s was not found.") % {"code": code})
    return answer("service_requests", [{"service_request_id": codes.read(code), "token": code}], format)


def _place(post: Any) -> tuple[float | None, float | None, int | None]:
    """(lon, lat, district) of a POST, from lat and long, or from the words of address_string."""
    if post.get("lat") or post.get("long"):
        try:
            return float(post.get("long", "")), float(post.get("lat", "")), None
        except ValueError:
            raise Problem(400, _("lat and long are decimal degrees, both, as 13.9423 and -8.8488.")) from None
    words = post.get("address_string") or post.get("address_id") or ""
    if not words:
        raise Problem(400, _("Say where it is: give lat and long, or address_string."))
    point = territory.read_point(words)
    if point is not None:
        return *point, None
    named = text.fold(words)
    district = next((z for z in territory.districts() if text.fold(z.name) in named), None)
    if district is None:
        raise Problem(
            400, _("No place of the town is recognised in address_string: name the district, or give lat and long.")
        )
    return None, None, district.id


def _pictures(request: Request) -> tuple[bytes, ...]:
    """The picture that came in `media`, looked at before anything is kept."""
    file = request.FILES.get("media")
    if file is None:
        return ()
    if (file.size or 0) > cases.MOST_BYTES:
        raise cases.BadPhoto(_("This photo is too large (%(size)d MB at most).") % {"size": cases.MOST_BYTES // 10**6})
    data = file.read()
    cases.check_photo(data)
    return (data,)


def _answers(chosen: cases.Topic, post: Any) -> dict[str, Any]:
    """The answers to the category's questions, from attribute[code] and attribute[code][]."""
    try:
        return cases.check_answers(
            chosen.questions, lambda name: post.getlist(f"attribute[{name}]") + post.getlist(f"attribute[{name}][]")
        )
    except cases.Wrong as wrong:
        raise Problem(400, *wrong.errors.values(), *wrong.stops) from wrong


def _client_id(post: Any, body: Body | None) -> uuid.UUID:
    """An extension: the same client_id again gives the report that it made."""
    try:
        return uuid.UUID(post.get("client_id", ""))
    except ValueError:
        # A body's own number of it serves as well: its second try after a broken line makes no second report.
        own = post.get("account_id", "")
        if body is not None and own:
            return uuid.uuid5(uuid.NAMESPACE_URL, f"open311:{body.slug}:{own}:{post.get('service_code')}")
        return uuid.uuid4()


def _comes_back(words: str) -> bool:
    """Whether it is one of ours that another body sends back to us: it would go round for ever."""
    name = mark(cases.Case(code="")).rstrip(" ]")
    found = [codes.read(part.split("]")[0]) for part in words.split(name)[1:]]
    return bool(found) and cases.Case.objects.filter(type=REPORT.name, code__in=found).exists()


def _post(request: Request, format: str) -> HttpResponse:
    post = request.POST
    body = body_of(request)
    chosen = topic(post.get("service_code", ""))
    if chosen is None or not _offered(chosen):
        status = 404 if post.get("service_code") else 400
        raise Problem(status, _("Give a service_code of the list at services.%(format)s.") % {"format": format})
    words = text.clean(post.get("description", ""))
    if not words:
        raise Problem(400, _("Say in description what is wrong."))
    if _comes_back(words):
        raise Problem(409, _("This report came from here: answer it with a service request update instead."))
    lon, lat, district = _place(post)
    try:
        asked = cases.Asked(
            type=REPORT.name,
            topic=chosen,
            text=words[:4000],
            place=post.get("address_string", "") if lon is None or post.get("lat") else "",
            lon=lon,
            lat=lat,
            zone=district,
            answers=_answers(chosen, post),
            language=(get_language() or "").split("-")[0],
            channel="open311",
            client_id=_client_id(post, body),
            name=f"{post.get('first_name', '')} {post.get('last_name', '')}".strip()[:200],
            phone=people.normal_phone(post["phone"]) if post.get("phone") else "",
            email=people.normal_email(post["email"]) if post.get("email") else "",
            photos=_pictures(request),
        )
        case = _open(request, asked, body)
    except (cases.Refused, cases.BadPhoto) as error:
        raise Problem(400, str(error)) from error
    except ValidationError as error:
        raise Problem(400, *error.messages) from error
    notice = _("Keep this code to follow it: %(code)s") % {"code": case.code}
    made = {"service_request_id": case.code, "service_notice": notice, "account_id": post.get("account_id", "")[:120]}
    return answer("service_requests", [made], format, status=201)


@transaction.atomic
def _open(request: Request, asked: cases.Asked, body: Body | None) -> cases.Case:
    """Opens it. media_url is a link for the team: nothing is fetched from where somebody tells us to."""
    post = request.POST
    if body is not None:
        limits.hit("reports.open", f"body {body.pk}", at_most=PER_BODY, per=intake.HOUR)
        case, new = cases.open_case(asked, by=request.actor)
        bodies.note_giver(body, case)
    else:
        if device := post.get("device_id", "")[:200]:
            limits.hit("reports.open", f"open311 {device}", at_most=intake.PER_SENDER, per=intake.HOUR)
        case, new = intake.take(asked, request=request)
    if new and (media := bodies.address(post.get("media_url", ""))):
        said = _("Photo elsewhere: %(address)s") % {"address": media}
        cases.reply(case.pk, said if body is None else f"{name_of(body, case)}: {media}", by=SYSTEM, public=False)
    return case


def root(request: HttpRequest) -> HttpResponse:
    return discovery(request, format="json")
