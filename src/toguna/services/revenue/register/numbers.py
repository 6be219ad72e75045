"""The numbers of the register: eight letters and figures for a taxpayer, seven for a taxed thing (a bill has ten), so that what was
typed says by its length what it is."""

from __future__ import annotations

from collections.abc import Callable

from toguna.kernel import codes
from toguna.services.revenue.models import Taxed, Taxpayer

TAXPAYER, TAXED = 8, 7


def fresh_numbers(count: int) -> list[str]:
    """So many that no taxpayer has."""
    return _fresh(
        count, TAXPAYER, lambda found: set(Taxpayer.objects.filter(number__in=found).values_list("number", flat=True))
    )


def fresh_codes(count: int) -> list[str]:
    """So many that no taxed thing has."""
    return _fresh(count, TAXED, lambda found: set(Taxed.objects.filter(code__in=found).values_list("code", flat=True)))


def _fresh(count: int, length: int, taken: Callable[[list[str]], set[str]]) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        drawn = {codes.make(length) for _ in range(count - len(found))} - found.keys()
        found.update(dict.fromkeys(sorted(drawn - taken(list(drawn)))))
    return list(found)


def plate(typed: str) -> str:
    """A vehicle's plate as it is kept: "ab-123 cd" is "AB123CD"."""
    return "".join(c for c in typed.upper() if c.isalnum())[:20]
