"""Roads that somebody says are blocked: what a service declares, and an officer confirms before routes avoid them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.gis.geos import GEOSGeometry

from toguna.engines.territory.models import Closure
from toguna.kernel import access, registry
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration

PERMISSION = "territory.close"


@dataclass(frozen=True)
class Blocked:
    """source: what the closure will be called ("reports:123"); words: what the public will read; url: where the officer sees more."""

    source: str
    where: GEOSGeometry
    words: str
    at: datetime
    zone: int | None
    url: str = ""
    reason: str = Closure.Reason.OBSTACLE


@dataclass(frozen=True)
class BlockedRoads(Declaration):
    """find: what is said to be blocked just now, as far as this person may see it."""

    name: str
    find: Callable[[Actor], Sequence[Blocked]]


def waiting(actor: Actor) -> list[Blocked]:
    """What nobody has closed yet, the newest first. What was closed once and opened again is settled."""
    found = [one for declared in registry.declared(BlockedRoads) for one in declared.find(actor)]
    settled = set(Closure.objects.filter(source__in=[one.source for one in found]).values_list("source", flat=True))
    return sorted(
        (o for o in found if o.source not in settled and access.can(actor, PERMISSION, zone=o.zone)),
        key=lambda one: one.at, reverse=True,
    )  # fmt: skip
