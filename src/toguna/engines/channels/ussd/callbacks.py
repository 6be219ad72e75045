"""Where aggregators ask for the next screen. Each has its own shape; the secret in the address keeps strangers out.

Africa's Talking: https://developers.africastalking.com/docs/ussd/handle_sessions (form in, "CON ..." or "END ..." out; `text`
is all that was typed, joined by "*"). Hubtel: programmable USSD (JSON in and out, one message at a time, with a Sequence).
Plain JSON, for whoever has neither: {session, phone, text: [...]} gives {text, end}.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import translation
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from toguna.engines.channels.models import UssdSession
from toguna.engines.channels.ussd.sessions import Screen, step
from toguna.engines.people import api as people
from toguna.kernel import limits, town
from toguna.kernel.web import public

LARGEST = 20_000  # bytes of a callback


def secret(kind: str) -> str:
    """The part of the address that only the aggregator is told."""
    return salted_hmac("channels.ussd", kind, algorithm="sha256").hexdigest()[:24]


def address(kind: str) -> str:
    """The whole address to give to an aggregator."""
    return f"{settings.TOGUNA_URL}/ussd/{kind}/{secret(kind)}"


def _screen(session: str, phone: str, typed: Sequence[str]) -> Screen:
    """Like `step`, with an answer for whatever is wrong."""
    try:
        return step(session, people.normal_phone(phone), typed)
    except limits.TooMany as error:
        return Screen(str(error), end=True)
    except ValidationError:
        return Screen(_("This number cannot be read."), end=True)


@csrf_exempt
@require_POST
def callback(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    if (
        kind not in KINDS
        or not constant_time_compare(key, secret(kind))
        or int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST
    ):
        raise Http404
    with translation.override(town.current().languages[0]):
        return KINDS[kind](request)


callback = public(callback)


def _africastalking(request: HttpRequest) -> HttpResponse:
    given = request.POST
    typed = given.get("text", "")
    screen = _screen(given.get("sessionId", ""), given.get("phoneNumber", ""), typed.split("*") if typed else [])
    return HttpResponse(f"{'END' if screen.end else 'CON'} {screen.text}", content_type="text/plain; charset=utf-8")


def _hubtel(request: HttpRequest) -> HttpResponse:
    """One message at a time: what was typed before is in our session; a Sequence received twice types nothing again."""
    given = _json(request)
    session, phone, kind = (
        str(given.get("SessionId", "")),
        str(given.get("Mobile", "")),
        str(given.get("Type", "")).lower(),
    )
    if kind in ("release", "timeout"):
        return JsonResponse({"SessionId": session, "Type": "release", "Message": ""})
    known = UssdSession.objects.filter(session=session[:120]).values_list("path", flat=True).first() or []
    sequence = given.get("Sequence")
    typed = [] if kind == "initiation" else [*known, str(given.get("Message", ""))]
    if isinstance(sequence, int) and len(typed) > max(0, sequence - 1):
        typed = typed[: max(0, sequence - 1)]
    phone = phone if phone.startswith("+") else f"+{phone}"
    screen = _screen(session, phone, typed)
    answer = {"SessionId": session, "Type": "release" if screen.end else "response", "Message": screen.text}
    return JsonResponse({**answer, "Label": town.current().name, "DataType": "input", "FieldType": "text"})


def _plain(request: HttpRequest) -> HttpResponse:
    given = _json(request)
    typed = given.get("text", [])
    words = [str(w) for w in typed] if isinstance(typed, list) else [str(typed)]
    screen = _screen(str(given.get("session", "")), str(given.get("phone", "")), words[:200])
    return JsonResponse({"text": screen.text, "end": screen.end})


def _json(request: HttpRequest) -> dict[str, Any]:
    try:
        given = json.loads(request.body)
    except ValueError:
        given = None
    return given if isinstance(given, dict) else {}


KINDS = {"africastalking": _africastalking, "hubtel": _hubtel, "json": _plain}
