"""What is said of rounds. Ids only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class RoundsPlanned(Event):
    """By themselves, each evening: they are ready, given, or could not be made."""

    plan: int


@dataclass(frozen=True)
class RoundsPublished(Event):
    plan: int


@dataclass(frozen=True)
class RoundsChanged(Event):
    """During the day. version: of the plan, after it; rounds: those whose stops are no longer the same."""

    plan: int
    version: int
    rounds: Sequence[int] = ()


@dataclass(frozen=True)
class StopServed(Event):
    """A driver emptied a bin, or fetched what was reported (case: of the report, 0 for none)."""

    visit: int
    place: int | None
    case: int
