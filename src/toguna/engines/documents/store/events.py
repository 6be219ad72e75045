from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class FileKept(Event):
    """file: id; version: its number; subject_name, subject_id: what it belongs to, ("", 0) for nothing yet."""

    file: int
    version: int
    subject_name: str
    subject_id: int


@dataclass(frozen=True)
class FileChecked(Event):
    """A file that waited for the virus check has its answer. state: "clean" or "refused"."""

    file: int
    state: str


@dataclass(frozen=True)
class FileDestroyed(Event):
    file: int
    subject_name: str
    subject_id: int
