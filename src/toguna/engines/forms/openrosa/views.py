"""OpenRosa 1.0 (https://docs.getodk.org/openrosa/): the list of forms, each form, and what was filled in."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from xml.sax.saxutils import escape

import segno
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import http_date
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from toguna.engines.documents import api as documents
from toguna.engines.forms import actions, reads
from toguna.engines.forms.models import FieldKey, FormVersion
from toguna.engines.forms.openrosa import keys, receiving
from toguna.engines.forms.openrosa.instances import BadInstance
from toguna.engines.forms.uses import COLLECT
from toguna.kernel import text
from toguna.kernel.access import Actor
from toguna.kernel.limits import TooMany
from toguna.kernel.web import Request, public, staff

LARGEST = 38_000_000  # bytes of one request (see TOGUNA_HEAVIEST): Collect sends larger submissions in parts
MOST_FILES = 40
XML = "text/xml; charset=utf-8"
View = Callable[..., HttpResponse]


def _answer(body: str = "", status: int = 200) -> HttpResponse:
    return HttpResponse(body, status=status, content_type=XML)


def _said(words: str, status: int, nature: str = "submit_failure") -> HttpResponse:
    """An answer that Collect shows to who holds the phone."""
    message = f'<message nature="{nature}">{escape(words)}</message>'
    return _answer(
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<OpenRosaResponse xmlns="http://openrosa.org/http/response">{message}</OpenRosaResponse>',
        status,
    )


def openrosa(*methods: str) -> Callable[[View], View]:
    """A view of the protocol: its own headers on every answer, errors too; who collects is known by their password for
    Collect and by nothing else, so no cookie counts and no other site can make a browser ask."""

    def mark(view: View) -> View:
        @wraps(view)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            response = _guarded(request, view, methods, *args, **kwargs)
            response["X-OpenRosa-Version"] = "1.0"
            response["X-OpenRosa-Accept-Content-Length"] = str(LARGEST)
            response["Date"] = http_date(time.time())
            response["Cache-Control"] = "private, no-store"
            return response

        return csrf_exempt(public(run))

    return mark


def _guarded(request: HttpRequest, view: View, methods: tuple[str, ...], *args: Any, **kwargs: Any) -> HttpResponse:
    if request.method not in methods:
        response = _said(_("This address does not take that."), 405)
        response["Allow"] = ", ".join(methods)
        return response
    try:
        actor, stale = keys.actor_of(request)
    except TooMany as many:
        response = _said(str(many), 429)
        response["Retry-After"] = str(many.retry_after)
        return response
    if actor.account is None:
        response = _said(
            _("Give the name and the password for ODK Collect that your page in the back office shows."), 401
        )
        response["WWW-Authenticate"] = keys.challenge(stale=stale)
        return response
    return view(request, actor, *args, **kwargs)


@openrosa("GET", "HEAD")
def form_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Forms that may be filled in in the field; ?formID= narrows to one."""
    found = reads.forms(field=True)
    if wanted := request.GET.get("formID", ""):
        found = found.filter(slug=wanted)
    rows = []
    for form in found:
        version = form.current
        if version is None:
            continue
        address = settings.TOGUNA_URL + reverse("odk-form", args=[form.slug, version.version])
        rows.append(
            f"<xform><formID>{escape(form.slug)}</formID><name>{escape(text.pick(form.titles) or form.slug)}</name>"
            f"<version>{escape(version.version)}</version><hash>md5:{version.hash}</hash>"
            f"<downloadUrl>{escape(address)}</downloadUrl></xform>"
        )
    body = "".join(rows)
    return _answer(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<xforms xmlns="http://openrosa.org/xforms/xformsList">{body}</xforms>'
    )


@openrosa("GET", "HEAD")
def form(request: HttpRequest, actor: Actor, slug: str, version: str) -> HttpResponse:
    """The XForm of one version."""
    found = FormVersion.objects.filter(form__slug=slug, form__field=True, version=version).values_list(
        "xform", flat=True
    )
    xform = found.first()
    return _answer(xform) if xform else _said(_("There is no such form."), 404)


@openrosa("HEAD", "POST")
def submission(request: HttpRequest, actor: Actor) -> HttpResponse:
    """HEAD asks where to send; POST sends (multipart: xml_submission_file, and a part for each file)."""
    if request.method == "HEAD":
        response = _answer(status=204)
        response["Location"] = settings.TOGUNA_URL + reverse("odk-submission")
        return response
    try:
        received = cast("dict[str, UploadedFile[bytes]]", request.FILES.dict())
    except MultiPartParserError:
        return _said(_("The form did not come whole: send it again."), 400)
    sent = received.get("xml_submission_file")
    if sent is None:
        return _said(_("There is no filled-in form in what was sent."), 400)
    files = {one.name or name: one for name, one in received.items() if one is not sent}
    if len(files) > MOST_FILES:
        return _said(_("There are too many files in this form."), 413)
    try:
        _filling, before = receiving.receive(
            sent.read(),
            files,
            by=actor,
            more_to_come=request.POST.get("*isIncomplete*", "").lower() == "yes",
            language=(get_language() or "").split("-")[0],
        )
    except actions.Invalid as wrong:
        lines = "; ".join(f"{name}: {said}" for name, said in list(wrong.errors.items())[:10])
        return _said(_("These answers need to be corrected, then sent again: %(lines)s") % {"lines": lines}, 400)
    except (BadInstance, actions.Refused, documents.FileRefused) as refused:
        return _said(str(refused), 400)
    if before:
        return _said(_("This form was received before."), 202, "submit_success")
    return _said(_("Received, thank you."), 201, "submit_success")


@staff(COLLECT)
def key(request: Request) -> HttpResponse:
    """The desk's page of one's own password for ODK Collect: made, shown once with its QR code, taken back."""
    shown: dict[str, Any] = {}
    server = settings.TOGUNA_URL + reverse("odk-form-list").removesuffix("/formList")
    if request.method == "POST" and request.POST.get("do") == "revoke":
        keys.revoke(request.actor)
    elif request.method == "POST":
        made, password = keys.make(request.actor)
        code = segno.make(keys.settings_code(server, made.username, password), error="l", micro=False)
        drawn = code.svg_inline(scale=4, border=3, omitsize=True)
        shown = {"password": password, "drawn": mark_safe(drawn)}  # noqa: S308 - our own drawing, of nothing but squares
    known = FieldKey.objects.filter(account=request.actor.account or 0).first()
    return render(request, "forms/odk_key.html", {"key": known, "server": server, **shown})
