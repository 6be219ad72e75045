"""APPOINTMENT: an hour of a counter, by SMS or USSD; and giving it back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.bookings import actions, reads, telling
from toguna.engines.bookings.models import Booking, Resource
from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.people import api as people
from toguna.kernel import text
from toguna.kernel.access import SYSTEM

MOST_DAYS, MOST_HOURS = 5, 6
_KEYS = uuid.UUID("0b8a8b0e-6f0c-4b60-a9a5-3a9f0c6f3f11")


def _mine(said: Said) -> list[Booking]:
    return list(reads.upcoming(people.persons_at(said.address))[:4])


def _line(booking: Booking, language: str) -> str:
    local = timezone.localtime(booking.slot.start)
    return f"{local:%d/%m %H:%M} {text.pick(booking.slot.resource.titles, language)}"[:34]


def _todo(said: Said) -> Sequence[Choice]:
    return [
        Choice("new", _("Another appointment")),
        *(Choice(one.code, " ".join([_("Cancel"), _line(one, said.language)])[:40]) for one in _mine(said)),
    ]


def _books(said: Said) -> bool:
    return said.slots.get("what") in (None, "new")


def _which(said: Said) -> Sequence[Choice]:
    # Where the town must be told a place, or how many come, the page asks better than a telephone does.
    return [
        Choice(one.slug, text.pick(one.titles, said.language)[:34])
        for one in reads.resources().filter(asks_place=False)
    ]


def _only(said: Said) -> str | None:
    offered = _which(said)
    wanted = set(text.fold(said.text).split())
    meant = [one.value for one in offered if wanted & set(text.fold(one.words).split())] if wanted else []
    if len(meant) == 1:
        return str(meant[0])
    return str(offered[0].value) if len(offered) == 1 else None


def _resource(said: Said) -> Resource:
    found = reads.resource(said.slots.get("which") or "")
    if found is None:
        raise Stop(_("No appointment is offered here. Come to the town hall."))
    return found


def _days(said: Said) -> Sequence[Choice]:
    resource, today = _resource(said), timezone.localdate()
    free = reads.free(resource, today, today + timedelta(days=resource.ahead_days))
    days = list(dict.fromkeys(timezone.localdate(one.start) for one in free))[:MOST_DAYS]
    if not days:
        raise Stop(_("No hour is free in the coming days. Try again tomorrow, or call the town hall."))
    return [Choice(day.isoformat(), formats.date_format(day, "l j F")) for day in days]


def _hours(said: Said) -> Sequence[Choice]:
    day = datetime.fromisoformat(said.slots["day"]).date()
    free = reads.free(_resource(said), day, day)
    if not free:
        raise Stop(_("This hour has just been taken. Choose another one."))
    # Spread over the day: not the first six minutes of it.
    step = max(1, -(-len(free) // MOST_HOURS))
    return [Choice(one.start.isoformat(), f"{timezone.localtime(one.start):%H:%M}") for one in free[::step]]


def _read_hour(said: Said, typed: str) -> str:
    """Any free hour of that day may be typed, beside those that are shown."""
    day = datetime.fromisoformat(said.slots["day"]).date()
    digits = typed.replace("h", ":").replace("H", ":").replace(".", ":").strip().rstrip(":")
    hour, _colon, minute = digits.partition(":")
    for one in reads.free(_resource(said), day, day):
        local = timezone.localtime(one.start)
        if (
            hour.isdecimal()
            and (minute or "0").isdecimal()
            and (local.hour, local.minute) == (int(hour), int(minute or 0))
        ):
            return one.start.isoformat()
    raise NotUnderstood(_("Send the number of an hour, or an hour such as 9:20."))


def _name(said: Said, typed: str) -> str:
    name = text.clean(typed)[:150]
    if len(name) < 2 or name.isdecimal():
        raise NotUnderstood(_("Send your name."))
    return name


def _nameless(said: Said) -> bool:
    known = people.Person.objects.filter(pk=said.person or 0).first()
    return _books(said) and not (known and known.name)


def _run(said: Said) -> str:
    try:
        return _book(said) if _books(said) else _cancel(said)
    except actions.Refused as refused:
        raise Stop(str(refused)) from refused


def _book(said: Said) -> str:
    resource = _resource(said)
    person = None if said.slots.get("name") else people.Person.objects.filter(pk=said.person or 0).first()
    if person is None:
        person = people.person_for(name=said.slots["name"], phone=said.address, language=said.language)
    if person is None:
        raise Stop(_("Give your name, so that we can call you."))
    made = actions.book(
        resource, datetime.fromisoformat(said.slots["hour"]), person=person, by=SYSTEM,
        wish=actions.Wish(language=said.language, channel=said.medium), client_id=uuid.uuid5(_KEYS, said.key),
    )  # fmt: skip
    return _("Appointment: %(what)s, %(when)s. Code %(code)s. To cancel, send %(word)s.") % {
        "what": text.pick(resource.titles, said.language), "when": telling.said_when(made.slot.start), "code": made.code,
        "word": _("APPOINTMENT"),
    }  # fmt: skip


def _cancel(said: Said) -> str:
    # Only what this very number booked is offered; the code is checked against that again.
    found = next((one for one in _mine(said) if one.code == said.slots["what"]), None)
    if found is None:
        raise Stop(_("There is no such booking."))
    actions.cancel(found.pk, by=SYSTEM, key=reads.key_of(found))
    return _("Your appointment is cancelled: %(what)s, %(when)s.") % {
        "what": text.pick(found.slot.resource.titles, said.language), "when": telling.said_when(found.slot.start),
    }  # fmt: skip


APPOINTMENT = Command(
    name="appointment",
    title=gettext_lazy("appointment"),
    keywords={
        "fr": ("RENDEZ-VOUS", "RENDEZVOUS", "RDV"),
        "pt": ("MARCACAO", "MARCAR", "AGENDAR"),
        "en": ("APPOINTMENT", "BOOK"),
    },
    example={"fr": "RENDEZ-VOUS état civil", "pt": "MARCACAO registo civil", "en": "APPOINTMENT civil status"},
    slots=(
        Slot("what", gettext_lazy("You have an appointment. What do you want?"), choices=_todo, when=lambda said: "which" not in said.slots and bool(_mine(said))),
        Slot("which", gettext_lazy("For what?"), choices=_which, guess=_only, when=_books),
        Slot("day", gettext_lazy("Which day?"), choices=_days, when=_books),
        Slot("hour", gettext_lazy("At what time?"), choices=_hours, read=_read_hour, when=_books, most=MOST_HOURS),
        Slot("name", gettext_lazy("Your name?"), read=_name, when=_nameless),
    ),
    run=_run,
    order=58,
)  # fmt: skip
