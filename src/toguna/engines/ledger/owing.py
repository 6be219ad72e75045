"""Who owes something, by the telephone with which they write: rooms that bill without a register of taxpayers declare it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from toguna.engines.ledger.models import Bill
from toguna.kernel import registry
from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class Owing(Declaration):
    """bills(address): what whoever writes from there owes to this room, open, the oldest due first; None where nobody is known. title:
    words for what it is. BALANCE lists them, PAY pays them. Two statements at most."""

    name: str
    title: Any
    bills: Callable[[str], Sequence[Bill] | None]

    def trial(self) -> None:
        list(self.bills("+22300000000") or ())


def owing(address: str) -> list[tuple[Owing, list[Bill]]]:
    """What each room knows of an address, rooms that know nobody there left out."""
    if not address:
        return []
    found = [(one, one.bills(address)) for one in registry.declared(Owing)]
    return [(one, list(bills)) for one, bills in found if bills is not None]
