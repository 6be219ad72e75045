"""A person's appointments in their own space, and the reminder of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.bookings import reads, subjects, telling
from toguna.engines.bookings.models import Booking
from toguna.engines.channels.api import Due, Reminder
from toguna.engines.people.api import MOST_OWNED, Mine, Owned, Person
from toguna.kernel import text

BEFORE = timedelta(days=1)


def _owned(person: Person) -> list[Owned]:
    return [
        Owned(
            title=f"{text.pick(one.slot.resource.titles)} {one.code}",
            url=reads.address_of(one),
            says=f"{one.get_state_display()}: {telling.said_when(one.slot.start)}",
            service="bookings",
            icon=one.slot.resource.icon,
            when=one.created,
            due=timezone.localtime(one.slot.start).date(),
        )
        # What a service tells of by itself stands among what that service has of them.
        for one in reads.upcoming([person.pk]).exclude(subject_kind__in=subjects.silent_kinds())[:MOST_OWNED]
    ]


MINE = Mine("bookings", _("My appointments"), "calendar", _owned, order=15)


def _due(start: datetime, end: datetime) -> Iterator[Due]:
    """Those to come; who booked less than a day before knows it still."""
    rows = Booking.objects.filter(
        state=Booking.State.BOOKED, person__isnull=False, slot__start__gte=max(start, timezone.now()),
        slot__start__lte=end, created__lt=F("slot__start") - BEFORE,
    ).exclude(subject_kind__in=subjects.silent_kinds())  # fmt: skip
    for one in rows.select_related("slot__resource").order_by("id").iterator(chunk_size=500):
        facts = {
            "what": text.pick(one.slot.resource.titles, one.language or None),
            "hour": f"{timezone.localtime(one.slot.start):%H:%M}",
            "code": one.code,
        }
        # Moved, it is told again: the slot is part of what it is.
        yield Due(f"{one.pk}:{one.slot_id}", one.person_id or 0, one.slot.start, facts)


REMINDER = Reminder(
    name="bookings.soon",
    title=_("Your appointment"),
    due=_due,
    before=(BEFORE,),
    texts={
        "fr": "Rendez-vous le {when} à {hour} : {what}. Code {code}. Vous ne pouvez pas venir ? Envoyez RENDEZ-VOUS pour annuler.",
        "pt": "Marcação a {when} às {hour}: {what}. Código {code}. Não pode vir? Envie MARCACAO para cancelar.",
        "en": "Appointment on {when} at {hour}: {what}. Code {code}. You cannot come? Send APPOINTMENT to cancel it.",
    },
)
