"""The numbers of the register: eight letters and figures for a taxpayer, seven for a taxed thing (a bill has ten), so that what was
typed says by its length what it is."""

from __future__ import annotations

from django.db import connection

from toguna.kernel import codes

TAXPAYER, TAXED = 8, 7


def fresh_numbers(count: int) -> list[str]:
    """So many that no taxpayer has."""
    return _fresh(count, TAXPAYER, "SELECT number FROM revenue_taxpayer WHERE number = ANY(%s)")


def fresh_codes(count: int) -> list[str]:
    """So many that no taxed thing has."""
    return _fresh(count, TAXED, "SELECT code FROM revenue_taxed WHERE code = ANY(%s)")


def _fresh(count: int, length: int, taken: str) -> list[str]:
    found: dict[str, None] = {}
    with connection.cursor() as cursor:
        while len(found) < count:
            drawn = {codes.make(length) for _ in range(count - len(found))} - found.keys()
            cursor.execute(taken, [list(drawn)])
            found.update(dict.fromkeys(sorted(drawn - {one for (one,) in cursor.fetchall()})))
    return list(found)


def plate(typed: str) -> str:
    """A vehicle's plate as it is kept: "ab-123 cd" is "AB123CD"."""
    return "".join(c for c in typed.upper() if c.isalnum())[:20]
