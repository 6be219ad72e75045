"""Fuel: what was put in, and what is strange about it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from statistics import median

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.assets.actions import MANAGE, MOST_HOURS, MOST_METRES, USE, Refused, locked, meter
from toguna.engines.assets.models import Asset, Fill, Reading
from toguna.kernel import access, audit
from toguna.kernel.access import Actor

ODD = {
    "tank": gettext_lazy("more than the tank holds"),
    "back": gettext_lazy("the odometer went back"),
    "far": gettext_lazy("the odometer went too far"),
    "twice": gettext_lazy("two fills within an hour"),
    "burns": gettext_lazy("burns far more or less than it usually does"),
}
TANK_MORE = 1.05  # pumps and tanks are not that exact
WITHIN = timedelta(hours=1)
LEAST, USUAL = 4, 12  # intervals of its own that its median is made of
FEW, MANY = 0.5, 1.6  # times its median
KM_A_DAY, KM_AT_LEAST = 1500, 2000
OLDEST = timedelta(days=60)
MOST_LITRES = 20_000


@transaction.atomic
def fill(
    asset: int, litres: float, *, by: Actor, client_id: uuid.UUID, km: int | None = None, price: int = 0, at: datetime | None = None,
    full: bool = True, channel: str = "web",
) -> Fill:  # fmt: skip
    """Fuel was put in; full: until the tank was full. What is strange is kept and shown, never refused: the fuel is gone either way. An odometer that went back or
    too far does not move that of the register. The same client_id again is the same fill. Raises Refused, Denied."""
    row = locked(asset)
    access.require(by, USE, zone=row.zone_id)
    if before := Fill.objects.filter(client_id=client_id).first():
        return before
    now = timezone.now()
    moment = at or now
    if not 0 < litres <= MOST_LITRES:
        raise Refused(_("Check the litres."))
    if (km is not None and not 0 <= km * 1000 <= MOST_METRES) or not 0 <= price <= 10**12:
        raise Refused(_("Check the kilometres and the price."))
    if not now - OLDEST < moment <= now + timedelta(minutes=5):
        raise Refused(_("Check the day."))
    volume, metres = round(litres * 1000), None if km is None else km * 1000
    odd = strange(row, volume, metres, moment, full=full)
    made = Fill.objects.create(
        asset=row, client_id=client_id, at=moment, volume=volume, price=price, metres=metres, full=full, odd=odd, channel=channel,
        account=by.account,
    )  # fmt: skip
    if km is not None and not {"back", "far"} & set(odd):
        meter(row, km=km, hours=None, source="fuel", by=by, at=moment)
    audit.record(by, "assets.fuel", f"assets.fill:{made.pk}", odd=odd)
    return made


def strange(row: Asset, volume: int, metres: int | None, at: datetime, *, full: bool = True) -> list[str]:
    """What is odd about a fill that is not yet kept; names of ODD."""
    found = []
    fills = Fill.objects.filter(asset=row, struck=False)
    if row.tank and volume > row.tank * 1000 * TANK_MORE:
        found.append("tank")
    if metres is not None:
        if metres < row.said_metres:
            found.append("back")
        elif row.said_metres and metres - row.said_metres > 1000 * _most_km(row, at):
            found.append("far")
    if fills.filter(at__gt=at - WITHIN, at__lt=at + WITHIN).exists():
        found.append("twice")
    if full and metres is not None and not found:
        usual, burns = _burned(row, at, volume, metres)
        if usual and burns and not FEW * usual <= burns <= MANY * usual:
            found.append("burns")
    return found


def _most_km(row: Asset, at: datetime) -> float:
    """What it may have gone since its meter was read last."""
    last = Reading.objects.filter(asset=row).exclude(metres=None).order_by("-at", "-pk").values_list("at", flat=True)
    since = at - (last.first() or row.created)
    return max(KM_AT_LEAST, KM_A_DAY * since / timedelta(days=1))


def _burned(row: Asset, at: datetime, volume: int, metres: int) -> tuple[float | None, float | None]:
    """(the median of what it burned from one full tank to the next, what it burned until this one): millilitres a metre; None where that is
    not known. What was put in between two full tanks was burned too; where the odometer was wrong between them, nothing is known."""
    rows = list(
        Fill.objects.filter(asset=row, struck=False, at__lt=at)
        .order_by("-at", "-pk")
        .values_list("volume", "metres", "full", "odd")[: 4 * USUAL]
    )
    burned: list[float | None] = []
    start, since, known = None, 0, True
    for one, odometer, full, odd in [*reversed(rows), (volume, metres, True, [])]:
        since += one
        if {"back", "far"} & set(odd):
            known = False
        elif full and odometer is not None:
            burned.append(since / (odometer - start) if known and start is not None and odometer > start else None)
            start, since, known = odometer, 0, True
    usual = [one for one in burned[:-1] if one is not None][-USUAL:]
    return (median(usual) if len(usual) >= LEAST else None), burned[-1]


@transaction.atomic
def settle(fill: int, *, strike: bool, by: Actor) -> Fill:
    """What is strange was looked at; strike: it was a mistake, and counts no more. Raises Denied."""
    asset = Fill.objects.values_list("asset", flat=True).get(pk=fill)
    row = locked(asset)
    access.require(by, MANAGE, zone=row.zone_id)
    one = Fill.objects.get(pk=fill)
    one.seen, one.struck = True, one.struck or strike
    one.save(update_fields=["seen", "struck"])
    audit.record(by, "assets.settle", f"assets.fill:{one.pk}", struck=one.struck)
    return one


@transaction.atomic
def change_meter(asset: int, *, km: int | None = None, hours: int | None = None, by: Actor) -> Asset:
    """A meter was changed, or typed wrong: it counts from there. Only who manages. Raises Refused, Denied."""
    row = locked(asset)
    access.require(by, MANAGE, zone=row.zone_id)
    if (
        (km is None and hours is None)
        or not 0 <= (km or 0) * 1000 <= MOST_METRES
        or not 0 <= (hours or 0) <= MOST_HOURS
    ):
        raise Refused(_("Give the kilometres or the hours."))
    before = (row.metres, row.minutes)
    if km is not None:
        row.metres = row.said_metres = km * 1000
    if hours is not None:
        row.minutes = hours * 60
    row.save(update_fields=["metres", "said_metres", "minutes"])
    Reading.objects.create(
        asset=row, metres=None if km is None else row.metres, minutes=None if hours is None else row.minutes, source="changed",
        account=by.account,
    )  # fmt: skip
    # Plans count from where the meters now stand, with as much left as they had.
    row.plans.filter(active=True).update(
        last_metres=F("last_metres") + row.metres - before[0], last_minutes=F("last_minutes") + row.minutes - before[1]
    )
    audit.record(by, "assets.change_meter", f"assets.asset:{row.pk}", before=before, after=(row.metres, row.minutes))
    return row
