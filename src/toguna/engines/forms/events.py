"""What happens to forms."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class FormPublished(Event):
    """form: slug; version: its number."""

    form: str
    version: str


@dataclass(frozen=True)
class FormCompleted(Event):
    """filling: id; form: slug; service: who uses it; subject_kind, subject: what it became, "" for nothing."""

    filling: int
    form: str
    service: str
    subject_kind: str
    subject: str
