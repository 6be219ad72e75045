from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class PaperIssued(Event):
    """issued: id; subject: what it was issued for ("cases.case:12")."""

    issued: int
    code: str
    kind: str
    subject: str


@dataclass(frozen=True)
class PaperRevoked(Event):
    issued: int
    code: str
    kind: str
    subject: str


@dataclass(frozen=True)
class EntryWritten(Event):
    entry: int
    kind: str
