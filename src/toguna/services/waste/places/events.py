"""What is said of places."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class PlaceReported(Event):
    """what: as in `PlaceSaid.What`; said: the id of its row."""

    place: int
    what: str
    said: int
