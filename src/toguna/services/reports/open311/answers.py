"""How the standard's answers are written: JSON and XML of the same rows, and its errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any
from xml.etree import ElementTree

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from toguna.kernel.limits import TooMany
from toguna.kernel.web import public
from toguna.services.reports.bodies import actions as bodies
from toguna.services.reports.models import Body

TYPES = {"json": "application/json", "xml": "text/xml"}
MOST = 1000  # rows in one answer, as the standard says
ITEMS = {"service_requests": "request", "service_request_updates": "request_update"}  # else the name without its s


class Problem(Exception):
    """What the caller did wrong: answered as the standard's error list, one entry for each sentence."""

    def __init__(self, status: int, *descriptions: str) -> None:
        super().__init__(" ".join(descriptions))
        self.status, self.descriptions = status, descriptions


def _xml(name: str, value: Any) -> ElementTree.Element:
    """A dict becomes elements; a list becomes elements named by ITEMS."""
    element = ElementTree.Element(name)
    if isinstance(value, dict):
        element.extend(_xml(k, v) for k, v in value.items())
    elif isinstance(value, (list, tuple)):
        single = ITEMS.get(name, name.removesuffix("s"))
        element.extend(_xml(single, v) for v in value)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value is not None:
        # XML 1.0 cannot hold most control characters; `text.clean` lets none in, old data may have some.
        element.text = "".join(c for c in str(value) if c in "\t\n" or c >= " ")
    return element


def answer(root: str, content: Any, format: str, status: int = 200) -> HttpResponse:
    """root: the XML root element's name, which JSON does not show."""
    if format == "xml":
        body = ElementTree.tostring(_xml(root, content), encoding="utf-8", xml_declaration=True)
    else:
        body = json.dumps(content, ensure_ascii=False).encode()
    return HttpResponse(body, status=status, content_type=f"{TYPES[format]}; charset=utf-8")


def _errors(status: int, descriptions: Sequence[str], format: str) -> HttpResponse:
    return answer("errors", [{"code": status, "description": d} for d in descriptions], format, status)


def operation(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """An operation of the standard: open to all, and its errors are the standard's."""

    @public
    @csrf_exempt  # no cookie gives any right here
    @wraps(view)
    def run(request: HttpRequest, format: str, **rest: Any) -> HttpResponse:
        if format not in TYPES:
            return _errors(404, [_("Ask for .json or .xml.")], "json")
        try:
            response = view(request, format, **rest)
        except Problem as problem:
            response = _errors(problem.status, problem.descriptions, format)
        except TooMany as error:
            response = _errors(429, [str(error)], format)
            response["Retry-After"] = str(error.retry_after)
        response["Access-Control-Allow-Origin"] = "*"
        return response

    return run


def body_of(request: HttpRequest) -> Body | None:
    """The other body whose key this request bears; None without a key. Raises Problem for a key that is nobody's."""
    key = request.POST.get("api_key") or request.GET.get("api_key") or ""
    if not key:
        return None
    found = bodies.holder(key)
    if found is None:
        raise Problem(403, _("This api_key is not known here. Ask the town hall for a new one, or leave it out."))
    return found


def moment(values: Any, name: str) -> datetime | None:
    """The date and time of a parameter; without a time zone it is the town's."""
    typed = values.get(name, "")
    if not typed:
        return None
    try:
        # A "+" of a time zone often arrives as a space.
        found = parse_datetime(typed.replace(" ", "+"))
        if found is None and (day := parse_date(typed)) is not None:
            found = datetime(day.year, day.month, day.day)
        if found is not None and timezone.is_naive(found):
            found = timezone.make_aware(found)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Problem(400, _("%(name)s is not a date: write it as 2026-01-31T09:00:00Z.") % {"name": name})
    return found


def number(values: Any, name: str, default: int, most: int) -> int:
    typed = values.get(name, "")
    return min(max(int(typed), 1), most) if typed.isascii() and typed.isdigit() and len(typed) < 10 else default


def written(value: datetime | None) -> str:
    return value.isoformat(timespec="seconds") if value else ""
