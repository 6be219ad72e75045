"""What is said when something happens to a case. Ids and codes only: who reacts reads what it needs."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class CaseOpened(Event):
    case: int
    type: str


@dataclass(frozen=True)
class CaseMoved(Event):
    case: int
    type: str
    step: int
    from_state: str
    to_state: str


@dataclass(frozen=True)
class CaseAssigned(Event):
    case: int
    type: str
    team: int | None
    assignee: int | None


@dataclass(frozen=True)
class CaseReplied(Event):
    case: int
    type: str
    step: int


@dataclass(frozen=True)
class CaseAnswered(Event):
    """The person who opened it wrote to the team."""

    case: int
    type: str
    step: int


@dataclass(frozen=True)
class CaseCorrected(Event):
    """What it is about, or where it is, was set right: the step says what it was before."""

    case: int
    type: str
    step: int


@dataclass(frozen=True)
class CaseLate(Event):
    """The state it is in has lasted longer than it should."""

    case: int
    type: str
    step: int


@dataclass(frozen=True)
class OpinionGiven(Event):
    case: int
    type: str
    step: int
