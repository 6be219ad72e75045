"""A page that works without network: its service worker, what makes it an app on a telephone, and how it is answered.

The worker keeps the page and its files, nothing else: what belongs to people is in the page's own store (site/static/offline.js).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.kernel.web import Request

FRAME = ("toguna.css", "toguna.js", "offline.js", "icon.svg")


def worker(
    request: HttpRequest, name: str, page: str, files: Sequence[str], *, scope: str, within: bool = False
) -> HttpResponse:
    """The service worker of `page`. name: of its cache, which no other page's may begin with; files: static ones, besides those of
    every page; within: without network `page` opens in the place of every page under the scope, and reads its address. Its text changes when one of the files does, so telephones fetch them again."""
    kept = [*map(static, (*FRAME, *files)), "/town.css"]
    version = hashlib.sha256(json.dumps([kept, get_language()]).encode()).hexdigest()[:8]
    values = {
        name: json.dumps(value) for name, value in (("files", kept), ("name", name), ("page", page), ("within", within))
    }
    response = render(request, "offline-worker.js", {**values, "version": version}, content_type="text/javascript")
    response["Service-Worker-Allowed"] = scope
    response["Cache-Control"] = "no-cache"
    return response


def manifest(name: str, short: str, *, start: str, scope: str) -> HttpResponse:
    """https://www.w3.org/TR/appmanifest/"""
    values: dict[str, Any] = {
        "name": name, "short_name": short, "lang": get_language(), "start_url": start, "scope": scope,
        "display": "standalone", "theme_color": "#1f2a5c", "background_color": "#ffffff",
        "icons": [{"src": static("icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }  # fmt: skip
    return JsonResponse(values, content_type="application/manifest+json")


def private(values: dict[str, Any], status: int = 200) -> HttpResponse:
    """An answer to the page alone: kept nowhere on the way, and with no byte too many."""
    response = JsonResponse(values, status=status, json_dumps_params={"separators": (",", ":"), "ensure_ascii": False})
    response["Cache-Control"] = "no-store"
    return response


def me(request: Request) -> HttpResponse:
    """Whose session this is, and what a form needs to be sent in it."""
    return private({"account": request.actor.account, "csrf": get_token(request)})


def others() -> HttpResponse:
    """The answer to work that another account did on this device."""
    return private({"says": _("This work is another account's: log in with the account that did it.")}, 403)


def batch(request: Request, most: int) -> dict[str, Any] | HttpResponse:
    """What a page sends when it is back: {"account": ID, "records": [...], ...}, `records` being objects, `most` at most, and the work of
    this session's account. Else the answer that says why not."""
    try:
        sent = json.loads(request.body)
        account, rows = int(sent["account"]), [row for row in sent["records"] if isinstance(row, dict)]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, RawPostDataException):  # the last: a form
        return private({"says": _("This cannot be read.")}, 400)
    if len(rows) > most:
        return private({"says": _("Too many at once: %(n)d at most.") % {"n": most}}, 413)
    if account != request.actor.account:
        return others()
    return {**sent, "records": rows}


def photo(request: Request, most: int) -> UploadedFile[bytes] | HttpResponse:
    """What a page sends of a photo: `account`, and the file in `photo`, of `most` bytes at most; the work of this session's account. Else
    the answer that says why not."""
    if request.POST.get("account") != str(request.actor.account):
        return others()
    file = request.FILES.get("photo")
    if not isinstance(file, UploadedFile):
        return private({"says": _("Choose a photo first.")}, 400)
    if (file.size or 0) > most:
        return private({"says": _("This photo is too large (%(size)d MB at most).") % {"size": most // 10**6}}, 413)
    return file
