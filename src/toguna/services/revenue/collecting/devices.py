"""The devices of collectors: what each has with it, when it was last heard of, and how one that was stolen is cut off."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Collector, Device

COLLECT, SUPERVISE = "revenue.collect", "revenue.supervise"
NUMBERS = 200  # of receipts, in a block: two days of a busy market
WRONG = timedelta(minutes=10)  # a clock that is further off is wrong
MOST_CARRIED = 10**13


class Refused(Exception):
    """It cannot be done; str() says why, and what to do."""


def collector_of(actor: Actor) -> Collector | None:
    """The collector that this account is."""
    if actor.account is None:
        return None
    return Collector.objects.select_related("desk", "zone").filter(account=actor.account).first()


def known(collector: Collector, name: str, label: str = "") -> Device:
    """The device that calls itself so, written down the first time. Raises Refused: another collector's, or no name at all."""
    try:
        called = uuid.UUID(str(name))
    except ValueError:
        raise Refused(_("This device has no number: open the page again.")) from None
    row, _made = Device.objects.get_or_create(
        name=called, defaults={"collector": collector, "label": text.clean(label)[:80]}
    )
    if row.collector_id != collector.pk:
        raise Refused(_("This device is another collector's. Who supervises may cut it off; then clear it."))
    return row


def heard(device: Device, *, skew: float = 0.0, waiting: int = 0, carried: int = 0) -> None:
    """It has just said something. skew: seconds that its clock is behind ours."""
    bounded = int(max(-(2**31) + 1, min(2**31 - 1, skew)))
    device.heard, device.skew = timezone.now(), bounded
    device.waiting, device.carried = max(0, min(waiting, 10**6)), max(0, min(carried, MOST_CARRIED))
    device.save(update_fields=["heard", "skew", "waiting", "carried"])


@transaction.atomic
def blocks(device: Device, *, by: Actor) -> list[ledger.Block]:
    """The numbers that it takes along: what it has left, and a fresh block when that is less than half of one. Blocks of another year,
    or used to the end, are ended."""
    desk, year = device.collector.desk, timezone.localdate().year
    mine = [one for one in ledger.out_with(str(device.name)) if one.desk_id == desk.pk]
    for one in mine:
        if one.year != year:
            ledger.end(one, why=_("a new year has begun"), by=by)
        elif ledger.next_of(one) > one.last:
            ledger.end(one, why=_("used to the end"), by=by)
    ledger.reserve(desk, str(device.name), NUMBERS, by=by)
    return [one for one in ledger.out(desk, year) if one.device == str(device.name)]


@transaction.atomic
def cut_off(device: int, *, why: str, by: Actor) -> int:
    """It was stolen or lost: nothing more is given to it, whoever holds it is logged out, its open numbers are void in plain sight, and
    what it still sends is put aside. How many numbers were voided. Cut off again, nothing happens. Raises Refused."""
    row = Device.objects.select_for_update(of=("self",)).select_related("collector").get(pk=device)
    access.require(by, SUPERVISE, zone=row.collector.zone_id)
    if row.cut is not None:
        return 0
    words = text.clean(why)[:100]
    if not words:
        raise Refused(_("Say why it is cut off."))
    unused = sum(ledger.end(one, why=words, by=by) for one in ledger.out_with(str(row.name)))
    Device.objects.filter(pk=row.pk).update(cut=timezone.now(), why=words)
    people.end_sessions(row.collector.account)
    audit.record(by, "revenue.cut_off", f"revenue.device:{row.pk}", unused=unused)
    return unused
