"""Points of households: earned by the kilogramme that was sorted, spent for a code at a partner shop. An entry is only ever added, and
the household's sum is changed by one statement, the last but for the commit, that never goes below zero."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit, codes, limits
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.waste.models import (
    Household,
    Material,
    PointEntry,
    Reward,
    SortingCampaign,
    Voucher,
    WastePlace,
    Weighing,
)
from toguna.services.waste.orders.money import PAYABLE, REWARDS

GOOD_FOR = timedelta(days=60)  # a code at a shop
MOST_GRAMMES = 500_000  # of one household at once
TRIES = 10  # codes that one shop may mistype in an hour


class Refused(Exception):
    """It cannot be; str() says why, and what to do."""


def points(material: Material, grammes: int, campaign: SortingCampaign | None) -> int:
    times = campaign.times if campaign is not None else 100
    return grammes * material.points * times // 100_000


def running(zone: int | None, material: Material, day: date) -> SortingCampaign | None:
    """The campaign of a district on a day, the most generous first."""
    if zone is None:
        return None
    rows = SortingCampaign.objects.filter(zones=zone, since__lte=day, until__gte=day)
    return next((row for row in rows.order_by("-times", "pk") if row.material_id in (None, material.pk)), None)


def earn(
    home: Household, material: Material, grammes: int, *, key: str, by: Actor, place: WastePlace | None = None,
    weighing: Weighing | None = None, day: date | None = None,
) -> PointEntry | None:  # fmt: skip
    """What a household sorted counts, once for its key; None when it is worth nothing. Raises Refused."""
    before = PointEntry.objects.filter(key=key).first()
    if before is not None:
        return before
    if not 0 < grammes <= MOST_GRAMMES:
        raise Refused(_("Give a weight from 0 to %(most)d kg.") % {"most": MOST_GRAMMES // 1000})
    campaign = running(home.zone_id, material, day or timezone.localdate())
    try:
        with transaction.atomic():
            made = PointEntry.objects.create(
                key=key, household=home, points=points(material, grammes, campaign), material=material, grammes=grammes, place=place,
                zone_id=home.zone_id, weighing=weighing, campaign=campaign, account=by.account,
            )  # fmt: skip
            audit.record(by, "waste.points", f"waste.entry:{made.pk}", points=made.points, grammes=grammes)
            if made.points:
                Household.objects.filter(pk=home.pk).update(points=F("points") + made.points)
            return made
    except IntegrityError:
        return PointEntry.objects.get(key=key)


def enter(
    home: Household, material: Material, grammes: int, *, client_id: uuid.UUID, place: WastePlace | None, by: Actor
) -> PointEntry | None:
    """An agent at a sorting point weighed it. Raises Refused, Denied."""
    access.require(by, "waste.work", zone=place.zone_id if place is not None else home.zone_id)
    if not material.sorted or not material.active:
        raise Refused(_("This is not sorted waste."))
    return earn(home, material, grammes, key=f"desk:{client_id}", by=by, place=place)


@transaction.atomic
def redeem(home: Household, reward: Reward, *, client_id: uuid.UUID, by: Actor) -> Voucher:
    """Points for a code; the same client_id again is the same code. Raises Refused."""
    before = Voucher.objects.filter(client_id=client_id).first()
    if before is not None:
        return before
    if not reward.active:
        raise Refused(_("This reward is not offered any more."))
    entry = PointEntry.objects.create(
        key=f"redeem:{client_id}", household=home, points=-reward.points, zone_id=home.zone_id, account=by.account
    )
    made = Voucher.objects.create(
        code=codes.make(6),
        client_id=client_id,
        household=home,
        reward=reward,
        entry=entry,
        until=timezone.localdate() + GOOD_FOR,
    )
    audit.record(by, "waste.redeem", f"waste.voucher:{made.pk}", points=reward.points)
    if not Household.objects.filter(pk=home.pk, points__gte=reward.points).update(points=F("points") - reward.points):
        raise Refused(_("There are not enough points for it."))
    return made


def shop_at(phone: str) -> WastePlace | None:
    """The partner shop that sends from this telephone."""
    rows = WastePlace.objects.filter(kind=WastePlace.Kind.REWARD, phone=phone) if phone else WastePlace.objects.none()
    return rows.exclude(state="closed").first()


def use(typed: str, shop: WastePlace, *, by: Actor) -> tuple[Voucher, bool]:
    """A shop takes a code, once; the town owes it what it is worth. (voucher, True); the same shop again: nothing changes, and (voucher,
    False), for it gives the goods once. Raises Refused, limits.TooMany."""
    row = Voucher.objects.select_related("reward").filter(code=codes.read(typed)).first()
    if row is None:
        # Outside of any transaction: what is refused counts all the same.
        limits.hit("waste.voucher", str(shop.pk), at_most=TRIES, per=timedelta(hours=1))
        raise Refused(_("No voucher has this code. Check it letter by letter."))
    if row.used is not None and row.shop_id == shop.pk:
        return row, False
    with transaction.atomic():
        return _used(row, shop, by), True


def _used(row: Voucher, shop: WastePlace, by: Actor) -> Voucher:
    today = timezone.localdate()
    if row.reward.value:
        ledger.post(
            "waste-reward", [ledger.Leg(REWARDS, row.reward.value), ledger.Leg(PAYABLE, -row.reward.value, _payee(shop))],
            key=f"waste-voucher:{row.pk}:{shop.pk}", by=by, about=("waste", row.code),
        )  # fmt: skip
    audit.record(by, "waste.use_voucher", f"waste.voucher:{row.pk}", shop=shop.pk)
    if not Voucher.objects.filter(pk=row.pk, used=None, back=None, until__gte=today).update(
        used=timezone.now(), shop=shop
    ):
        raise Refused(_("This voucher was used already, or is too old."))
    row.refresh_from_db()
    return row


def _payee(shop: WastePlace) -> int:
    if shop.payer_id is None:
        made = ledger.payer(shop.name)
        WastePlace.objects.filter(pk=shop.pk).update(payer=made)
        shop.payer = made
    assert shop.payer_id is not None
    return int(shop.payer_id)


def expire(today: date | None = None) -> int:
    """Codes that nobody used give their points back. How many. Each alone: it may stop anywhere."""
    done = 0
    old = Voucher.objects.filter(used=None, back=None, until__lt=today or timezone.localdate()).select_related(
        "reward", "household"
    )
    for row in old.order_by("pk")[:500]:
        with transaction.atomic():
            entry, made = PointEntry.objects.get_or_create(
                key=f"back:{row.pk}",
                defaults={"household": row.household, "points": row.reward.points, "zone_id": row.household.zone_id},
            )
            if Voucher.objects.filter(pk=row.pk, used=None, back=None).update(back=entry) and made:
                Household.objects.filter(pk=row.household_id).update(points=F("points") + row.reward.points)
                audit.record(SYSTEM, "waste.voucher_back", f"waste.voucher:{row.pk}")
                done += 1
    return done


def sweep() -> None:
    expire()
