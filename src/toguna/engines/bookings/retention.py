"""What is kept of people who booked, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from toguna.engines.bookings.actions import State, cancel_all
from toguna.engines.bookings.models import Booking
from toguna.engines.people import api as people
from toguna.kernel import text

KEEP = timedelta(days=90)
BATCH = 500


def forget_old() -> None:
    """Who had an appointment is nobody's business three months later; that there was one is counted."""
    old = timezone.now() - KEEP
    Booking.objects.filter(state=State.EXPIRED, slot__end__lt=old).delete()
    while True:
        with transaction.atomic():
            rows = Booking.objects.select_for_update(of=("self",), skip_locked=True).filter(slot__end__lt=old)
            due = list(rows.exclude(person=None, place="").values_list("pk", "person")[:BATCH])
            Booking.objects.filter(pk__in=[pk for pk, _person in due]).update(person=None, place="", subject="")
            people.forget_unneeded([person for _pk, person in due if person is not None])
        if len(due) < BATCH:
            return


@transaction.atomic
def erase(person: int) -> None:
    cancel_all(person)
    Booking.objects.filter(person=person).update(person=None, place="", subject="")


def export(person: int) -> list[dict[str, Any]]:
    rows = Booking.objects.filter(person=person).select_related("slot__resource").order_by("id")
    return [
        {
            "code": row.code, "what": text.pick(row.slot.resource.titles), "start": row.slot.start.isoformat(),
            "state": row.state, "places": row.places, "place": row.place, "about": [row.subject_kind, row.subject],
        }
        for row in rows
    ]  # fmt: skip
