"""What happens in the library."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class ActPublished(Event):
    """An act is there for everyone to read. kind, reference: "bylaw", "2023-014"."""

    act: int
    kind: str
    reference: str


@dataclass(frozen=True)
class ActCorrected(Event):
    act: int
    version: int
