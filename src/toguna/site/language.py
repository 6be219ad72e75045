"""In which language a page is: the reader's choice (a cookie), else the browser's, else the town's. No session, no query."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation.trans_real import parse_accept_lang_header

from toguna.kernel.web import public


class Language:
    """Only the town's own languages are offered, so Django's middleware, which knows a hundred, is not used."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = wanted(request)
        translation.activate(chosen)
        request.LANGUAGE_CODE = chosen
        response = self.get_response(request)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        response.headers.setdefault("Content-Language", chosen)
        return response


def wanted(request: HttpRequest) -> str:
    offered = [code for code, _ in settings.LANGUAGES]
    asked = [
        request.GET.get("lang", ""),
        request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""),
        *(code.split("-")[0] for code, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))),
    ]
    return next((code for code in asked if code in offered), settings.LANGUAGE_CODE)


@public
def choose(request: HttpRequest) -> HttpResponse:
    """GET or POST language=fr&next=/where/I/was: sets the cookie and goes back there."""
    values = request.POST if request.method == "POST" else request.GET
    back = values.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    if values.get("language") in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            values["language"],
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            samesite="Lax",
        )
    return response
