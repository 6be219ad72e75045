"""The phone of the demo: anyone dials *123# and sends SMS to the town from a fictional number, by the doors that operators
use. A real town has no such page: it answers 404."""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from toguna.engines.channels.incoming import receive
from toguna.engines.channels.models import Incoming, Message
from toguna.engines.channels.ussd.sessions import Screen, step
from toguna.engines.people import api as people
from toguna.kernel import limits, town
from toguna.kernel.web import public

DIAL = "*123#"
NUMBERS = ("+22370000011", "+22370000012", "+22370000013")
SHOWN = 12


def _demo() -> None:
    if not town.current().demo:
        raise Http404


def _number(typed: str) -> str:
    try:
        return people.normal_phone(typed) if typed else NUMBERS[0]
    except ValidationError:
        return NUMBERS[0]


def _thread(number: str) -> list[dict[str, Any]]:
    """What this phone sent and received by SMS, the oldest first."""
    received = Message.objects.filter(medium="sms", address=number).order_by("-id")[:SHOWN]
    sent = Incoming.objects.filter(medium="sms", address=number).order_by("-id")[:SHOWN]
    rows: list[dict[str, Any]] = [{"at": m.created, "text": m.text, "ours": False} for m in received if m.text]
    rows += [{"at": m.at, "text": m.text, "ours": True} for m in sent]
    return sorted(rows, key=lambda row: row["at"])[-SHOWN:]


@public
def phone(request: HttpRequest) -> HttpResponse:
    """GET: the phone of ?number=. POST do=sms (text), do=dial, do=key (session, path: what was typed so far, text)."""
    _demo()
    given = request.POST if request.method == "POST" else request.GET
    number = _number(given.get("number", ""))
    values: dict[str, Any] = {"number": number, "numbers": NUMBERS, "dial": DIAL, "path": "[]"}
    text = given.get("text", "")
    match given.get("do", ""):
        case "sms" if request.method == "POST":
            if text.strip() == DIAL:
                values |= _shown(number, secrets.token_urlsafe(8), [])
            elif text.strip():
                receive("sms", number, text[:1600], to="TOWN", reference=f"demo:{given.get('once', '')[:40]}")
                return redirect(f"{reverse('phone')}?{urlencode({'number': number})}#thread")
        case "dial" if request.method == "POST":
            values |= _shown(number, secrets.token_urlsafe(8), [])
        case "key" if request.method == "POST":
            values |= _shown(number, given.get("session", ""), [*_typed(given.get("path", "")), text[:200]])
        case _:
            pass
    values |= {"rows": _thread(number), "once": secrets.token_urlsafe(8)}
    return render(request, "channels/phone.html", values)


def _typed(path: str) -> list[str]:
    try:
        found = json.loads(path)
    except ValueError:
        return []
    return [str(word)[:200] for word in found][:100] if isinstance(found, list) else []


def _shown(number: str, session: str, typed: list[str]) -> dict[str, Any]:
    try:
        screen = step(f"demo:{session}"[:120], number, typed)
    except limits.TooMany as error:
        screen = Screen(str(error), end=True)
    # The session keeps what it took; what is typed after its end begins a new one.
    return {
        "screen": screen,
        "session": session,
        "path": json.dumps(typed),
        "ended": _("The session is over.") if screen.end else "",
    }


@public
def thread(request: HttpRequest) -> HttpResponse:
    """The messages alone, for the page that looks for new ones."""
    _demo()
    return render(request, "channels/phone_thread.html", {"rows": _thread(_number(request.GET.get("number", "")))})
