"""Which browser this is: for limits only, never to know who somebody is."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.core import signing
from django.http import HttpRequest, HttpResponse

DEVICE_COOKIE = "device"
DESK_COOKIE = "desk-device"
NEW_FOR = timedelta(hours=1)
YEAR = timedelta(days=365)

# Signed: whoever makes up a cookie for each request is not taken for as many devices.
_devices = signing.TimestampSigner(salt="toguna.device")
_desks = signing.TimestampSigner(salt="toguna.desk-device")


def device_of(request: HttpRequest) -> str:
    """An id of this browser, for limits only: the cookie that we gave it, else what can be told of it."""
    given = request.COOKIES.get(DEVICE_COOKIE, "")
    try:
        _devices.unsign(given)
    except signing.BadSignature:
        return f"{address_of(request)}|{request.headers.get('User-Agent')}"
    return given


def address_of(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def is_new(request: HttpRequest) -> bool:
    """Whether we have known this browser for less than an hour: any number of those can be made."""
    try:
        _devices.unsign(request.COOKIES.get(DEVICE_COOKIE, ""), max_age=NEW_FOR)
    except signing.SignatureExpired:
        return False
    except signing.BadSignature:
        return True
    return True


def remember_device(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Gives the browser its cookie unless it has one of ours."""
    if device_of(request) != request.COOKIES.get(DEVICE_COOKIE):
        _set(request, response, DEVICE_COOKIE, _devices.sign(secrets.token_urlsafe(12)))
    return response


def remember_desk(request: HttpRequest, response: HttpResponse, email: str) -> HttpResponse:
    """Notes that this staff account has logged in from this browser."""
    _set(request, response, DESK_COOKIE, _desks.sign(_digest(email)))
    return response


def knows_desk(request: HttpRequest, email: str) -> bool:
    """Whether that staff account has logged in from this browser: then a stranger's guesses elsewhere do not lock it out."""
    try:
        return _desks.unsign(request.COOKIES.get(DESK_COOKIE, ""), max_age=YEAR) == _digest(email)
    except signing.BadSignature:
        return False


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()[:24]


def _set(request: HttpRequest, response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, httponly=True, samesite="Lax", secure=request.is_secure())
