"""What mail programs and browsers ask of us."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from toguna.engines.channels.models import Incoming, OptOut, PushEndpoint
from toguna.engines.channels.post import keeping, push
from toguna.engines.channels.post.mail_out import of_stop_link
from toguna.engines.channels.publish import subscribing
from toguna.engines.people import api as people
from toguna.kernel import access, limits
from toguna.kernel.web import Request, public, staff


@public
@csrf_exempt  # a mail program presses it too (RFC 8058): the signed address is what allows it
def mail_stop(request: Request, token: str) -> HttpResponse:
    """No more news by e-mail, with one press. Only a POST does it: programs that look at links must not."""
    address = of_stop_link(token)
    if address is None:
        raise Http404
    done = request.method == "POST"
    if done:
        with transaction.atomic():
            OptOut.objects.get_or_create(medium="email", address=address, about="")
            subscribing.end_all("email", address)
        if request.POST.get("List-Unsubscribe"):
            return HttpResponse(status=204)
    return render(request, "channels/mail_stop.html", {"address": address, "done": done})


@staff("channels.answer")
def attachment(request: Request, pk: int, number: int) -> HttpResponse:
    """A file that came with a letter, to be saved and never shown here: it may be anything."""
    access.require(request.actor, "channels.answer")
    found = keeping.attachments(get_object_or_404(Incoming, pk=pk, medium="email"))
    if not 0 <= number < len(found):
        raise Http404
    answer = HttpResponse(found[number].data, content_type="application/octet-stream")
    answer["Content-Disposition"] = (
        content_disposition_header(True, found[number].name or f"{pk}-{number}") or "attachment"
    )
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


@public
def push_worker(request: Request) -> HttpResponse:
    """The service worker: at its own address, since a browser lets it work for the folder that it lies in."""
    path = finders.find("channels/push-worker.js")
    if path is None:
        raise Http404
    answer = HttpResponse(Path(path).read_bytes(), content_type="text/javascript; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer


@public
@require_POST
def push_subscribe(request: Request) -> HttpResponse:
    """A browser asks for notices: of the town's news and, with the token of a page of theirs, of what is theirs."""
    limits.hit("channels.push", people.device_of(request), at_most=30, per=timedelta(hours=1))
    given = request.POST
    try:
        keys = push.checked(given.get("endpoint", ""), given.get("p256dh", ""), given.get("auth", ""))
    except push.NotABrowser:
        return HttpResponse(
            _("This browser cannot get notices from us."), status=400, content_type="text/plain; charset=utf-8"
        )
    values: dict[str, Any] = {"keys": keys, "language": (get_language() or "")[:8], "gone": None}
    person = push.person_of(given.get("token", ""))
    if person is not None:
        values["person_id"] = person
    PushEndpoint.objects.update_or_create(endpoint=given["endpoint"], defaults=values)
    return HttpResponse(status=204)


@public
@require_POST
def push_end(request: Request) -> HttpResponse:
    """A browser wants no more: whoever knows its address, which is a secret of the browser's, may say so."""
    PushEndpoint.objects.filter(endpoint=request.POST.get("endpoint", "")[:500]).update(gone=timezone.now())
    return HttpResponse(status=204)
