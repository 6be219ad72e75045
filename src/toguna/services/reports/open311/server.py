"""Open311 GeoReport v2 at /open311/v2/ (https://wiki.open311.org/GeoReport_v2/), JSON and XML, with no key to ask for.

A `service_code` is a category's slug; a `service_request_id` is a report's code. `status` is "open" while the town still
works on it, else "closed". Errors are the standard's list of {code, description}, in the language of the request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, text, town
from toguna.kernel.limits import TooMany
from toguna.kernel.web import Request, public
from toguna.services.reports import intake
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.topics import topic, topics

MOST = 1000  # requests in one answer, as the standard says
PERIOD = timedelta(days=90)
TYPES = {"json": "application/json", "xml": "text/xml"}


class Problem(Exception):
    """What the caller did wrong: answered as the standard's error list."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status


def _xml(name: str, value: Any) -> ElementTree.Element:
    """A dict becomes elements; a list becomes elements named by the list's name without its plural s."""
    element = ElementTree.Element(name)
    if isinstance(value, dict):
        element.extend(_xml(k, v) for k, v in value.items())
    elif isinstance(value, (list, tuple)):
        single = "request" if name == "service_requests" else name.removesuffix("s")
        element.extend(_xml(single, v) for v in value)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value is not None:
        # XML 1.0 cannot hold most control characters; `text.clean` lets none in, old data may have some.
        element.text = "".join(c for c in str(value) if c in "\t\n" or c >= " ")
    return element


def _answer(root: str, content: Any, format: str, status: int = 200) -> HttpResponse:
    """root: the XML root element's name, which JSON does not show."""
    if format == "xml":
        body = ElementTree.tostring(_xml(root, content), encoding="utf-8", xml_declaration=True)
    else:
        body = json.dumps(content, ensure_ascii=False).encode()
    return HttpResponse(body, status=status, content_type=f"{TYPES[format]}; charset=utf-8")


def operation(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """An operation of the standard: open to all, and its errors are the standard's."""

    @public
    @csrf_exempt  # no cookie gives any right here
    @wraps(view)
    def run(request: HttpRequest, format: str, **rest: Any) -> HttpResponse:
        if format not in TYPES:
            return _errors(404, _("Ask for .json or .xml."), "json")
        try:
            response = view(request, format, **rest)
        except Problem as problem:
            return _errors(problem.status, str(problem), format)
        except TooMany as error:
            response = _errors(429, str(error), format)
            response["Retry-After"] = str(error.retry_after)
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return run


def _errors(status: int, description: str, format: str) -> HttpResponse:
    return _answer("errors", [{"code": status, "description": description}], format, status)


@operation
def discovery(request: HttpRequest, format: str) -> HttpResponse:
    base = f"{settings.TOGUNA_URL}/open311/v2"
    content = {
        "changeset": "2026-01-01T00:00:00Z",
        "contact": _("The town hall of %(town)s. No key is needed.") % {"town": town.current().name},
        "key_service": "",
        "endpoints": [
            {
                "specification": "http://wiki.open311.org/GeoReport_v2",
                "url": base,
                "changeset": "2026-01-01T00:00:00Z",
                "type": "test" if town.current().demo else "production",
                "formats": list(TYPES.values()),
            }
        ],
    }
    return _answer("discovery", content, format)


def _service(t: cases.Topic) -> dict[str, Any]:
    return {
        "service_code": t.slug,
        "service_name": text.pick(t.names),
        "description": text.pick(t.help) or text.pick(t.names),
        "metadata": False,
        "type": "realtime",
        "keywords": ",".join(sorted({name for name in t.names.values() if name})),
        "group": text.pick(t.parent.names) if t.parent else "",
    }


@operation
def services(request: HttpRequest, format: str) -> HttpResponse:
    return _answer("services", [_service(t) for t in topics() if t.active], format)


@operation
def service(request: HttpRequest, format: str, service_code: str) -> HttpResponse:
    """The extra questions of a category: none yet, so the list is empty."""
    if topic(service_code) is None:
        raise Problem(
            404,
            _("service_code %(code)s was not found. The list is at services.%(format)s.")
            % {"code": service_code, "format": format},
        )
    return _answer("service_definition", {"service_code": service_code, "attributes": []}, format)


def _request(case: cases.Case) -> dict[str, Any]:
    """A public report. The words of its last public step are the status notes."""
    steps = [s for s in case.steps.all() if s.public and s.text]  # prefetched
    photos = [p for p in case.photos.all() if p.public and p.state == cases.Photo.State.READY]

    def moment(value: datetime | None) -> str:
        return value.isoformat(timespec="seconds") if value else ""

    return {
        "service_request_id": case.code,
        "status": "open" if case.open else "closed",
        "status_notes": steps[-1].text if steps else str(REPORT.state(case.state).title),
        "service_name": text.pick(case.topic.names),
        "service_code": case.topic.slug,
        "description": case.text,
        "agency_responsible": text.pick(case.team.names) if case.team else "",
        "service_notice": "",
        "requested_datetime": moment(case.created),
        "updated_datetime": moment(case.updated),
        "expected_datetime": moment(case.due),
        "address": ", ".join(filter(None, (case.place, case.zone.name if case.zone else ""))),
        "address_id": "",
        "zipcode": "",
        "lat": case.point.y if case.point else None,
        "long": case.point.x if case.point else None,
        "media_url": settings.TOGUNA_URL + reverse("photo", args=[photos[0].public_id, "large"]) if photos else "",
    }


def _requests(found: Any) -> list[dict[str, Any]]:
    rows = found.select_related("topic", "team", "zone").prefetch_related("steps", "photos")
    return [_request(case) for case in rows]


def _moment(request: HttpRequest, name: str) -> datetime | None:
    typed = request.GET.get(name, "")
    if not typed:
        return None
    try:
        # A "+" of a time zone often arrives as a space.
        found = parse_datetime(typed.replace(" ", "+"))
        if found is None and (day := parse_date(typed)) is not None:
            found = datetime(day.year, day.month, day.day)
    except ValueError:
        found = None
    if found is None:
        raise Problem(400, _("%(name)s is not a date: write it as 2026-01-31T09:00:00Z.") % {"name": name})
    return timezone.make_aware(found) if timezone.is_naive(found) else found


@operation
def requests(request: Request, format: str) -> HttpResponse:
    """GET: public reports that fit. POST: a new report."""
    if request.method == "POST":
        return _post(request, format)
    get = request.GET
    found = cases.Case.objects.filter(type=REPORT.name, public=True).order_by("-id")
    if ids := get.get("service_request_id"):
        found = found.filter(code__in=[codes.read(i) for i in ids.split(",")][:MOST])
    else:
        start, end = _moment(request, "start_date"), _moment(request, "end_date")
        end = end or (start + PERIOD if start else timezone.now())
        start = start or end - PERIOD
        if end - start > PERIOD:
            raise Problem(400, _("start_date and end_date are at most 90 days apart."))
        found = found.filter(created__gte=start, created__lte=end)
        if slugs := get.get("service_code"):
            found = found.filter(topic__in=[t.pk for t in topics() if t.slug in slugs.split(",")])
        if status := get.get("status"):
            wanted = {s.strip() for s in status.split(",")}
            if not wanted <= {"open", "closed"}:
                raise Problem(400, _("status is open or closed."))
            found = found.filter(open__in=[s == "open" for s in wanted])
    page, size = _number(request, "page", 1, 10**6), _number(request, "page_size", MOST, MOST)
    return _answer("service_requests", _requests(found[(page - 1) * size : page * size]), format)


def _number(request: HttpRequest, name: str, default: int, most: int) -> int:
    typed = request.GET.get(name, "")
    return min(max(int(typed), 1), most) if typed.isascii() and typed.isdigit() and len(typed) < 10 else default


@operation
def one(request: HttpRequest, format: str, code: str) -> HttpResponse:
    found = _requests(cases.Case.objects.filter(type=REPORT.name, public=True, code=codes.read(code)))
    if not found:
        raise Problem(404, _("service_request_id %(code)s was not found.") % {"code": code})
    return _answer("service_requests", found, format)


@operation
def token(request: HttpRequest, format: str, code: str) -> HttpResponse:
    """A token is the report's code: we give the id at once, so a client that asks for it gets it back."""
    if not cases.Case.objects.filter(type=REPORT.name, code=codes.read(code)).exists():
        raise Problem(404, _("service_request_id %(code)s was not found.") % {"code": code})
    return _answer("service_requests", [{"token": code, "service_request_id": codes.read(code)}], format)


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


def _post(request: Request, format: str) -> HttpResponse:
    post = request.POST
    chosen = topic(post.get("service_code", ""))
    if chosen is None:
        status = 404 if post.get("service_code") else 400
        raise Problem(status, _("Give a service_code of the list at services.%(format)s.") % {"format": format})
    words = text.clean(post.get("description", ""))
    if not words:
        raise Problem(400, _("Say in description what is wrong."))
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
            language=(get_language() or "").split("-")[0],
            channel="open311",
            name=f"{post.get('first_name', '')} {post.get('last_name', '')}".strip()[:200],
            phone=people.normal_phone(post["phone"]) if post.get("phone") else "",
            email=people.normal_email(post["email"]) if post.get("email") else "",
            photos=_pictures(request),
        )
        case, _new = intake.take(asked, request=request)
    except (cases.Refused, cases.BadPhoto) as error:
        raise Problem(400, str(error)) from error
    except ValidationError as error:
        raise Problem(400, " ".join(error.messages)) from error
    notice = _("Keep this code to follow it: %(code)s") % {"code": case.code}
    content = [{"service_request_id": case.code, "service_notice": notice, "account_id": ""}]
    return _answer("service_requests", content, format, status=201)


def root(request: HttpRequest) -> HttpResponse:
    return discovery(request, format="json")


urlpatterns: Sequence[Any] = [
    path("", public(root), name="open311"),
    path("discovery.<str:format>", discovery, name="open311-discovery"),
    path("services.<str:format>", services, name="open311-services"),
    path("services/<slug:service_code>.<str:format>", service, name="open311-service"),
    path("requests.<str:format>", requests, name="open311-requests"),
    path("requests/<slug:code>.<str:format>", one, name="open311-request"),
    path("tokens/<slug:code>.<str:format>", token, name="open311-token"),
]
