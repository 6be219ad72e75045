"""Where gateways tell what became of messages, and bring what people have written. Whatever comes is answered quickly, changes
nothing the second time, and is believed only at an address that we have given out.

Kannel: user guide, "dlr-url" and "get-url". Africa's Talking: developers.africastalking.com/docs/sms/notifications. Orange:
developer.orange.com/apis/sms (OneAPI's deliveryInfoNotification and inboundSMSMessageNotification).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from toguna.engines.channels import incoming
from toguna.engines.channels.gateway import africastalking, marks, orange, reports
from toguna.engines.channels.models import Incoming, Route
from toguna.engines.people import api as people
from toguna.kernel import text as words
from toguna.kernel import turns
from toguna.kernel.web import public

LARGEST = 100_000  # bytes of a call
ANSWER = 3  # characters: what is not longer may well be said twice on purpose ("1" to two questions)


def address(what: str, kind: str) -> str:
    """The whole address to give to a gateway. what: "in" or "report"."""
    return f"{settings.TOGUNA_URL}/sms/{what}/{kind}/{marks.secret(f'{what}:{kind}')}"


# ------------------------------------------------------------------ delivery reports


@csrf_exempt
@require_http_methods(["GET", "POST"])
def dlr(request: HttpRequest, mark: str) -> HttpResponse:
    """Of Kannel, for one message. t: 1 delivered, 2 not delivered, 4 waiting, 8 taken by the operator, 16 refused by it."""
    message = marks.read_mark(mark)
    if message is None:
        raise Http404
    given = request.GET.get("t", "")
    said = {"1": "delivered", "2": "failed", "4": "taken", "8": "taken", "16": "failed"}.get(given)
    if said is not None:
        reports.report(message, cast(reports.Said, said), request.GET.get("a", "") or f"Kannel: {given}")
    return HttpResponse("")  # empty: Kannel would send what it says as an SMS


dlr = public(dlr)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Of an aggregator, about what it calls by a name of its own. 404 where we do not know the message (yet): it tries again."""
    _believed(request, "report", kind, key)
    reading = REPORTS.get(kind, _plain_report)
    reference, said, words, phone = reading(request)
    if not reference or said is None:
        return HttpResponse("")
    message = reports.find(kind, reference, _phone(phone))
    if message is None:
        return HttpResponse("unknown message", status=404, content_type="text/plain")
    reports.report(message, said, words)
    return HttpResponse("")


report = public(report)

Read = tuple[str, "reports.Said | None", str, str]  # reference, what it says, in words, the phone


def _africastalking_report(request: HttpRequest) -> Read:
    given = request.POST
    said = africastalking.REPORTS.get(given.get("status", ""))
    words = given.get("failureReason", "") or given.get("status", "")
    return given.get("id", ""), cast("reports.Said | None", said), words, given.get("phoneNumber", "")


def _orange_report(request: HttpRequest) -> Read:
    told = _inside(request, "deliveryInfoNotification")
    info = told.get("deliveryInfo")
    info = info[0] if isinstance(info, list) and info else info
    info = info if isinstance(info, dict) else {}
    status = str(info.get("deliveryStatus", ""))
    said = cast("reports.Said | None", orange.REPORTS.get(status))
    return str(told.get("callbackData", "")), said, status, str(info.get("address", "")).removeprefix("tel:")


def _plain_report(request: HttpRequest) -> Read:
    """For any other: `id` and `status`, by query, form or JSON; what is neither delivered nor failed is on its way."""
    given = {**_json(request), **request.GET.dict(), **request.POST.dict()}
    status = str(given.get("status", "")).lower()
    said: reports.Said = "taken"
    if status.startswith("deliv"):
        said = "delivered"
    elif status.startswith(("undeliv", "fail", "reject", "expire", "error")):
        said = "failed"
    return str(given.get("id", "")), said, status, str(given.get("to", ""))


REPORTS: dict[str, Callable[[HttpRequest], Read]] = {
    "africastalking": _africastalking_report,
    "orange": _orange_report,
}


# ------------------------------------------------------------------ what people write


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """What somebody has written to the town by SMS. Answered 200 once it is kept; the answer to them is another message."""
    _believed(request, "in", kind, key)
    found = READERS.get(kind, _plain_message)(request)
    if not found["from"]:
        return HttpResponse("who has written this? (from)", status=400, content_type="text/plain")
    take(kind, **{("sender" if name == "from" else name): value for name, value in found.items()})
    return HttpResponse("")


receive = public(receive)


def take(kind: str, sender: str, to: str, text: str, reference: str, raw: dict[str, Any]) -> Incoming:
    """Keeps and answers it, once: an operator that did not hear our "yes" sends it again, under another number."""
    sender, to, reference = (words.clean(value.replace("\x00", "")) for value in (sender, to, reference))
    text = words.clean(text.replace("\x00", ""))[: incoming.LONGEST]
    who = _phone(sender)[:254]
    within = timedelta(seconds=5 if len(text.strip()) <= ANSWER else 60)
    with transaction.atomic():
        turns.one_at_a_time(f"channels.sms {who}")  # of two that come together from one phone, one is the repeat
        same = Incoming.objects.filter(medium="sms", address=who, text=text, at__gt=timezone.now() - within)
        if text and (before := same.order_by("-id").first()) is not None:
            return before
        smsc = raw.get("smsc")
        routes = Route.objects.filter(kind=kind).order_by("order", "slug")
        route = (routes.filter(settings__smsc=smsc).first() if smsc else None) or routes.first()
        return incoming.receive(
            "sms", who, text, to=to, reference=f"{kind}:{reference}" if reference else "",
            route=route.pk if route else None, raw=raw,
        )  # fmt: skip


def _kannel_message(request: HttpRequest) -> dict[str, Any]:
    """%b is bytes, %C what they are in: UTF-16BE for UCS-2. Django would take them for UTF-8, so the query is read as it is."""
    given = {
        name: unquote_to_bytes(value.replace("+", " ")) for name, value in _pairs(request.META.get("QUERY_STRING", ""))
    }
    charset = given.pop("charset", b"").decode("ascii", "replace") or "UTF-8"
    data = given.pop("text", b"")
    try:
        text = data.decode(charset)
    except (LookupError, UnicodeDecodeError):
        text = data.decode("utf-8", errors="replace")
    said = {name: value.decode("utf-8", errors="replace") for name, value in given.items()}
    return {
        "from": said.get("from", ""),
        "to": said.get("to", ""),
        "text": text,
        "reference": said.get("id", ""),
        "raw": {"smsc": said.get("smsc", ""), "charset": charset, "coding": said.get("coding", "")},
    }


def _pairs(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _is, value in (pair.partition("=") for pair in query.split("&"))]


def _africastalking_message(request: HttpRequest) -> dict[str, Any]:
    given = request.POST
    return {
        "from": given.get("from", ""), "to": given.get("to", ""), "text": given.get("text", ""), "reference": given.get("id", ""),
        "raw": {"date": given.get("date", ""), "linkId": given.get("linkId", "")},
    }  # fmt: skip


def _orange_message(request: HttpRequest) -> dict[str, Any]:
    given = _inside(request, "inboundSMSMessageNotification").get("inboundSMSMessage")
    given = given if isinstance(given, dict) else {}
    return {
        "from": str(given.get("senderAddress", "")).removeprefix("tel:"),
        "to": str(given.get("destinationAddress", "")).removeprefix("tel:"),
        "text": str(given.get("message", "")),
        "reference": str(given.get("messageId", "")),
        "raw": {"date": str(given.get("dateTime", ""))},
    }


def _plain_message(request: HttpRequest) -> dict[str, Any]:
    given = {**_json(request), **request.GET.dict(), **request.POST.dict()}
    said = {name: str(given.get(name, "")) for name in ("from", "to", "text")}
    return {**said, "reference": str(given.get("id", "")), "raw": {}}


READERS: dict[str, Callable[[HttpRequest], dict[str, Any]]] = {
    "kannel": _kannel_message,
    "africastalking": _africastalking_message,
    "orange": _orange_message,
}


# ------------------------------------------------------------------ trust, and reading


def _believed(request: HttpRequest, what: str, kind: str, key: str) -> None:
    """Raises Http404 for whoever does not know the address, or says too much. A Kannel of ours calls from this machine."""
    if not marks.is_secret(f"{what}:{kind}", key) or int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        raise Http404


def _json(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        return {}
    try:
        found = json.loads(request.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _inside(request: HttpRequest, name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(request.body)
    except ValueError:
        return {}
    inner = found.get(name) if isinstance(found, dict) else None
    return inner if isinstance(inner, dict) else {}


def _phone(given: str) -> str:
    """E.164 where it is a phone number; else as it is: a short number, a name."""
    try:
        return people.normal_phone(given)
    except ValidationError:
        return given.strip()
