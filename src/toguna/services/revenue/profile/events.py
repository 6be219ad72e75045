from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class Contested(Event):
    objection: int


@dataclass(frozen=True)
class PlanAsked(Event):
    wish: int
