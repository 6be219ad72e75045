"""The verbs of bookings.

No overbooking: a place is taken by one statement that adds to the slot only while there is room, and it is the last of its
transaction, so that a slot is locked for as short as can be. Orders of locks: the booking, then its slot (two slots: the
lower id first), then those who wait. Hours are held (FOR SHARE) after the booking and before the slot.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from toguna.engines.bookings import hours, reads, telling
from toguna.engines.bookings.events import Booked, BookingEnded
from toguna.engines.bookings.models import Booking, Resource, Slot
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, events, limits, text
from toguna.kernel.access import SYSTEM, Actor

READ, HANDLE, SET_UP = "bookings.read", "bookings.handle", "bookings.set_up"
MOST_OPEN = 4  # of one person, of one resource, before them
MOST_HELD, SLOTS_HELD = 20, 10  # bookings, or slots, of one resource held at once: nobody empties it by giving no name
A_DAY = timedelta(days=1)
BATCH = 500
State = Booking.State


class Refused(Exception):
    """It cannot be; str() says why, and what to do, to the person."""


class Full(Refused):
    """No place is left in this slot."""


@dataclass(frozen=True)
class Wish:
    """What is asked for beside the time. places: how many; subject: (kind, key), see `subjects.Subject`; place: where the town
    comes to; channel: as in cases."""

    places: int = 1
    subject: tuple[str, str] = ("", "")
    place: str = ""
    language: str = ""
    channel: str = "web"


# Taking


def hold(
    resource: Resource, start: datetime, *, wish: Wish, by: Actor, client_id: uuid.UUID, wait: bool = False
) -> Booking:
    """Keeps a place for a moment, until `confirm` says for whom; with wait=True, one on the waiting list when it is full.
    Raises Full, Refused."""
    return _once(
        client_id, lambda: _take(resource, start, wish, None, by, client_id, held=True, wait=wait, staff=False)
    )


def book(
    resource: Resource, start: datetime, *, person: people.Person, wish: Wish, by: Actor, client_id: uuid.UUID,
    wait: bool = False, staff: bool = False,
) -> Booking:  # fmt: skip
    """A place of that slot, for that person. staff: by somebody who may handle bookings, also at the last moment.
    Asked for again with the same client_id, it is the same booking. Raises Full, Refused, Denied."""
    if staff:
        access.require(by, HANDLE)
    return _once(
        client_id, lambda: _take(resource, start, wish, person, by, client_id, held=False, wait=wait, staff=staff)
    )


def _once(client_id: uuid.UUID, make: Callable[[], Booking]) -> Booking:
    found = Booking.objects.filter(client_id=client_id).select_related("slot__resource", "person").first()
    if found is not None:
        return found
    try:
        return make()
    except IntegrityError:  # the same was sent twice at once: the other was first
        found = Booking.objects.filter(client_id=client_id).select_related("slot__resource", "person").first()
        if found is None:
            raise
        return found


def _take(
    resource: Resource, start: datetime, wish: Wish, person: people.Person | None, by: Actor, client_id: uuid.UUID,
    *, held: bool, wait: bool, staff: bool,
) -> Booking:  # fmt: skip
    expire(of=(resource, start))
    try:
        with transaction.atomic():
            row, span, current = _slot(resource, start, wish, staff)
            holds = Booking.objects.filter(slot__resource=current, state=State.HELD, expires__isnull=False)
            most, of_slot = max(MOST_HELD, SLOTS_HELD * span.capacity), max(MOST_HELD, span.capacity // 2)
            if held and (holds.count() >= most or holds.filter(slot=row).count() >= of_slot):
                raise Refused(_("Too many people are choosing an hour right now. Try again in a few minutes."))
            booking = _write(current, row, wish, person, client_id, State.HELD if held else State.BOOKED)
            if not held:
                _sure(booking, by)
            _add(row, span, wish.places)
            return booking
    except Full:
        if not wait:
            raise
    with transaction.atomic():
        row, span, current = _slot(resource, start, wish, staff)
        locked = Slot.objects.select_for_update().get(pk=row.pk)  # so that no place is given back unseen meanwhile
        if not current.waiting_list or wish.places > span.capacity:
            raise Full(_full())
        fits = locked.taken + wish.places <= span.capacity
        state = State.WAITING if not fits else State.HELD if held else State.BOOKED
        booking = _write(current, locked, wish, person, client_id, state, provisional=held)
        if fits:
            _add(locked, span, wish.places)
        if not held:
            if fits:
                _sure(booking, by)
            else:
                _waits(booking, by)
        return booking


def _full() -> str:
    return _("This hour has just been taken. Choose another one.")


def _slot(resource: Resource, start: datetime, wish: Wish, staff: bool) -> tuple[Slot, hours.Span, Resource]:
    """The slot's row, made if it is the first time, and what the hours say of it now: they cannot change before the
    transaction ends. Raises Refused."""
    _hold_hours(resource.pk)
    current = Resource.objects.get(pk=resource.pk)
    span = hours.span_at(current, start)
    if span is None or not current.active:
        raise Refused(_("This hour is not offered any more. Choose another one."))
    earliest, latest = reads.bounds(current)
    day = timezone.localtime(start).date()
    if not staff and span.start < earliest:
        raise Refused(_("It is too late for this hour. Choose a later one."))
    if not staff and day > latest:
        raise Refused(_("It is too early for this hour: book nearer to the day."))
    if staff and span.end < timezone.now() - A_DAY / 2:
        raise Refused(_("This hour has passed."))
    if not 1 <= wish.places <= current.most_places:
        raise Refused(
            ngettext("%(n)d place at most in one booking.", "%(n)d places at most in one booking.", current.most_places)
            % {"n": current.most_places}
        )
    row = Slot.objects.filter(resource=current, start=span.start).first()
    if row is None:
        new = Slot(resource=current, start=span.start, end=span.end, capacity=span.capacity)
        Slot.objects.bulk_create([new], ignore_conflicts=True)
        row = Slot.objects.get(resource=current, start=span.start)
    return row, span, current


def _hold_hours(resource: int) -> None:
    """The hours and the capacity of a resource stay as they are until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM bookings_resource WHERE id = %s FOR SHARE", [resource])


def _write(
    resource: Resource, slot: Slot, wish: Wish, person: people.Person | None, client_id: uuid.UUID, state: State,
    *, provisional: bool | None = None,
) -> Booking:  # fmt: skip
    if person is not None:
        _not_too_many(resource, person)
    held = state == State.HELD if provisional is None else provisional
    booking = Booking(
        code=codes.make(), client_id=client_id, slot=slot, state=state, places=wish.places, person=person,
        subject_kind=wish.subject[0], subject=wish.subject[1], place=text.clean(wish.place)[:300],
        price=resource.price * wish.places, language=wish.language[:8], channel=wish.channel,
        expires=timezone.now() + timedelta(minutes=resource.hold_minutes) if held else None,
    )  # fmt: skip
    while Booking.objects.filter(code=booking.code).exists():
        booking.code = codes.make()
    booking.save(force_insert=True)
    slot.resource = resource
    return booking


def _not_too_many(resource: Resource, person: people.Person) -> None:
    if reads.upcoming([person.pk]).filter(slot__resource=resource).count() >= MOST_OPEN:
        raise Refused(_("There are already several appointments under this name. Cancel one of them first."))


def _add(slot: Slot, span: hours.Span, places: int) -> None:
    """Takes the places, or raises Full. The one statement by which nothing is overbooked."""
    found = Slot.objects.filter(pk=slot.pk, taken__lte=span.capacity - places)
    if places > span.capacity or not found.update(taken=F("taken") + places, capacity=span.capacity, end=span.end):
        raise Full(_full())


def confirm(booking: int, *, person: people.Person, place: str = "", key: str, by: Actor) -> Booking:
    """The place that was held is this person's. Said again, nothing changes. Raises Refused when it was not kept."""
    with transaction.atomic():
        row = _locked(booking)
        if not reads.holds_key(row, key):
            raise Refused(_("This link is not complete: open it again as it was given to you."))
        if row.state == State.EXPIRED:
            raise Refused(_("We could not keep this hour any longer. Choose one again."))
        if row.expires is None:
            return row
        if row.slot.resource.asks_place and not place.strip():
            raise Refused(_("Say where we should come."))
        _not_too_many(row.slot.resource, person)
        sure = row.state == State.HELD
        state = State.BOOKED if sure else State.WAITING
        _change(row, person=person, place=text.clean(place)[:300], expires=None, state=state)
        if sure:
            _sure(row, by)
        else:
            _waits(row, by)
            _hold_hours(row.slot.resource_id)
            Slot.objects.select_for_update().get(pk=row.slot_id)
            _promote(row.slot_id)  # a place may have been given back while the name was typed
            row.refresh_from_db(fields=["state"])
    return row


def _change(row: Booking, **fields: Any) -> None:
    """Writes these, and when: calendars go by it."""
    for name, value in fields.items():
        setattr(row, name, value)
    row.changed = timezone.now()
    row.save(update_fields=[*fields, "changed"])


def _sure(booking: Booking, by: Actor) -> None:
    """Written down, announced, and said to the person."""
    resource = booking.slot.resource
    audit.record(by, "bookings.book", f"bookings.booking:{booking.pk}", resource=resource.slug, channel=booking.channel)
    events.publish(Booked(booking.pk, resource.slug, booking.subject_kind, booking.subject))
    _tell(
        booking,
        f"booked:{booking.slot_id}",
        lambda: _("%(what)s: %(when)s. Your code: %(code)s. To change or cancel: %(url)s"),
    )


def _waits(booking: Booking, by: Actor) -> None:
    audit.record(by, "bookings.wait", f"bookings.booking:{booking.pk}", resource=booking.slot.resource.slug)
    _tell(
        booking,
        "waits",
        lambda: _("%(what)s, %(when)s: you are on the waiting list. We tell you when a place is free. Code: %(code)s"),
    )


def _tell(booking: Booking, key: str, words: Callable[[], str]) -> None:
    """Who books on a phone has its answer at once and needs no other."""
    if not (booking.channel in ("sms", "ussd") and key.startswith(("booked", "waits"))):
        telling.tell(booking, f"booking:{booking.pk}:{key}", words)


# Giving back


def _locked(pk: int) -> Booking:
    found = (
        Booking.objects.select_for_update(of=("self",)).select_related("slot__resource", "person").filter(pk=pk).first()
    )
    if found is None:
        raise Refused(_("There is no such booking."))
    return found


def _own(row: Booking, by: Actor, key: str) -> bool:
    """Whether it is theirs. Whoever handles bookings may too."""
    if reads.holds_key(row, key) or (by.person is not None and by.person == row.person_id and by.mandate is None):
        return True
    access.require(by, HANDLE)
    return False


@transaction.atomic
def cancel(booking: int, *, by: Actor, key: str = "") -> Booking:
    """Gives the place back, to the first who waits for it. By whoever booked (key), or at the desk. Again: nothing changes."""
    row = _locked(booking)
    own = _own(row, by, key)
    if row.state == State.CANCELLED:
        return row
    if row.state not in (*reads.LIVE, State.WAITING):
        raise Refused(_("This appointment is over: it cannot be cancelled."))
    if own and row.slot.start < timezone.now():  # whether they came is then for the counter to say
        raise Refused(_("This hour has passed."))
    had = row.state != State.WAITING
    _change(row, state=State.CANCELLED, expires=None)
    _ended(row, by, own=own)
    if not own:
        _tell(
            row,
            "cancelled",
            lambda: _(
                "%(what)s, %(when)s: this appointment is cancelled by the town hall. Choose another hour, or call us. Code: %(code)s"
            ),
        )
    if had:
        _give_back(row)
    return row


def cancel_all(person: int) -> None:
    """What a person has and waits for is given back: they are being erased."""
    theirs = Booking.objects.filter(person=person, state__in=(*reads.LIVE, State.WAITING)).order_by("slot", "id")
    rows = list(theirs.select_for_update(of=("self",)).select_related("slot__resource"))
    for row in sorted(rows, key=lambda row: row.state != State.WAITING):  # what one waits for is not given to oneself
        had = row.state != State.WAITING
        _change(row, state=State.CANCELLED, expires=None)
        _ended(row, SYSTEM)
        if had:
            _give_back(row)


def _ended(row: Booking, by: Actor, **data: Any) -> None:
    resource = row.slot.resource.slug
    audit.record(by, f"bookings.{row.state}", f"bookings.booking:{row.pk}", resource=resource, **data)
    events.publish(BookingEnded(row.pk, resource, row.subject_kind, row.subject, str(row.state)))


def _give_back(row: Booking) -> None:
    """Last in its transaction: from here the slot is locked."""
    _hold_hours(row.slot.resource_id)
    Slot.objects.filter(pk=row.slot_id).update(taken=F("taken") - row.places)
    _promote(row.slot_id)


def _promote(slot_id: int) -> None:
    """Whoever waits, in order, gets what is free. The hours and the slot's row are held already by this transaction."""
    slot = Slot.objects.select_related("resource").get(pk=slot_id)
    span = hours.span_at(slot.resource, slot.start)
    if span is None or slot.start < timezone.now():
        return
    left = span.capacity - slot.taken
    waiting = Booking.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        slot=slot, state=State.WAITING, expires=None, places__lte=max(0, left)
    )
    for one in waiting.order_by("id")[:left] if left > 0 else ():
        if one.places <= left:
            left -= one.places
            one.slot = slot
            _change(one, state=State.BOOKED)
            _add(slot, span, one.places)
            audit.record(SYSTEM, "bookings.promote", f"bookings.booking:{one.pk}", resource=slot.resource.slug)
            events.publish(Booked(one.pk, slot.resource.slug, one.subject_kind, one.subject))
            _tell(
                one,
                "promoted",
                lambda: _(
                    "A place is free, it is yours. %(what)s: %(when)s. Code: %(code)s. If you cannot come: %(url)s"
                ),
            )


def promote_all(resource: Resource) -> None:
    """There may be more places than before. The resource's row is already locked by this transaction."""
    waited = Booking.objects.filter(slot__resource=resource, state=State.WAITING, expires=None)
    slots = Slot.objects.filter(pk__in=waited.values("slot"), start__gt=timezone.now())
    for pk in list(slots.select_for_update().order_by("pk").values_list("pk", flat=True)):
        _promote(pk)


def move(booking: int, start: datetime, *, by: Actor, key: str = "") -> Booking:
    """To another slot of the same resource: the new place is taken before the old one is given back. Raises Full, Refused."""
    with transaction.atomic():
        row = _locked(booking)
        own = _own(row, by, key)
        if row.state != State.BOOKED:
            raise Refused(_("Only what is booked can be moved."))
        if row.slot.start == start:
            return row
        if own and row.slot.start < timezone.now():
            raise Refused(_("This hour has passed."))
        old = row.slot_id
        slot, span, resource = _slot(row.slot.resource, start, Wish(places=row.places), not own)
        list(Slot.objects.select_for_update().filter(pk__in=[old, slot.pk]).order_by("pk"))
        _add(slot, span, row.places)
        _change(row, slot=slot)
        slot.resource = resource
        audit.record(by, "bookings.move", f"bookings.booking:{row.pk}", resource=resource.slug, own=own)
        _tell(
            row,
            f"moved:{slot.pk}:{uuid.uuid4().hex[:8]}",
            lambda: _("Your appointment has moved. %(what)s: %(when)s. Code: %(code)s"),
        )
        Slot.objects.filter(pk=old).update(taken=F("taken") - row.places)
        _promote(old)
    return row


def expire(*, of: tuple[Resource, datetime] | None = None) -> int:
    """Gives back what was held for too long: in one slot, or in all (run from time to time). How many."""
    found = Booking.objects.filter(expires__lt=timezone.now(), state__in=(State.HELD, State.WAITING))
    if of is not None:
        found = found.filter(slot__resource=of[0], slot__start=of[1])
    done = 0
    for pk in list(found.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            row = Booking.objects.select_for_update(skip_locked=True, of=("self",)).select_related("slot__resource")
            one = row.filter(pk=pk, expires__lt=timezone.now(), state__in=(State.HELD, State.WAITING)).first()
            if one is None:
                continue
            had = one.state == State.HELD
            _change(one, state=State.EXPIRED, expires=None)
            events.publish(BookingEnded(one.pk, one.slot.resource.slug, one.subject_kind, one.subject, "expired"))
            if had:
                _give_back(one)
            done += 1
    return done


def sweep() -> None:
    expire()


# At the counter


@transaction.atomic
def mark(booking: int, state: str, *, by: Actor) -> Booking:
    """They came, or they did not: state "came" or "no_show"; "booked" takes it back. Raises Refused, Denied."""
    access.require(by, HANDLE)
    row = _locked(booking)
    if state not in (State.CAME, State.NO_SHOW, State.BOOKED) or row.state not in (
        State.BOOKED,
        State.CAME,
        State.NO_SHOW,
    ):
        raise Refused(_("Only what is booked can be marked."))
    if row.state == state:
        return row
    now = timezone.now()
    if state == State.NO_SHOW and row.slot.start > now:
        raise Refused(_("The hour has not come yet."))
    if timezone.localtime(row.slot.start).date() > timezone.localtime(now).date():
        raise Refused(_("The day has not come yet."))
    _change(row, state=State(state))
    if state == State.BOOKED:
        audit.record(by, "bookings.unmark", f"bookings.booking:{row.pk}", resource=row.slot.resource.slug)
    else:
        _ended(row, by)
    return row


def came(booking: int, *, by: Actor) -> Booking:
    return mark(booking, State.CAME, by=by)


def no_show(booking: int, *, by: Actor) -> Booking:
    return mark(booking, State.NO_SHOW, by=by)


# Who it is


def person(name: str, address: tuple[str, str], *, language: str = "") -> people.Person:
    """Whoever gives this name and this address, as `people.contact` reads it. Raises Refused, TooMany."""
    said, (kind, value) = text.clean(name)[:150], address
    if value:
        limits.hit("bookings.contact", value, at_most=8, per=A_DAY)  # each time, a message goes there
    found = people.person_for(
        name=said, phone=value if kind == "phone" else "", email=value if kind == "email" else "", language=language
    )
    if not said or found is None:
        raise Refused(_("Give your name, so that we can call you."))
    return found
