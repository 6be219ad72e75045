"""Whose a filling is in this browser: who began it here goes on without an account, until the form is sent.

The code alone shows nothing of a filling in which somebody has written who they are: on another browser they also say the
telephone or the name that they wrote.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from toguna.engines.forms import reads
from toguna.engines.forms.definition import Definition
from toguna.engines.forms.models import Filling
from toguna.engines.people import api as people
from toguna.kernel import limits, text
from toguna.kernel.access import Actor
from toguna.kernel.web import Request

COOKIE = "forms"
MOST, DAYS = 10, 90
TRIES = 10
_signer = signing.TimestampSigner(salt="toguna.forms.carried")


def _carried(request: HttpRequest) -> list[str]:
    try:
        return _signer.unsign(request.COOKIES.get(COOKIE, ""), max_age=timedelta(days=DAYS)).split(".")
    except signing.BadSignature:
        return []


def carry(request: HttpRequest, filling: Filling, response: HttpResponse) -> HttpResponse:
    """Lets this browser go on with a filling. Whoever calls it has checked that it is theirs."""
    codes = [filling.code, *(code for code in _carried(request) if code != filling.code)][:MOST]
    response.set_cookie(
        COOKIE, _signer.sign(".".join(codes)), max_age=timedelta(days=DAYS), httponly=True, samesite="Lax",
        secure=request.is_secure(),
    )  # fmt: skip
    return response


def actor(request: Request, filling: Filling) -> Actor | None:
    """Who acts on it here; None for who may not. A browser that was let on acts for whoever began it."""
    if reads.may(request.actor, filling):
        return request.actor
    if filling.code in _carried(request):
        return request.actor.as_town()
    return None


def told(form: Definition, filling: Filling) -> dict[str, str]:
    """What is written in it of who asks: {"person.phone": "+22370...", "person.name": "awa kone"}, folded to be compared."""
    found: dict[str, str] = {}
    for item in form.walk():
        if item.prefill not in ("person.phone", "person.name"):
            continue
        value: Any = filling.values
        for name in item.path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            found.setdefault(item.prefill, _folded(item.prefill, value))
    return found


def _folded(what: str, typed: str) -> str:
    if what == "person.phone":
        try:
            return people.normal_phone(typed)
        except ValidationError:
            pass
    return " ".join(sorted(text.fold(typed).split()))


def knows(request: HttpRequest, form: Definition, filling: Filling, typed: str) -> bool:
    """Whether somebody says the telephone or the name that is written in it. Raises limits.TooMany for who tries many."""
    limits.hit("forms.resume", f"filling {filling.pk}", at_most=TRIES, per=timedelta(hours=1))
    limits.hit("forms.resume", people.device_of(request), at_most=3 * TRIES, per=timedelta(hours=1))
    wanted = told(form, filling)
    return any(_folded(what, typed) == said for what, said in wanted.items())
