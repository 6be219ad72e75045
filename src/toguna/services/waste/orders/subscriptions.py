"""A household that is fetched every week: its pick-ups are made a few days ahead, its bill on the first of the month."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.bookings import api as bookings
from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.waste.models import PickUp, Subscription
from toguna.services.waste.orders import actions, money, telling

log = logging.getLogger("toguna.waste")
AHEAD = timedelta(days=3)
BATCH = 500
TRIED = 3  # other hours of the day


def days(row: Subscription, today: date) -> Iterator[date]:
    """The days for which a pick-up is to be made now."""
    day = max(row.upto or row.since, today - timedelta(days=1)) + timedelta(days=1)
    while day <= today + AHEAD:
        if day.isoweekday() == row.day:
            yield day
        day += timedelta(days=1)


def sweep(today: date | None = None) -> None:
    """Makes what is due. Each subscription alone, and each day once: it may stop anywhere."""
    today = today or timezone.localdate()
    rows = Subscription.objects.filter(ended=None, billed__isnull=False)  # those that have begun
    rows = rows.select_related("household__person", "household__payer", "kind")
    due = rows.filter(Q(upto=None) | Q(upto__lt=today + AHEAD)).order_by("pk")
    for row in due.iterator(chunk_size=BATCH):
        for day in days(row, today):
            start = timezone.make_aware(datetime.combine(day, row.hour))
            if not _made(row, day, start) and not any(_made(row, day, other) for other in _others(row, start)):
                log.warning("subscription %s: no pick-up on %s", row.code, day)
                with transaction.atomic():
                    Subscription.objects.filter(pk=row.pk).update(upto=day)
                    telling.no_hour(row, start)
    _bills(today)


def _made(row: Subscription, day: date, start: datetime) -> bool:
    """Whether there is a pick-up at that hour now."""
    try:
        with transaction.atomic():
            actions.order_of(row, start, by=SYSTEM)
            Subscription.objects.filter(pk=row.pk).update(upto=day)
    except (actions.Refused, money.NoPrice):
        return False
    return True


def _others(row: Subscription, start: datetime) -> list[datetime]:
    """The hours of that day that are free, the nearest first: what single orders have taken meanwhile does not cost who pays by month."""
    resource, day = bookings.resource(row.kind.resource), timezone.localdate(start)
    free = bookings.free(resource, day, day) if resource else []
    return sorted((one.start for one in free), key=lambda other: abs(other - start))[:TRIED]


def _bills(today: date) -> None:
    """The bill of this month for each that runs: ledger keeps it once by its key."""
    month = today.replace(day=1)
    rows = Subscription.objects.filter(ended=None, since__lt=month + timedelta(days=31), billed__lt=month)
    for row in rows.select_related("household__person", "household__payer", "household__zone", "kind").iterator(
        chunk_size=BATCH
    ):
        try:
            with transaction.atomic():
                money.month_bill(row, month, by=SYSTEM)
                Subscription.objects.filter(pk=row.pk).update(billed=month)
        except money.NoPrice as error:
            log.warning("subscription %s: no bill for %s: %s", row.code, month, error)


def of_address(address: str) -> list[Subscription]:
    rows = Subscription.objects.select_related("kind", "household")
    return list(rows.filter(household__address=address, ended=None).order_by("pk")[:5]) if address else []


@transaction.atomic
def pay_by_itself(row: Subscription, begins: bool, *, by: Actor) -> None:
    """The telephone is asked for each month by itself, or no more; by: who has logged in with its number. Said again, nothing changes.
    Raises actions.Refused, NoPrice, Denied."""
    if begins and row.ended is None:
        if money.order_of(row) is None:
            try:
                money.pay_by_itself(row, by=by)
            except ledger.Refused as error:
                raise actions.Refused(str(error)) from error
    else:
        money.end_order(row, _("ended by the payer"), by=by)


@transaction.atomic
def end(row: Subscription, *, by: Actor, own: bool) -> Subscription:
    """No more pick-ups are made; those to come are cancelled. What was billed is owed. Said again, nothing changes. Raises Denied."""
    if not own:
        access.require(by, "waste.work", zone=row.household.zone_id)
    if not Subscription.objects.filter(pk=row.pk, ended=None).update(ended=timezone.now()):
        return row
    money.end_order(row, _("the subscription is over"))
    audit.record(by, "waste.unsubscribe", f"waste.subscription:{row.pk}")
    for pickup in actions.whole().filter(subscription=row, state__in=PickUp.OPEN, start__gt=timezone.now()):
        actions.cancel(pickup, by=by, own=True)
    return row
