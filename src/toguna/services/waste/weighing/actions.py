"""A scale's signed reading makes a charge at the tariff that held on its day; what is not believed is kept, with why.

Telemetry has checked the signature, the number, the clock and the place before it says `SignedReading`: a reading that was altered,
sent again, or from a scale that was moved comes as `ReadingRefused`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, events, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.events import Event
from toguna.services.waste import households
from toguna.services.waste.models import Household, Material, Scale, ScaleCount, WastePlace, Weighing

WEIGHT, CARD = "weight", "card"  # quantities: kilogrammes, and the number of the card that was shown
DAYS = 15  # to pay what was weighed
MOST_KILOS = 1e12  # that a message which is not believed may claim
METRES = 100  # beyond, the scale was moved
Why = Weighing.Why
REASONS = {
    "signature": Why.SIGNATURE, "replay": Why.REPLAY, "range": Why.RANGE, "moved": Why.MOVED, "jump": Why.MOVED, "clock": Why.CLOCK,
    "unreadable": Why.FORM,
}  # fmt: skip


@dataclass(frozen=True)
class Weighed(Event):
    """A weighing was taken."""

    weighing: int


class Refused(Exception):
    """It cannot be; str() says why."""


@dataclass(frozen=True)
class Told:
    """What is said of a scale. least, most: grammes; tariff: a slug of the ledger, "" for none."""

    name: str
    place: WastePlace
    tariff: str = ""
    material: Material | None = None
    least: int = 100
    most: int = 150_000
    active: bool = True


@transaction.atomic
def save(row: Scale | None, told: Told, *, by: Actor) -> Scale:
    """Registers or changes a scale, and its device: signed, fixed where its place is. Raises Refused, Denied."""
    access.require(by, "waste.set_up", zone=told.place.zone_id)
    if not text.clean(told.name) or not 0 < told.least < told.most:
        raise Refused(_("Give it a name, and the least and most that it weighs."))
    if told.tariff:
        tariff = ledger.tariff(told.tariff)
        if tariff is None or ledger.wanted(tariff.rule) != ["kg"]:
            raise Refused(_("This tariff is not one by kg."))
    code = row.code if row else codes.make(5)
    device = telemetry.register_device(
        f"scale-{code.lower()}", "http",
        telemetry.Told(
            name=text.clean(told.name)[:80], kind="scale", service="waste", ref=f"scale:{code}", zone=told.place.zone_id, signed=True,
            lon=told.place.point.x, lat=told.place.point.y, stays=METRES,
        ),
        by=SYSTEM,
    )  # fmt: skip
    row = row or Scale(code=code)
    row.device, row.name, row.place, row.tariff = device.pk, text.clean(told.name)[:80], told.place, told.tariff
    row.material, row.least, row.most, row.active = told.material, told.least, told.most, told.active
    row.save()
    audit.record(by, "waste.scale", f"waste.scale:{row.pk}", tariff=told.tariff)
    return row


def key_of(row: Scale) -> tuple[str, str]:
    """(name, key) with which the scale signs."""
    device = telemetry.devices(service="waste", refs=[f"scale:{row.code}"]).get()
    return device.code, telemetry.key_of(device)


def on_reading(event: telemetry.SignedReading) -> None:
    """Reaction: once for each number of the scale. One that comes under a number that was taken at another moment is kept, and charges
    nothing: who looks at the desk can say that its count began anew."""
    if event.service != "waste" or event.quantity != WEIGHT:
        return
    # Locked: who says meanwhile that its count began anew sees this one, or is seen.
    scale = Scale.objects.select_for_update().filter(device=event.device).first()
    at, number = datetime.fromisoformat(event.at), event.seq if event.seq >= 0 else None
    if scale is None or Weighing.objects.filter(scale=scale, number=number, at=at).exists():
        return
    row = Weighing(
        scale=scale, number=number, series=scale.counts.filter(since__lte=at).count(), at=at, grammes=round(event.value * 1000),
        material=scale.material, place=scale.place, zone_id=scale.place.zone_id,
    )  # fmt: skip
    _take(row)


def _take(row: Weighing) -> None:
    """Takes it, or keeps it with why."""
    card = _card(row)
    if card is not None:
        row.household = _whose(card)
    row.why = _why(row.scale, row, carded=card is not None)
    row.save()
    if not row.why:
        _charge(row)
        audit.record(SYSTEM, "waste.weigh", f"waste.weighing:{row.pk}", grammes=row.grammes)
        events.publish(Weighed(row.pk))


def _card(row: Weighing) -> int | None:
    """The number of the card that was shown with it."""
    assert row.at is not None
    shown = telemetry.readings(row.scale.device, CARD, row.at, row.at + timedelta(milliseconds=1))
    number = -1 if row.number is None else row.number
    return next((round(one.value) for one in shown if one.seq == number), None)


def begun_anew(scale: Scale) -> list[Weighing]:
    """What came under numbers that were used before, of other weights or cards, since the first of these: oldest first. [] when nothing
    says that its count began anew. What telemetry did not believe is not among them, nor what a scale repeats with a new time."""
    series = scale.counts.count()
    ours = Weighing.objects.filter(scale=scale, series=series).alias(whose=Coalesce("household", 0))
    used = ours.filter(number=OuterRef("number"), why=Why.NONE)
    same = used.filter(whose=OuterRef("whose"), grammes=OuterRef("grammes"))
    found = ours.filter(Exists(used.filter(at__lt=OuterRef("at"))), ~Exists(same), why=Why.REPLAY, refused=None)
    return list(found.select_related("household").order_by("at", "number"))


@transaction.atomic
def count_anew(code: str, *, by: Actor) -> list[Weighing]:
    """Somebody looked: the scale was replaced or reset. What was kept since for its number is judged anew, and taken once; it is returned.
    Raises Refused, Denied."""
    scale = Scale.objects.select_for_update().get(code=code)
    access.require(by, "waste.set_up", zone=scale.place.zone_id)
    kept = begun_anew(scale) if scale.active else []
    if not kept or kept[0].at is None:
        raise Refused(_("Nothing that it sent says that its count began anew."))
    before, since = scale.counts.count(), kept[0].at
    ScaleCount.objects.create(scale=scale, since=since, account=by.account)
    # What was taken since, of numbers that the old count had not used, is of the new one.
    Weighing.objects.filter(scale=scale, series=before, why=Why.NONE, at__gte=since).update(series=before + 1)
    for row in kept:
        row.scale, row.series = scale, before + 1
        _take(row)
    audit.record(
        by, "waste.scale_count", f"waste.scale:{scale.pk}", since=since.isoformat(), weighings=[row.pk for row in kept]
    )
    return kept


def _whose(number: int) -> Household | None:
    code = households.code_of(number)
    return (
        Household.objects.filter(code=code).exclude(address="").select_related("person", "payer", "zone").first()
        if code
        else None
    )


def _why(scale: Scale, row: Weighing, *, carded: bool) -> Why:
    if not scale.active:
        return Why.OFF
    if row.number is None:
        return Why.NUMBER
    if Weighing.objects.filter(scale=scale, series=row.series, number=row.number, why=Why.NONE).exists():
        return Why.REPLAY
    if row.grammes is None or not scale.least <= row.grammes <= scale.most:
        return Why.RANGE
    if carded and row.household is None:
        return Why.CARD
    if (
        scale.tariff
        and row.household is not None
        and row.at is not None
        and ledger.tariff(scale.tariff, timezone.localdate(row.at)) is None
    ):
        return Why.TARIFF
    return Why.NONE


def kilos(grammes: int) -> str:
    """ "12.5": as tariffs and people count."""
    return format((Decimal(grammes) / 1000).normalize(), "f")


def _charge(row: Weighing) -> None:
    """The bill, once, at the price of the day on which it was weighed."""
    if not row.scale.tariff or row.household is None or row.at is None or row.grammes is None:
        return
    day = timezone.localdate(row.at)
    tariff = ledger.tariff(row.scale.tariff, day)
    assert tariff is not None
    zones = territory.chain(row.zone_id) if row.zone_id else ()
    quote = ledger.quote(tariff, {"kg": kilos(row.grammes)}, zones=zones)
    if quote.total <= 0:
        return
    lines = [ledger.Due(one.kind, one.words, one.amount, tariff.income.code) for one in quote.lines]
    # By its moment too: a count that began anew uses its numbers again.
    key = f"waste-kg:{row.scale.code}:{row.number}:{row.at.timestamp():.6f}"
    row.bill = ledger.issue(
        households.payer_of(row.household), lines, key=key, due=timezone.localdate() + timedelta(days=DAYS), by=SYSTEM, tariff=tariff,
        about=("waste", f"{row.scale.code}-{row.number}"), words=text.pick(tariff.titles),
    )  # fmt: skip
    row.price = quote.total
    row.save(update_fields=["bill", "price"])


def on_refused(event: telemetry.ReadingRefused) -> None:
    """Reaction: what telemetry did not believe of our scales is in our list too, with why."""
    if event.service != "waste" or not event.ref.startswith("scale:"):
        return
    scale = Scale.objects.select_related("place").filter(device=event.device).first()
    if scale is None:
        return
    why, said = REASONS.get(event.reason, Why.OFF), telemetry.refused_said(event.refused)
    row = Weighing(scale=scale, place=scale.place, zone_id=scale.place.zone_id, refused=event.refused)
    if len(said) == 1:  # what it claims is shown beside why; of several together nobody knows which it was
        one = said[0]
        row.number = one.seq if one.seq >= 0 else None
        row.grammes = _grammes(one.values.get(WEIGHT))
        row.at = _moment(one.at)
        card = one.values.get(CARD)
        row.household = _whose(round(card)) if card is not None and 0 <= card < MOST_KILOS else None
        if why == Why.MOVED and (one.lat is None or one.lon is None or one.lat == one.lon == 0):
            why = Why.NOWHERE
    row.why = why
    row.save()


def _grammes(kilos: float | None) -> int | None:
    return round(kilos * 1000) if kilos is not None and abs(kilos) < MOST_KILOS else None


def _moment(at: float | None) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at is not None and 0 < at < 4e9 else None


def example(row: Scale) -> str:
    """What this scale sends, but for its signature: 12.4 kg of a card that nobody has."""
    said = {
        "at": timezone.now().astimezone(UTC).isoformat(timespec="seconds"), "seq": 1, "weight": 12.4, "card": 2536548107,
        "lat": round(row.place.point.y, 5), "lon": round(row.place.point.x, 5),
    }  # fmt: skip
    return json.dumps(said)
