"""What a telephone exchange (Asterisk, FreePBX, any that can send a web request) tells of its calls. See docs/frontdesk.md."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.exceptions import RequestDataTooBig, ValidationError
from django.http import JsonResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from toguna.engines.people import api as people
from toguna.kernel import limits
from toguna.kernel.web import Request, public
from toguna.services.frontdesk import actions

MOST_BYTES = 4096
A_MINUTE = 600
WRONG_A_MINUTE = 30


def _wrong(status: int, error: str) -> JsonResponse:
    return JsonResponse({"error": error}, status=status)


def _given(request: Request) -> dict[str, Any] | None:
    """The fields, from a form or from JSON; None when it is neither."""
    if request.content_type != "application/json":
        return dict(request.POST.items())
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


@csrf_exempt
@public
def event(request: Request) -> JsonResponse:
    """POST event=ringing|answered|hangup, id, from, to (the extension), with `Authorization: Bearer SECRET`.

    Answers {"call": id, "url": the page for the agent}. The same event twice changes nothing; any order is right.
    """
    if request.method != "POST":
        response = _wrong(405, _("Send this with POST."))
        response["Allow"] = "POST"
        return response
    length = request.headers.get("Content-Length") or "0"
    if not length.isdigit() or int(length) > MOST_BYTES:
        return _wrong(413, _("Too long: %(most)d bytes at most.") % {"most": MOST_BYTES})
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    exchange = actions.exchange_of(secret.strip()) if scheme.lower() == "bearer" and secret else None
    try:
        if exchange is None:
            limits.hit(
                "telephony-wrong",
                str(request.META.get("REMOTE_ADDR")),
                at_most=WRONG_A_MINUTE,
                per=timedelta(minutes=1),
            )
            return _wrong(401, _("The secret is missing or wrong. Make a new one on the page of the exchanges."))
        limits.hit("telephony", exchange.slug, at_most=A_MINUTE, per=timedelta(minutes=1))
    except limits.TooMany as error:
        answer = _wrong(429, str(error))
        answer["Retry-After"] = str(error.retry_after)
        return answer
    try:
        given = _given(request)
    except RequestDataTooBig:
        return _wrong(413, _("Too long: %(most)d bytes at most.") % {"most": MOST_BYTES})
    if given is None:
        return _wrong(400, _("This is neither a form nor a JSON object."))
    said = {name: given.get(name) for name in ("event", "id", "from", "to")}
    if said["event"] not in actions.EVENTS:
        return _wrong(400, _("event is one of: %(events)s.") % {"events": ", ".join(actions.EVENTS)})
    reference = str(said["id"] or "").replace("\x00", "").strip()
    if not 0 < len(reference) <= 80:
        return _wrong(400, _("id names the call: 1 to 80 characters, the same in each of its events."))
    call = actions.heard(
        exchange,
        event=str(said["event"]),
        reference=reference,
        number=_number(said["from"]),
        extension=str(said["to"] or "").replace("\x00", "")[:40],
    )
    where = f"{reverse('front')}?call={call.public_id}"
    return JsonResponse({"call": str(call.public_id), "url": request.build_absolute_uri(where)})


def _number(typed: Any) -> str:
    """E.164, or "" when the caller hides theirs ("anonymous", "unknown") or it is an extension of the house."""
    try:
        return people.normal_phone(str(typed or "")[:40])
    except ValidationError:
        return ""


urlpatterns = [path("events", event, name="telephony")]
