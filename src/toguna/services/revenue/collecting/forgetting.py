"""What collectors wrote of a taxpayer when they stood before them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from toguna.services.revenue.models import Visit


def erase(person: int) -> None:
    """Notes and promises go, and where it was; that somebody passed, and what was paid, stays: the accounts are kept by law."""
    # The register may have erased them a moment ago, and nobody says any more who they were.
    theirs = Q(taxpayer__person=person) | Q(taxpayer__erased__isnull=False)
    Visit.objects.filter(theirs).update(note="", promised=None, point=None, accuracy=None)


def known(person: int) -> list[dict[str, Any]]:
    rows = Visit.objects.filter(taxpayer__person=person).select_related("taxed").order_by("pk")
    return [
        {
            "code": one.taxed.code if one.taxed else "", "done": one.done.isoformat() if one.done else "", "outcome": one.outcome,
            "note": one.note, "promised": one.promised.isoformat() if one.promised else "",
        }
        for one in rows
    ]  # fmt: skip
