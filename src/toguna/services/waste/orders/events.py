"""What happens to orders."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class PickUpMoved(Event):
    """what: "asked", "offered", "accepted", "refused", "late", "back", "unserved", "done", "cancelled", "complained", "settled" or "photo" (taken, they say);
    collector: whom it is about, 0 for nobody."""

    pickup: int
    what: str
    collector: int = 0


@dataclass(frozen=True)
class MonthBilled(Event):
    """A month of a subscription is owed. month: "12/2026"."""

    subscription: int
    bill: int
    month: str


@dataclass(frozen=True)
class PreCollectorMoved(Event):
    """state: as in `PreCollector.State`."""

    collector: int
    state: str
