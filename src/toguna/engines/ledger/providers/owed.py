"""What payers may pay, by the reference that they were given."""

from __future__ import annotations

from toguna.engines.ledger.models import Bill
from toguna.kernel import codes


def find(typed: str) -> Bill | None:
    """The bill of a reference as people type it; None when there is none, or it is not owed any more by a decision of the town."""
    reference = codes.read(typed)
    if not reference:
        return None
    gone = (Bill.State.CANCELLED, Bill.State.WRITTEN_OFF)
    return Bill.objects.filter(reference=reference).exclude(state__in=gone).first()


def search(words: str, currency: str) -> list[Bill]:
    """Open bills by reference, or by the name of who owes them."""
    if not words.strip():
        return []
    rows = Bill.objects.filter(state=Bill.State.OPEN, currency=currency).select_related("payer").order_by("due", "pk")
    exact = list(rows.filter(reference=codes.read(words) or "-"))
    return exact or list(rows.filter(payer__name__icontains=words)[:20])


def left(bill: Bill) -> int:
    return bill.left


def reference(bill: int) -> str:
    return Bill.objects.values_list("reference", flat=True).get(pk=bill)
