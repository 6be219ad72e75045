"""A phone as a tracker: a page that keeps where it is, without network too, and sends it when there is one. Screen off, as far as
the browser allows: the page asks that the screen stay on; when it was stopped all the same, it says so, and what was missed is missed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from toguna.engines.telemetry.doors import http
from toguna.engines.telemetry.intake import spool, taking
from toguna.engines.telemetry.models import Device
from toguna.kernel import offline
from toguna.kernel.web import public

FILES = ("telemetry/phone.js",)


@public
def page(request: HttpRequest) -> HttpResponse:
    """The key comes after the # of its address: no server writes that into a log."""
    texts = {
        "none": _("This phone has no key yet. Open the link that the town hall gave you."),
        "ready": _("Ready."),
        "on": _("Sending where this phone is."),
        "off": _("Stopped."),
        "denied": _("This phone does not let the page know where it is. Allow it in the settings of the browser."),
        "away": _("No network: the places stay on this phone."),
        "refused": _("The town hall does not know this key any more. Ask for a new link."),
        "waiting": _("Waiting to be sent:"),
        "sent": _("Sent at"),
        "awake": _(
            "The screen stays on. When it is put out, or another page is shown, the browser stops: nobody knows then where the phone is."
        ),
        "asleep": _("Keep the screen on: this browser stops when it is off."),
        "missed": _("The browser was stopped, and what was missed is missed:"),
    }
    return render(request, "telemetry/phone.html", {"texts": texts})


@public
def worker(request: HttpRequest) -> HttpResponse:
    where = reverse("telemetry-phone")
    return offline.worker(request, "telemetry-phone", where, FILES, scope=where)


@public
def manifest(request: HttpRequest) -> HttpResponse:
    where = reverse("telemetry-phone")
    return offline.manifest(_("My way"), _("My way"), start=where, scope=where)


@csrf_exempt
@public
@require_POST
def take(request: HttpRequest, code: str) -> HttpResponse:
    """A list of places in our own JSON, with the key of the phone."""
    if len(request.body) > spool.MOST:
        return http.says(413, error="too large")
    proof = f"key:{http.shown(request)}"
    refused = http.refused(code, Device.Door.PHONE, proof)
    return refused or http.taken([taking.record(Device.Door.PHONE, code, request.body, proof=proof)])
