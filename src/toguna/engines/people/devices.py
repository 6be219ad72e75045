"""Which browser this is: for limits only, never to know who somebody is."""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse

DEVICE_COOKIE = "device"


def device_of(request: HttpRequest) -> str:
    """An id of this browser, for limits only: from its cookie, else what can be told of it."""
    return (
        request.COOKIES.get(DEVICE_COOKIE) or f"{request.META.get('REMOTE_ADDR')}|{request.headers.get('User-Agent')}"
    )


def remember_device(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if DEVICE_COOKIE not in request.COOKIES:
        response.set_cookie(
            DEVICE_COOKIE,
            secrets.token_urlsafe(16),
            max_age=365 * 86400,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return response
