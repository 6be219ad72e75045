"""What can be had, and what was booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.http import urlencode

from toguna.engines.bookings import hours
from toguna.engines.bookings.models import Booking, Resource, Slot
from toguna.kernel import codes, text

LIVE = (Booking.State.HELD, Booking.State.BOOKED)  # these take places, beside those who came or did not
MOST_DAYS = 62


@dataclass(frozen=True)
class Offer:
    """A slot that can be asked for. left: places; waiting: bookings on its waiting list."""

    start: datetime
    end: datetime
    left: int
    capacity: int
    waiting: int = 0


def resources() -> QuerySet[Resource]:
    return Resource.objects.filter(active=True)


def resource(slug: str) -> Resource | None:
    return resources().filter(slug=slug).first()


def bounds(resource: Resource, now: datetime | None = None) -> tuple[datetime, date]:
    """(the first moment, the last day) that can be booked by oneself."""
    moment = now or timezone.now()
    last = timezone.localtime(moment).date() + timedelta(days=resource.ahead_days)
    return moment + timedelta(minutes=resource.notice_minutes), last


def offers(
    resource: Resource, first: date, last: date, *, now: datetime | None = None, staff: bool = False
) -> list[Offer]:
    """All slots of these days that may still be booked, also the full ones. Places held for too long are free again.
    staff: also what is too near or too far for people to book by themselves. Two statements."""
    moment = now or timezone.now()
    earliest, latest = (moment - timedelta(hours=12), last) if staff else bounds(resource, moment)
    last = min(last, latest, first + timedelta(days=MOST_DAYS - 1))
    spans = [span for day in hours.days(first, last) for span in hours.grid(resource, day) if span.start >= earliest]
    if not spans:
        return []
    rows = Slot.objects.filter(resource=resource, start__gte=spans[0].start, start__lte=spans[-1].start)
    late = Sum("bookings__places", filter=Q(bookings__state=Booking.State.HELD, bookings__expires__lt=moment))
    queue = Count("bookings", filter=Q(bookings__state=Booking.State.WAITING, bookings__expires=None))
    known = {row.start: row for row in rows.annotate(late=late, queue=queue)}
    found = []
    for span in spans:
        row = known.get(span.start)
        left = span.capacity - ((row.taken - (row.late or 0)) if row else 0)
        found.append(Offer(span.start, span.end, max(0, left), span.capacity, row.queue if row else 0))
    return found


def free(resource: Resource, first: date, last: date, *, places: int = 1, now: datetime | None = None) -> list[Offer]:
    """The slots of these days with that many places left, that a person may book by themselves."""
    return [one for one in offers(resource, first, last, now=now) if one.left >= places]


def key_of(booking: Booking) -> str:
    """What only whoever booked is given, in their links."""
    return salted_hmac("bookings.booking", str(booking.client_id), algorithm="sha256").hexdigest()[:20]


def holds_key(booking: Booking, key: str) -> bool:
    return constant_time_compare(key, key_of(booking))


def by_code(typed: str) -> Booking | None:
    return Booking.objects.select_related("slot__resource", "person").filter(code=codes.read(typed)).first()


def address_of(booking: Booking) -> str:
    """The page of a booking, for whoever made it."""
    return f"{reverse('booking', args=[booking.code])}?key={key_of(booking)}"


def appointment_url(resource: str, about: tuple[str, str] = ("", "")) -> str:
    """The page where a resource (its slug) is booked, "" when there is none such; about: (kind, key) of a `Subject`."""
    if not resource or not resources().filter(slug=resource).exists():
        return ""
    url = reverse("appointment", args=[resource])
    return f"{url}?{urlencode({'about': ':'.join(about)})}" if about[0] else url


def day_list(resource: Resource, day: date) -> list[Booking]:
    """Everyone who has a place that day, or waits, in order of time."""
    shown = (*LIVE, Booking.State.CAME, Booking.State.NO_SHOW, Booking.State.WAITING)
    start = timezone.make_aware(datetime.combine(day, datetime.min.time()))
    found = Booking.objects.filter(slot__resource=resource, slot__start__gte=start, state__in=shown)
    found = found.filter(
        slot__start__lt=timezone.make_aware(datetime.combine(day + timedelta(days=1), datetime.min.time()))
    )
    return list(
        found.exclude(state=Booking.State.WAITING, expires__isnull=False)
        .select_related("slot", "person")
        .order_by("slot__start", "id")
    )


def upcoming(persons: Sequence[int], now: datetime | None = None) -> QuerySet[Booking]:
    """What these people have before them: booked or waited for."""
    wanted = (Booking.State.BOOKED, Booking.State.WAITING)
    found = Booking.objects.filter(person__in=persons, state__in=wanted, expires=None)
    return found.filter(slot__end__gt=now or timezone.now()).select_related("slot__resource").order_by("slot__start")


# Calendars (RFC 5545)


def _escaped(words: str) -> str:
    return words.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n").replace("\r", "")


def _folded(line: str) -> str:
    """Lines of 75 octets at most, never inside a character."""
    pieces, piece, size = [], "", 0
    for c in line:
        width = len(c.encode())
        if size + width > 75:
            pieces.append(piece)
            piece, size = " ", 1
        piece, size = piece + c, size + width
    return "\r\n".join([*pieces, piece])


def _stamp(moment: datetime) -> str:
    return timezone.localtime(moment, timezone.get_default_timezone()).astimezone(_UTC).strftime("%Y%m%dT%H%M%SZ")


_UTC = timezone.get_fixed_timezone(0)
_STATUS: dict[str, str] = {
    Booking.State.CANCELLED: "CANCELLED", Booking.State.EXPIRED: "CANCELLED", Booking.State.WAITING: "TENTATIVE",
    Booking.State.HELD: "TENTATIVE",
}  # fmt: skip


def calendar(bookings: Sequence[Booking], *, named: bool) -> str:
    """These bookings as a calendar that telephones and mail programs read. named: for their own person, with the address
    of the page; a feed that others follow has the code only, never who comes."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Toguna//Bookings//EN", "CALSCALE:GREGORIAN"]
    host = settings.TOGUNA_URL.partition("://")[2].partition("/")[0]
    for one in bookings:
        resource = one.slot.resource
        title = text.pick(resource.titles)
        lines += [
            "BEGIN:VEVENT", f"UID:booking-{one.pk}@{host}", f"DTSTAMP:{_stamp(one.changed)}",
            # Seconds since it was made: it grows with each change, as calendars that have it already ask.
            f"SEQUENCE:{int((one.changed - one.created).total_seconds())}",
            f"DTSTART:{_stamp(one.slot.start)}", f"DTEND:{_stamp(one.slot.end)}",
            f"SUMMARY:{_escaped(title if named else f'{title} {one.code}')}",
            f"STATUS:{_STATUS.get(one.state, 'CONFIRMED')}",
        ]  # fmt: skip
        if notes := text.pick(resource.notes):
            lines.append(f"DESCRIPTION:{_escaped(notes)}")
        if named:
            lines.append(f"URL:{settings.TOGUNA_URL}{address_of(one)}")
        lines.append("END:VEVENT")
    return "\r\n".join([_folded(line) for line in (*lines, "END:VCALENDAR")]) + "\r\n"
