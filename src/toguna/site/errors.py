"""What is said when something goes wrong: in the reader's language, with what to do next."""

from __future__ import annotations

import contextlib
import errno
import logging
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.translation import gettext as _

from toguna.kernel.limits import TooMany

log = logging.getLogger("toguna.site")
# What Django and the driver raise when the database has stopped, is starting, or cannot take more.
AWAY = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    said, path = f"{title}. {text}", request.path
    if path.startswith("/open311/"):  # programs of that standard read its errors alone
        if path.endswith(".xml"):
            xml = f"<errors><error><code>{status}</code><description>{escape(said)}</description></error></errors>"
            return HttpResponse(xml, content_type="text/xml; charset=utf-8", status=status)
        return JsonResponse([{"code": status, "description": said}], safe=False, status=status)
    if "json" in request.headers.get("Accept", "") or path.startswith("/api/"):
        return JsonResponse({"detail": said}, status=status)
    request.broken = True  # type: ignore[attr-defined] # the frame then asks the database nothing
    return render(request, "error.html", {"status": status, "title": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        _heard_out(request)
        return too_large(request, _("Send a shorter text, or fewer and smaller photos."))
    return _page(
        request, 400, _("This request could not be read"), _("Go back, look at what you typed, and send it again.")
    )


def _heard_out(request: HttpRequest) -> None:
    """Who still sends when the line is closed sees no answer. What is left, less than what photos may weigh, is read and forgotten."""
    with contextlib.suppress(OSError):
        while request.read(65536):
            pass


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    text = _(
        "Go back to the form and send it again: nothing was lost. If it happens again, allow cookies for this site."
    )
    return _page(request, 403, _("The form had been open for too long"), text)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = _("Your account does not open this page. If your work needs it, ask the administrator of the town's site.")
    return _page(request, 403, _("This page is not open to you"), text)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    text = _("The address may be mistyped, or what was there has been removed. Start again from the home page.")
    return _page(request, 404, _("There is no such page"), text)


def too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    return _page(request, 429, _("Please wait a little"), str(error))


def too_large(request: HttpRequest, text: Any) -> HttpResponse:
    return _page(request, 413, _("That is too large to be sent"), str(text))


def too_heavy(request: HttpRequest, most: int) -> HttpResponse:
    text = _(
        "This weighs more than %(most)d MB, so none of it was taken. Go back: your words are still there. Send it without "
        "the photos, or with smaller ones."
    )
    return too_large(request, text % {"most": most // 1_000_000})


def unmeasured(request: HttpRequest) -> HttpResponse:
    """For programs: no browser sends a form without its length."""
    text = _("The length of what you send must be said before it (Content-Length), so that it can be refused in time.")
    return _page(request, 411, _("This request could not be read"), text)


def broken(request: HttpRequest) -> HttpResponse:
    # Django calls this while the exception is being handled: a database that stopped is not a fault of the page.
    faults = list(_causes(sys.exc_info()[1]))
    if any(map(_no_room, faults)):
        return full(request)
    if any(isinstance(fault, AWAY) for fault in faults):
        return away(request)
    text = _(
        "The fault is ours and it has been recorded. Nothing that you sent before is lost. Try again in a few minutes."
    )
    return _page(request, 500, _("Something broke on our side"), text)


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """A fault and what it comes from: the queue wraps the database's faults in its own."""
    while fault is not None:
        yield fault
        fault = fault.__cause__


def _no_room(fault: BaseException) -> bool:
    """The disk of the photos, or that of the database (53100, disk_full)."""
    return getattr(fault, "sqlstate", None) == "53100" or (
        isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT)
    )


def full(request: HttpRequest) -> HttpResponse:
    text = _(
        "The town's computer has no room left: what you just sent was not kept, all that was there before is safe. Keep "
        "this page open and send again later. The town hall has been told."
    )
    log.error("no room left on the disk: %s was refused", request.path)
    response = _page(request, 507, _("There is no room left"), text)
    response["Retry-After"] = "600"
    return response


def away(request: HttpRequest) -> HttpResponse:
    text = _("The town's records cannot be reached for the moment. Keep this page open and send again in a minute.")
    response = _page(request, 503, _("Back in a moment"), text)
    response["Retry-After"] = "30"
    return response
