"""Whose a taxpayer's profile is, and what they are told in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, codes, text
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Objection, PlanWish, Taxed, Taxpayer
from toguna.services.revenue.register import numbers
from toguna.services.revenue.register import reads as register

MOST = 10


def theirs(person: int | None) -> QuerySet[Taxpayer]:
    """The taxpayers of a person: those that the register says are them, and those whose telephone they have proved to hold."""
    if person is None:
        return Taxpayer.objects.none()
    proved = people.Contact.objects.filter(person=person, kind="phone", lost=None).exclude(verified=None)
    return Taxpayer.objects.filter(Q(person=person) | Q(phone__in=proved.values("value")), active=True).order_by("pk")


def at(phone: str) -> list[Taxpayer]:
    """The taxpayers whose telephone this is: what is answered goes to that telephone, whoever wrote."""
    return list(Taxpayer.objects.filter(phone=phone, active=True).order_by("pk")[:MOST]) if phone else []


def owner(actor: Actor, number: str) -> Taxpayer | None:
    """The taxpayer with that number, when it is theirs; nobody else learns that it is there."""
    return theirs(actor.person).filter(number=codes.read(number)).first()


def balances(taxpayers: QuerySet[Taxpayer]) -> list[tuple[Taxpayer, int]]:
    """(taxpayer, what is left to pay, minor units), with those who were joined to them. Two statements."""
    of: dict[int, Taxpayer] = {}
    rows = Taxpayer.objects.filter(
        Q(pk__in=taxpayers.values("pk")) | Q(merged_into__in=taxpayers.values("pk"))
    ).order_by("pk")
    mains = {row.pk: row for row in rows if row.active}
    for row in rows:
        of[row.payer_id] = mains[row.merged_into_id or row.pk]
    found = dict.fromkeys(mains, 0)
    for payer, balance in ledger.balances_of(of).items():
        found[of[payer].pk] += balance.owed - balance.ahead
    return [(mains[pk], left) for pk, left in found.items()]


def open_bills(taxpayer: Taxpayer) -> list[ledger.Bill]:
    """What is to be paid, the oldest due first."""
    return list(register.bills_of(taxpayer).filter(state=ledger.Bill.State.OPEN)[:200])


@dataclass(frozen=True)
class Owes:
    """Who owes with a telephone: a taxpayer, or what another room asks of it (key "+" and its name). left: minor units."""

    key: str
    name: str
    left: int
    bills: list[ledger.Bill]


def owes(address: str) -> list[Owes]:
    """Everything that is asked of a telephone, each bill once: a taxpayer's pick-ups are among their own bills already."""
    found = [Owes(row.number, row.name, register.balance(row).left, open_bills(row)) for row in at(address)]
    named = {bill.pk for one in found for bill in one.bills}
    for room, bills in ledger.owing(address):
        rest = [bill for bill in bills if bill.pk not in named]
        found.append(Owes(f"+{room.name}", str(room.title), sum(bill.left for bill in rest), rest))
    return found


def paid_first(rows: Sequence[ledger.Bill], amount: int) -> list[ledger.Bill]:
    """The bills that an amount pays, the oldest due first; all of one payer of the ledger, since a payment is one payer's."""
    rows = [one for one in rows if one.payer_id == rows[0].payer_id and one.currency == rows[0].currency]
    found: list[ledger.Bill] = []
    for one in rows:
        if found and sum(bill.left for bill in found) >= amount:
            break
        found.append(one)
    return found


@dataclass(frozen=True)
class Registered:
    """What anybody may know: nobody's name, no amount. what: the tax, or "" for a taxpayer as a whole; trade: of a business."""

    code: str
    what: str
    trade: str
    district: str
    since: str
    gone: bool = False


def registered(typed: str) -> list[Registered]:
    """Whether the number of a taxpayer, the code of a thing or the plate of a vehicle is in the register. Empty: it is not."""
    code, plate = codes.read(typed[:20]), numbers.plate(typed[:20])
    if len(plate) < 4:
        return []
    things: list[Taxed] = []
    if len(code) == numbers.TAXED and len(plate) == numbers.TAXED:
        things = list(Taxed.objects.filter(code=code).select_related("base").prefetch_related("parts__taxpayer"))
    if not things and len(code) == numbers.TAXPAYER and (row := register.by_number(code)) is not None and row.active:
        trade = row.trade if row.kind == Taxpayer.Kind.BUSINESS else ""
        return [Registered(row.number, "", trade, _zone(row.zone_id), f"{row.created.year}")]
    if not things:
        things = list(
            Taxed.objects.filter(plate=plate)
            .exclude(state="gone")
            .select_related("base")
            .prefetch_related("parts__taxpayer")[:5]
        )
    return [_shown(one) for one in things]


def _shown(thing: Taxed) -> Registered:
    trades = [
        part.taxpayer.trade
        for part in thing.parts.all()
        if part.taxpayer.trade and part.taxpayer.kind == Taxpayer.Kind.BUSINESS
    ]
    return Registered(
        thing.code, text.pick(thing.base.titles), trades[0] if trades else "", _zone(thing.zone_id), f"{thing.since.year}",
        gone=thing.state == Taxed.State.GONE,
    )  # fmt: skip


def _zone(pk: int | None) -> str:
    found = territory.zone(pk)
    return found.name if found else ""


def numbers_of_desk(actor: Actor) -> list[tuple[Any, Any, str]]:
    """What waits for an answer, where they may see it. Two statements."""
    within = {} if access.zones(actor, "revenue.read") is None else {"taxpayer__in": register.taxpayers(actor)}
    address = reverse("desk-objections")
    return [
        (_("Contested"), Objection.objects.filter(state=Objection.State.OPEN, **within).count(), address),
        (_("Plans asked"), PlanWish.objects.filter(state=PlanWish.State.OPEN, **within).count(), address),
    ]
