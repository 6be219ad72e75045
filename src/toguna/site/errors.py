"""What is said when something goes wrong: in the reader's language, with what to do next."""

from __future__ import annotations

import errno
import json
import logging
import sys
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from toguna.kernel.limits import TooMany

log = logging.getLogger("toguna.site")


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if "json" in request.headers.get("Accept", "") or request.path.startswith("/api/"):
        return HttpResponse(json.dumps({"detail": f"{title}. {text}"}), content_type="application/json", status=status)
    request.broken = True  # type: ignore[attr-defined] # the frame then asks the database nothing
    return render(request, "error.html", {"status": status, "title": title, "text": text}, status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return too_large(request, _("Send a shorter text, or fewer and smaller photos."))
    return _page(
        request, 400, _("This request could not be read"), _("Go back, look at what you typed, and send it again.")
    )


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


def broken(request: HttpRequest) -> HttpResponse:
    # Django calls this while the exception is being handled: a database that stopped is not a fault of the page.
    fault = sys.exc_info()[1]
    if isinstance(fault, (OperationalError, InterfaceError)):
        return full(request) if _no_room(fault) else away(request)
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(request)
    text = _(
        "The fault is ours and it has been recorded. Nothing that you sent before is lost. Try again in a few minutes."
    )
    return _page(request, 500, _("Something broke on our side"), text)


def _no_room(fault: BaseException | None) -> bool:
    """Whether the database has no room left: class 53, insufficient resources."""
    while fault is not None:
        if str(getattr(fault, "sqlstate", "") or "").startswith("53100"):
            return True
        fault = fault.__cause__
    return False


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
