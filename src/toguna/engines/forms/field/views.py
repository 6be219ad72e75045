"""The forms of the field, filled in on a phone that has no network. Thin."""

from __future__ import annotations

import dataclasses

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.forms import actions, reads
from toguna.engines.forms.field import package, receiving
from toguna.engines.forms.field.texts import texts
from toguna.engines.forms.uses import COLLECT, KEPT
from toguna.kernel import offline, town
from toguna.kernel.web import Request, public, staff

MOST_RECORDS = 10  # in one batch: what a cut makes one send again is little
FILES = (
    "forms/field.js",
    "forms/sheet.js",
    "forms/answers.js",
    "forms/expressions.js",
    "forms/numbers.js",
    "forms/field.css",
)


@staff(COLLECT)
def app(request: Request) -> HttpResponse:
    """The app's page: it holds no answer of anybody, so that the phone may keep it."""
    return render(request, "forms/field_app.html", {"forms": reads.forms(field=True, service=KEPT), "texts": texts()})


@staff(COLLECT)
def me(request: Request) -> HttpResponse:
    """Whose session this is, what a form needs to be sent in it, and the town's time: the phone's own may be wrong."""
    now = timezone.localtime().isoformat(timespec="milliseconds")
    return offline.private({"account": request.actor.account, "csrf": get_token(request), "now": now})


@staff(COLLECT)
def load(request: Request) -> HttpResponse:
    """The definitions of all field forms; 304 when the phone has them (If-None-Match)."""
    found = package.versions()
    tag = package.tag(found)
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=304)
    else:
        response = offline.private(package.whole(found))
    response["ETag"] = tag
    return response


@staff(COLLECT)
def sync(request: Request) -> HttpResponse:
    """Takes {"account": ID, "records": [...]}; answers {"results": [...]}, one for each (see `receiving.Result`)."""
    sent = offline.batch(request, MOST_RECORDS)
    if isinstance(sent, HttpResponse):
        return sent
    return offline.private(
        {"results": [dataclasses.asdict(receiving.receive(row, by=request.actor)) for row in sent["records"]]}
    )


@staff(COLLECT)
def file(request: Request) -> HttpResponse:
    """Takes one photo or file: account, id, record, form, version, language; the file in `file`."""
    if request.POST.get("account") != str(request.actor.account):
        return offline.others()
    sent = request.FILES.get("file")
    if not isinstance(sent, UploadedFile) or sent.file is None:
        return offline.private({"says": _("Choose a photo first.")}, 400)
    if (sent.size or 0) > actions.LARGEST_FILE:
        said = _("This file is larger than %(megabytes)d MB.") % {"megabytes": actions.LARGEST_FILE >> 20}
        return offline.private({"says": said}, 413)
    result = receiving.keep_file(request.POST, sent.file, sent.name or "", by=request.actor)
    return offline.private(dataclasses.asdict(result))


@public
def worker(request: HttpRequest) -> HttpResponse:
    """The app's service worker."""
    page = reverse("field-forms")
    return offline.worker(request, "forms-field", page, FILES, scope=page)


@public
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes the page an app on the phone's screen."""
    page, name = reverse("field-forms"), _("%(town)s: forms") % {"town": town.current().name}
    return offline.manifest(name, _("Forms"), start=page, scope=page)
