"""What an administrator does with ways out: written, tried, put away; and with messages of which nobody knows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from toguna.engines.channels.gateway import queue
from toguna.engines.channels.models import Route
from toguna.engines.channels.sending import send
from toguna.kernel import access, audit
from toguna.kernel.access import Actor


@transaction.atomic
def save_route(route: Route, values: Mapping[str, Any], settings: Mapping[str, str], *, by: Actor) -> Route:
    """Writes a route down, new or changed. settings: only those that were given; a secret that was left empty stays."""
    access.require(by, "channels.administer")
    for name, value in values.items():
        setattr(route, name, value)
    route.settings = {**route.settings, **settings}
    route.down_until, route.failures, route.trouble = None, 0, ""  # what was wrong may have been put right
    route.save()
    audit.record(by, "channels.route", f"channels.route:{route.pk}", slug=route.slug, changed=sorted(settings))
    return route


@transaction.atomic
def try_route(route: Route, phone: str, words: str, *, by: Actor) -> None:
    """One SMS to somebody who waits for it, by the way that their number takes."""
    access.require(by, "channels.administer")
    send(route.medium, phone, key=f"try:{route.pk}:{uuid.uuid4().hex[:12]}", text=words)
    audit.record(by, "channels.try", f"channels.route:{route.pk}")


@transaction.atomic
def send_again(message: int, *, by: Actor) -> bool:
    """Sends a doubtful or failed message (once more). False when it is neither by now."""
    access.require(by, "channels.administer")
    done = queue.send_again(message)
    if done:
        audit.record(by, "channels.send_again", f"channels.message:{message}")
    return done
