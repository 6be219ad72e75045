"""The gate before every view."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import urlencode
from django.utils.module_loading import import_string

from toguna.kernel import access, audit, turns
from toguna.kernel.limits import TooMany
from toguna.kernel.web import Gate as GateMark

# Views of others that guard themselves: log-in pages, the API (each operation declares its own access), the admin.
GUARDED_ELSEWHERE = ("allauth.", "ninja.", "django.contrib.admin", "django.contrib.staticfiles", "django.views.static")


class Weight:
    """Refuses what is too heavy by what it says of itself, before any of it is read: on 2G somebody waits for that answer.

    A body without a length (chunked) would be read as an empty one: it is refused; one that lies is cut at what it said.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if "HTTP_TRANSFER_ENCODING" in request.META and "CONTENT_LENGTH" not in request.META:
            return _closing(import_string(settings.TOGUNA_UNMEASURED)(request))
        most = next((n for prefix, n in settings.TOGUNA_HEAVIEST if request.path_info.startswith(prefix)))
        if not length.isascii() or not length.isdigit() or int(length) > most:
            return _closing(import_string(settings.TOGUNA_TOO_LARGE)(request, most))
        return self.get_response(request)


def _closing(response: HttpResponse) -> HttpResponse:
    response["Connection"] = "close"  # the rest of it need not be sent
    return response


class Gate:
    """Opens a view only to those whom it names. A view that names nobody stays shut (deny by default). What is for some alone stays in no
    browser that others use after them, unless the view says otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.actor_of = import_string(settings.TOGUNA_ACTOR)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = SimpleLazyObject(lambda: self.actor_of(request))  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
        finally:
            if sent := getattr(request, "sent_once", ""):
                with contextlib.suppress(DatabaseError):  # a connection that broke has let go of it
                    turns.give(sent)
        if getattr(request, "private", False):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def process_view(self, request: Any, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        gate: GateMark | None = getattr(view, "gate", None) or getattr(getattr(view, "view_class", None), "gate", None)
        if gate is None:
            inner = getattr(view, "func", view)  # the API's views are partials
            if inner.__module__.startswith(GUARDED_ELSEWHERE):
                return None
            raise access.Denied(request.actor, f"open {inner!r}, which says nothing of who may")
        if gate.who == "public":
            _one_by_one(request, view)
            return None
        request.private = True
        actor: access.Actor = request.actor
        if actor.account is None or (gate.who == "staff" and not actor.staff):
            name = "staff-login" if gate.who == "staff" else "login"
            return redirect(f"{reverse(name)}?{urlencode({'next': request.get_full_path()})}")
        if gate.permission:
            try:
                access.require(actor, gate.permission, anywhere=True)
            except access.Denied as denied:
                _audit(request, denied)  # what is raised before the view never reaches process_exception
                raise
        _one_by_one(request, view)
        return None

    def process_exception(self, request: Any, error: Exception) -> HttpResponse | None:
        if isinstance(error, access.Denied):
            _audit(request, error)
        if isinstance(error, TooMany):
            response = import_string(settings.TOGUNA_TOO_MANY)(request, error)
            response["Retry-After"] = str(error.retry_after)
            return response  # type: ignore[no-any-return]
        return None


def _one_by_one(request: Any, view: Any) -> None:
    """A form that is sent twice at once (a second press while the first is on its way): the second waits here, and then finds what the
    first did, as one that comes later would. Programs have keys of their own, and bodies that are no forms."""
    if request.method != "POST" or getattr(view, "csrf_exempt", False):
        return
    sent = request.POST.get("client_id", "")[:40]
    if sent:
        request.sent_once = f"sent {sent}"
        turns.take(request.sent_once)


def _audit(request: Any, denied: access.Denied) -> None:
    audit.record(denied.actor, "access.denied", permission=denied.permission, path=request.path)
