"""Where other companies tell us what people wrote and what became of our messages.

Whoever calls proves who they are: Meta signs the very bytes of the body, Telegram repeats a secret that it was given. What
was received before is answered like the first time; what we could not keep is answered with an error, so that it comes again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from toguna.engines.channels import incoming
from toguna.engines.channels.models import Incoming, Message, Route
from toguna.engines.channels.post import pictures
from toguna.kernel import registry, tasks
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import public

LARGEST = 1_000_000  # bytes of a call


class Malformed(ValueError):
    """The other side is who it says, but this is not what it publishes."""


@dataclass(frozen=True)
class Came:
    """Something that somebody wrote. pictures: what the medium's Fetcher understands."""

    address: str
    reference: str
    text: str
    to: str = ""
    raw: dict[str, Any] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Became:
    """What became of a message of ours: by its id, or by the other side's reference. state: "delivered" or "failed"."""

    state: str
    id: int | None = None
    reference: str = ""
    words: str = ""


@dataclass(frozen=True)
class Hook(Declaration):
    """name: the kind of its routes. genuine(request, settings of the route, slug of the route): whether the other company sent
    it; read(object): what it says, or Malformed; challenge(request, settings): the answer to its first GET, or None."""

    name: str
    genuine: Callable[[HttpRequest, dict[str, Any], str], bool]
    read: Callable[[dict[str, Any]], Iterator[Came | Became]]
    challenge: Callable[[HttpRequest, dict[str, Any]], str | None] | None = None


def address(kind: str, route: str) -> str:
    """What the other company must be told to call."""
    return f"{settings.TOGUNA_URL}{reverse('channels-hook', args=[kind, route])}"


@public
@csrf_exempt
def hook(request: HttpRequest, kind: str, route: str) -> HttpResponse:
    declared = registry.find(Hook, kind)
    way = Route.objects.filter(kind=kind, slug=route).first() if declared else None
    if declared is None or way is None or int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST:
        raise Http404
    if request.method == "GET" and declared.challenge is not None:
        words = declared.challenge(request, way.settings)
        return HttpResponse(words, content_type="text/plain") if words is not None else HttpResponse(status=403)
    if request.method != "POST":
        return HttpResponse(status=405)
    if not declared.genuine(request, way.settings, way.slug):
        return HttpResponse(status=403)
    try:
        given = json.loads(request.body)
        found = list(declared.read(given)) if isinstance(given, dict) else []
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        # Genuine, but nothing that is published: an error would bring it again for days.
        return HttpResponse("not understood", status=200, content_type="text/plain")
    for one in found:
        if isinstance(one, Came):
            _came(way, one)
        else:
            _became(way, one)
    return HttpResponse("ok", content_type="text/plain")


@transaction.atomic  # the photos are fetched if and only if the message is kept
def _came(way: Route, one: Came) -> None:
    more: dict[str, Any] = {"to": one.to, "reference": one.reference[:160], "route": way.pk, "raw": one.raw}
    before = Incoming.objects.filter(medium=way.medium, reference=one.reference[:160]).exists()
    if before:
        return
    if one.text or not one.pictures:
        row = incoming.receive(way.medium, one.address, one.text, **more)
    else:
        kept = incoming.keep(way.medium, one.address, "", subject="", **more)
        if kept is None:
            return
        pictures.came(kept)
        row = kept
    for what in one.pictures[:5]:
        tasks.defer(pictures.fetch, row=row.pk, route=way.pk, what=what)


def _became(way: Route, one: Became) -> None:
    """Forward only: reports come twice, and in any order."""
    mine = Message.objects.filter(medium=way.medium)
    mine = mine.filter(pk=one.id) if one.id is not None else mine.filter(reference=one.reference)
    before = [Message.State.SENDING, Message.State.SENT, Message.State.DOUBTFUL]
    if one.state == "delivered":
        mine.filter(state__in=[*before, Message.State.FAILED]).update(
            state=Message.State.DELIVERED, delivered=timezone.now(), error=""
        )
    elif one.state == "failed":
        mine.filter(state__in=before).update(state=Message.State.FAILED, error=one.words[:300])


def signed_by_meta(request: HttpRequest, given: dict[str, Any], slug: str) -> bool:
    """X-Hub-Signature-256: an HMAC with the app's secret over the bytes as they came (never over JSON written again)."""
    secret = str(given.get("app_secret", ""))
    if not secret:
        return False
    mark = hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    return constant_time_compare(request.headers.get("X-Hub-Signature-256", ""), f"sha256={mark}")


def challenge_of_meta(request: HttpRequest, given: dict[str, Any]) -> str | None:
    """The answer to the GET by which Meta tries a new address."""
    token = str(given.get("verify_token", ""))
    right = token and constant_time_compare(request.GET.get("hub.verify_token", ""), token)
    return request.GET.get("hub.challenge", "") if right and request.GET.get("hub.mode") == "subscribe" else None
