"""What a pick-up costs, and how the price is shared: the household owes it to the town, the town owes the pre-collector their part."""

from __future__ import annotations

import logging
import uuid
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Case, QuerySet, When
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, events, limits, money, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.waste import households
from toguna.services.waste.models import Household, PayOut, PickUp, PickUpKind, PreCollector, Subscription, WastePlace
from toguna.services.waste.orders.events import MonthBilled

log = logging.getLogger("toguna.waste")
_KEYS = uuid.UUID("7f0cf8a2-0d2e-4bb3-8a74-2c6f0c1d9e51")
EXPENSE, PAYABLE, REWARDS = "621", "401", "6583"
INCOME = "7068"
DAYS = 7  # to pay a bill
MOST_OWED = 50  # bills that are looked at when a household pays
ORDER_DAY = 5  # of the month, on which a standing order is asked for
WEEKS_A_MONTH = (52, 12)
# code: (kind, SYSCOHADA, M14, French, Portuguese, English)
ACCOUNTS = {
    EXPENSE: ("expense", "621", "611", "Pré-collecte confiée à des tiers", "Pré-coleta confiada a terceiros", "Pre-collection done by others"),
    PAYABLE: ("liability", "4011", "4011", "Pré-collecteurs et boutiques à payer", "Pré-coletores e lojas a pagar", "Owed to pre-collectors and shops"),
    REWARDS: ("expense", "6582", "6714", "Récompenses du tri", "Recompensas da triagem", "Rewards for sorting"),
}  # fmt: skip
WAYS = ("571", "552", "521")  # a pay-out leaves the safe, the mobile money account or the bank


def accounts() -> None:
    """Idempotent."""
    for code, (kind, syscohada, m14, fr, pt, en) in ACCOUNTS.items():
        ledger.account(code, kind, {"fr": fr, "pt": pt, "en": en}, syscohada, m14)


class NoPrice(Exception):
    """The town has not set this price; str() says so."""

    def __str__(self) -> str:
        return _("The town has not set the price of this yet.")


def price(
    slug: str, measure: str, size: int, *, zone: int | None, on: date | None = None
) -> tuple[ledger.Tariff, ledger.Quote]:
    """Raises NoPrice."""
    tariff = ledger.tariff(slug, on) if slug else None
    if tariff is None:
        raise NoPrice
    measures = dict.fromkeys(ledger.wanted(tariff.rule), 1) | ({measure: size} if measure else {})
    try:
        return tariff, ledger.quote(tariff, measures, zones=territory.chain(zone) if zone else ())
    except ledger.Missing as error:
        raise NoPrice from error


def once(
    kind: PickUpKind, size: int, *, zone: int | None, on: date | None = None
) -> tuple[ledger.Tariff, ledger.Quote]:
    """One pick-up. Raises NoPrice."""
    return price(kind.tariff, kind.measure, size, zone=zone, on=on)


def monthly(kind: PickUpKind, *, zone: int | None, on: date | None = None) -> tuple[ledger.Tariff, ledger.Quote]:
    """A month of a subscription. Raises NoPrice."""
    return price(kind.monthly, "", 1, zone=zone, on=on)


def lines(quote: ledger.Quote, income: str) -> list[ledger.Due]:
    return [ledger.Due(one.kind, one.words, one.amount, income) for one in quote.lines]


def part(kind: PickUpKind, collector: PreCollector | None, amount: int) -> int:
    """What of a price is the pre-collector's, minor units, rounded down."""
    percent = collector.share if collector is not None and collector.share is not None else kind.share
    return amount * percent // 100


def worth(row: PickUp) -> int:
    """What a pick-up brings, also one that a subscription has paid: a month's price by the pick-ups in a month. In one to three
    statements. 0 where a tariff is no longer there."""
    if row.subscription_id is None:
        return row.price
    try:
        _tariff, quote = monthly(row.kind, zone=row.zone_id, on=timezone.localdate(row.start))
    except NoPrice:
        return 0
    weeks, months = WEEKS_A_MONTH
    return quote.total * months // weeks


def bill(row: PickUp, *, by: Actor) -> ledger.Bill | None:
    """The bill of a pick-up, once; None within a subscription, which has its own each month."""
    if row.subscription_id is not None or row.tariff is None:
        return None
    _tariff, quote = price(row.tariff.slug, row.kind.measure, row.size, zone=row.zone_id, on=row.tariff.since)
    today = timezone.localdate()
    return ledger.issue(
        households.payer_of(row.household), lines(quote, row.tariff.income.code), key=f"waste:{row.code}",
        due=today + timedelta(days=DAYS), by=by, words=text.pick(row.kind.titles), tariff=row.tariff, about=("waste", row.code),
    )  # fmt: skip


def month_bill(row: Subscription, month: date, *, by: Actor) -> ledger.Bill:
    """The bill of a month of a subscription, once. In the caller's transaction. Raises NoPrice."""
    zone = row.household.zone_id
    tariff, quote = monthly(row.kind, zone=zone, on=month)
    made = ledger.issue(
        households.payer_of(row.household), lines(quote, tariff.income.code), key=f"waste-sub:{row.code}:{month:%Y-%m}",
        due=max(month, timezone.localdate()) + timedelta(days=DAYS), by=by, tariff=tariff, about=("waste", row.code),
        words=f"{text.pick(row.kind.titles)} {month:%m/%Y}",
    )  # fmt: skip
    events.publish(MonthBilled(row.pk, made.pk, f"{month:%m/%Y}"))
    return made


def bills_of(home: Household) -> QuerySet[ledger.Bill]:
    """What a household owes or has paid for waste: what is to be paid first, then the newest."""
    rows = ledger.Bill.objects.filter(payer=home.payer_id, about_kind="waste").exclude(payer=None)
    return rows.order_by(Case(When(state="open", then=0), default=1), "-due", "-pk")


def owed_at(address: str) -> list[ledger.Bill] | None:
    """What the household of a telephone owes, the oldest due first; None where there is none. Two statements."""
    home = households.by_address(address)
    return list(bills_of(home).filter(state="open").order_by("due", "pk")[:MOST_OWED]) if home is not None else None


def ringing_way(address: str) -> ledger.Way | None:
    """A way to pay that rings that telephone, None when the town has none, or it is no telephone."""
    return next(iter(ledger.ringing_ways(address)), None)


def ring(home: Household, bill: ledger.Bill | None, *, key: str, language: str) -> None:
    """The household's own telephone rings to pay a bill, where a way to pay does that, once for the key. What cannot be asked is paid by
    the link, or by PAY."""
    way = ringing_way(home.address)
    if way is None or bill is None or not bill.left:
        return
    try:
        with translation.override(language):
            ledger.ask_payment(
                way.slug, bill.left, bills=[bill.pk], phone=home.address, by=SYSTEM, client_id=uuid.uuid5(_KEYS, key)
            )
    except (ledger.Unaskable, ledger.Unset, limits.TooMany) as error:
        log.info("bill %s: no payment was asked for: %s", bill.reference, error)


def pay_by_itself(row: Subscription, *, by: Actor = SYSTEM) -> ledger.StandingOrder:
    """A standing order on the household's own telephone, for a month of the subscription at most. by: SYSTEM where the telephone itself
    asks, else who has logged in with its number. Raises ledger.Refused, where no way rings a telephone too; NoPrice; Denied."""
    home = row.household
    way = ringing_way(home.address)
    if way is None:
        raise ledger.Refused(_("The town has no way yet that asks your telephone to pay."))
    _tariff, quote = monthly(row.kind, zone=home.zone_id)
    payer = households.payer_of(home).pk
    # One that ended stays in the book: another begins, under a key of its own.
    before = ledger.orders_of(payer).filter(key__startswith=_order_key(row), ended__isnull=False).count()
    return ledger.subscribe(
        payer, way.slug, home.address, day=ORDER_DAY, most=quote.total, key=f"{_order_key(row)}{f':{before}' if before else ''}", by=by,
        language=home.language,
    )  # fmt: skip


def _order_key(row: Subscription) -> str:
    return f"waste-sub:{row.code}"


def order_of(row: Subscription) -> ledger.StandingOrder | None:
    """The standing order of a subscription, while it holds."""
    if row.household.payer_id is None:
        return None
    return ledger.orders_of(row.household.payer_id).filter(key__startswith=_order_key(row), ended=None).first()


def asked_by_itself(home: Household) -> bool:
    """Whether a standing order asks a telephone for what it owes, be it of a subscription or of its own."""
    return home.payer_id is not None and ledger.orders_of(home.payer_id).filter(ended=None).exists()


def end_order(row: Subscription, why: str, *, by: Actor = SYSTEM) -> None:
    """The standing order that came with a subscription ends. Raises Denied."""
    if (order := order_of(row)) is not None:
        ledger.unsubscribe(order.pk, why=why, by=by)


def owe(row: PickUp, collector: PreCollector, amount: int, *, by: Actor) -> None:
    """The town owes the pre-collector their part of a pick-up, once."""
    if amount <= 0:
        return
    ledger.post(
        "waste-share", [ledger.Leg(EXPENSE, amount), ledger.Leg(PAYABLE, -amount, payee(collector).pk)], key=f"waste-share:{row.code}",
        by=by, about=("waste", row.code),
    )  # fmt: skip


def payee(collector: PreCollector) -> ledger.Payer:
    if collector.payer is None:
        collector.payer = ledger.payer(collector.name)
        PreCollector.objects.filter(pk=collector.pk).update(payer=collector.payer)
    return collector.payer


def owed_to(payer: int | None) -> int:
    """What the town owes a pre-collector or a shop now."""
    return -ledger.balance(PAYABLE, payer=payer) if payer else 0


@transaction.atomic
def pay_out(
    amount: int, *, way: str, client_id: uuid.UUID, by: Actor, collector: PreCollector | None = None,
    place: WastePlace | None = None, payer: int | None = None, note: str = "",
) -> PayOut:  # fmt: skip
    """Writes that a pre-collector, or a shop, was paid; the same client_id again is the same. Raises ledger.Refused, Denied."""
    if collector is not None:
        access.require_each(by, "waste.set_up", [zone.pk for zone in collector.zones.all()])
    else:
        access.require(by, "waste.set_up", zone=place.zone_id if place is not None else None)
    whom = payee(collector).pk if collector is not None else payer
    if whom is None or way not in WAYS:
        raise ledger.Refused(_("Say whom you paid, and how."))
    ledger.Payer.objects.select_for_update().get(pk=whom)  # two pay-outs at once do not pay the same franc
    before = PayOut.objects.filter(client_id=client_id).first()
    if before is not None:
        return before
    if not 0 < amount <= owed_to(whom):
        raise ledger.Refused(
            _("The town owes them %(amount)s: no more can be paid.") % {"amount": money.shown(owed_to(whom))}
        )
    entry = ledger.post(
        "waste-payout",
        [ledger.Leg(PAYABLE, amount, whom), ledger.Leg(way, -amount)],
        key=f"waste-payout:{client_id}",
        by=by,
        words=note,
    )
    made = PayOut.objects.create(
        client_id=client_id, collector=collector, place=place, amount=amount, way=way, note=text.clean(note)[:200],
        entry=entry, account=by.account,
    )  # fmt: skip
    audit.record(by, "waste.pay_out", f"waste.payout:{made.pk}", amount=amount)
    return made


def forgive(bill: ledger.Bill, why: str, *, by: Actor) -> None:
    """A pick-up that was badly done is not owed; what was paid stays with the household, for the next one. The caller has checked that
    it is a head of the service, who need not be of the cash desks."""
    ledger.cancel(bill.pk, reason=why, by=by.as_town())


def owed_in_all() -> int:
    """What the town owes to pre-collectors and shops together."""
    accounts()
    return -ledger.balance(PAYABLE)
