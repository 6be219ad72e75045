from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class TaxedDeclared(Event):
    taxed: int


@dataclass(frozen=True)
class TaxedEnded(Event):
    taxed: int
