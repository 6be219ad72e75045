"""What is known of payers by their payments; the money itself stays in the book."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from toguna.engines.ledger.models.providers import PaymentRequest, RawBody
from toguna.engines.people import api as people

KEPT = timedelta(days=730)  # word for word; the audit of a year's accounts comes in the next


def _of(person: int) -> QuerySet[PaymentRequest]:
    numbers = people.Contact.objects.filter(person_id=person, kind="phone").values_list("value", flat=True)
    return PaymentRequest.objects.filter(Q(person_id=person) | Q(person=None, phone__in=list(numbers)))


def erase(person: int) -> None:
    rows = list(_of(person).values_list("pk", flat=True))
    RawBody.objects.filter(request_id__in=rows).update(body="", answer="")
    PaymentRequest.objects.filter(pk__in=rows).update(phone="", person=None)


def known(person: int) -> list[dict[str, Any]]:
    return [
        {"code": row.code, "at": row.created.isoformat(), "way": row.way, "phone": row.phone, "amount": row.amount,
         "currency": row.currency, "state": row.state, "transaction": row.transaction}
        for row in _of(person).order_by("pk")
    ]  # fmt: skip


def sweep() -> None:
    """Words are kept for two years, and those that belong to no payment for three months: anybody may send those."""
    now = timezone.now()
    RawBody.objects.filter(at__lt=now - KEPT).delete()
    RawBody.objects.filter(request=None, at__lt=now - timedelta(days=90)).delete()
