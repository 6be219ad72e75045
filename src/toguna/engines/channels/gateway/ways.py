"""The ways out that there are now, and which of them a message takes: the longest prefix of its number, then the town's
order; one that is down or has spent its day's money is passed over."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from toguna.engines.channels.gateway.media import Medium, Outgoing, Sent
from toguna.engines.channels.models import Route
from toguna.kernel import registry

log = logging.getLogger("toguna.channels")


@dataclass
class Way:
    """A route, or what stands for one: id is None then. slug: unique; prefixes: () is any address."""

    slug: str
    medium: str
    adapter: Medium
    id: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    order: int = 100
    rate: float = 50.0
    price: Decimal = Decimal(0)
    cap: Decimal | None = None
    down_until: datetime | None = None
    failures: int = 0

    def usable(self, now: datetime) -> bool:
        return self.down_until is None or self.down_until <= now


@dataclass(frozen=True)
class Area:
    """The addresses of a way: those that begin with a prefix and with none of `but`."""

    prefix: str
    but: tuple[str, ...] = ()


def read() -> list[Way]:
    """All enabled ways, the ones that are down too. A medium without any is shown in the log: the IT person sees it there."""
    adapters = {adapter.name: adapter for adapter in registry.declared(Medium)}
    found = []
    for route in Route.objects.filter(enabled=True):
        adapter = adapters.get(route.kind)
        if adapter is None:
            continue
        found.append(
            Way(
                route.slug,
                route.medium,
                adapter,
                route.pk,
                dict(route.settings),
                tuple(route.prefixes),
                route.order,
                max(route.rate, 0.01),
                route.price,
                route.daily_cap,
                route.down_until,
                route.failures,
            )
        )
    has_route = {way.medium for way in found}
    for adapter in adapters.values():
        if adapter.alone and adapter.carries not in has_route and adapter.ready():
            found.append(Way(f"-{adapter.name}", adapter.carries, adapter))
            has_route.add(adapter.carries)
    return found


def _show(message: Outgoing) -> Sent:
    subject = f"{message.subject}: " if message.medium == "email" else ""
    log.info("%s to %s: %s%s", message.medium, message.address, subject, " ".join(message.text.split()))
    return Sent(shown=True)


CONSOLE = Medium("-shown", _show)


def without_way(ways: Iterable[Way]) -> dict[str, list[str]]:
    """{medium: the prefixes of its ways}, for media of which some addresses have no way at all."""
    prefixes: dict[str, list[str]] = {}
    for way in ways:
        prefixes.setdefault(way.medium, []).extend(way.prefixes or [""])
    return {medium: known for medium, known in prefixes.items() if "" not in known}


def areas(ways: Sequence[Way]) -> dict[str, list[Area]]:
    """{slug: the addresses that take this way}, for ways of one medium that can be used now. Each address is in one area
    at most."""
    owners: dict[str, Way] = {}
    for way in sorted(ways, key=lambda w: (w.order, w.slug)):
        for prefix in way.prefixes or ("",):
            owners.setdefault(prefix, way)
    found: dict[str, list[Area]] = {way.slug: [] for way in ways}
    for prefix, way in owners.items():
        longer = tuple(q for q in sorted(owners) if q != prefix and q.startswith(prefix) and owners[q] is not way)
        found[way.slug].append(Area(prefix, longer))
    return found


def condition(within: Sequence[Area]) -> tuple[str, list[Any]]:
    """SQL for "address is in one of these areas", with its values."""
    if any(area.prefix == "" and not area.but for area in within):
        return "TRUE", []
    parts: list[str] = []
    values: list[Any] = []
    for area in within:
        parts.append("(address LIKE %s AND NOT address LIKE ANY(%s::text[]))")
        values += [f"{area.prefix}%", [f"{q}%" for q in area.but]]
    return f"({' OR '.join(parts)})" if parts else "FALSE", values
