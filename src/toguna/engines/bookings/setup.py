"""What may be booked: its name, its hours, its places, the days that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.bookings import hours
from toguna.engines.bookings.actions import SET_UP, Refused, State, promote_all
from toguna.engines.bookings.models import Booking, Resource, Slot
from toguna.kernel import access, audit, codes
from toguna.kernel.access import Actor

FIELDS = (
    "titles", "notes", "icon", "hours", "minutes", "capacity", "most_places", "ahead_days", "notice_minutes",
    "waiting_list", "asks_place", "price", "active", "order",
)  # fmt: skip


@transaction.atomic
def save_resource(slug: str, told: Mapping[str, Any], *, by: Actor) -> tuple[Resource, list[date]]:
    """Makes or changes a resource; told: of FIELDS. Days on which new hours would cut appointments keep the hours they had:
    gives them too. Raises Refused, Denied."""
    access.require(by, SET_UP)
    row = Resource.objects.select_for_update().filter(slug=slug).first()
    if not any(told["titles"].values()):
        raise Refused(_("Give it a name in one language at least."))
    if not 5 <= told["minutes"] <= hours.LONGEST or not 1 <= told["capacity"] <= 10_000:
        raise Refused(_("A slot lasts from 5 minutes to 24 hours, for 1 person at least."))
    if told["most_places"] > told["capacity"]:
        raise Refused(_("One booking cannot have more places than there are."))
    _check_week(told["hours"])
    new = Resource(pk=row.pk if row else None, slug=slug, exceptions=dict(row.exceptions) if row else {})
    if row:
        new.feed_key, new.hold_minutes = row.feed_key, row.hold_minutes
    for name in FIELDS:
        setattr(new, name, told[name])
    kept = _keep_cut_days(row, new) if row else []
    new.save()
    promote_all(new)
    audit.record(by, "bookings.set_up", f"bookings.resource:{new.pk}", kept=[day.isoformat() for day in kept])
    return new, kept


def _check_week(rows: Sequence[Mapping[str, Any]]) -> None:
    for day in range(1, 8):
        _check([(row["from"], row["to"]) for row in rows if day in row["days"]])


def _check(openings: Sequence[tuple[str, str]]) -> None:
    try:
        hours.check(openings)
    except hours.WrongHours as wrong:
        raise Refused(
            _("From %(opens)s to %(closes)s: an opening ends after it begins, and two of one day do not meet.")
            % {"opens": wrong.args[0] or "?", "closes": wrong.args[1] or "?"}
        ) from None


def _taken(resource: Resource, day: date | None = None) -> dict[date, list[Slot]]:
    """The slots to come in which somebody has a place, by day."""
    rows = Slot.objects.filter(resource=resource, taken__gt=0, end__gt=timezone.now())
    found: dict[date, list[Slot]] = {}
    for slot in rows.order_by("start"):
        on = timezone.localtime(slot.start).date()
        if day in (None, on):
            found.setdefault(on, []).append(slot)
    return found


def _cut(resource: Resource, day: date, taken: Sequence[Slot]) -> bool:
    """Whether its slots of that day, as they are, would share time with what is taken in others, or have too few places."""
    spans = hours.grid(resource, day)
    return any(
        span.cuts(slot.start, slot.end) or (span.start == slot.start and span.capacity < slot.taken)
        for span in spans
        for slot in taken
    )


def _keep_cut_days(old: Resource, new: Resource) -> list[date]:
    kept = []
    for day, taken in _taken(old).items():
        if _cut(new, day, taken):
            differs = old.exceptions.get(day.isoformat(), {})
            new.exceptions[day.isoformat()] = {
                "hours": [list(pair) for pair in hours.pairs(old, day)],
                "minutes": differs.get("minutes", old.minutes), "capacity": differs.get("capacity", old.capacity),
            }  # fmt: skip
            kept.append(day)
    return kept


@transaction.atomic
def set_day(slug: str, day: date, openings: Sequence[tuple[str, str]] | None, *, by: Actor) -> int:
    """That day has these hours instead of the week's; none: closed; None: as the week again. How many appointments are then
    outside the hours, to be moved or cancelled. Raises Refused, Denied."""
    access.require(by, SET_UP)
    row = Resource.objects.select_for_update().filter(slug=slug).first()
    if row is None:
        raise Refused(_("There is no such thing to book."))
    if day < timezone.localdate():
        raise Refused(_("This day has passed."))
    today = timezone.localdate().isoformat()
    row.exceptions = {d: e for d, e in row.exceptions.items() if d >= today and d != day.isoformat()}
    if openings is not None:
        _check(openings)
        if len(row.exceptions) >= hours.MOST_EXCEPTIONS:
            raise Refused(_("Too many days differ from the week: change the week instead."))
        row.exceptions[day.isoformat()] = {"hours": [list(pair) for pair in sorted(openings)]}
    taken = _taken(row, day).get(day, [])
    if _cut(row, day, taken):
        raise Refused(_("These hours would cut appointments of that day. Move those first, or close the day."))
    row.save(update_fields=["exceptions"])
    promote_all(row)
    offered = {span.start for span in hours.grid(row, day)}
    outside = [slot.pk for slot in taken if slot.start not in offered]
    audit.record(by, "bookings.set_day", f"bookings.resource:{row.pk}", day=day.isoformat(), closed=openings == [])
    return Booking.objects.filter(slot__in=outside, state=State.BOOKED).count()


@transaction.atomic
def renew_feed(slug: str, *, by: Actor) -> None:
    """A new address for the calendar feed: the old one shows nothing any more."""
    access.require(by, SET_UP)
    Resource.objects.filter(slug=slug).update(feed_key=codes.make(24))
    audit.record(by, "bookings.renew_feed", f"bookings.resource:{slug}")
