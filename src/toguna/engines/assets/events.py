"""What happens to equipment."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class AssetState(Event):
    """asset: id; it is now in that state, and was in the one before. source, ref: where it comes from, as of a work order."""

    asset: int
    state: str
    before: str
    source: str = ""
    ref: str = ""


@dataclass(frozen=True)
class OrderOpened(Event):
    order: int
    asset: int
    source: str
    ref: str


@dataclass(frozen=True)
class OrderClosed(Event):
    """state: "done" or "cancelled"."""

    order: int
    asset: int
    state: str
    source: str
    ref: str
