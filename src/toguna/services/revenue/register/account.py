"""How a taxpayer stands: bills with what each was made of, payments, plans. Read by the town and by the taxpayer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.kernel import text
from toguna.services.revenue.models import Base, Taxed, Taxpayer
from toguna.services.revenue.register import reads

MOST = 60
YEARLY = {"mois": 12, "jours": 1}  # what is shown of a price: a year of months, one day


@dataclass(frozen=True)
class Shown:
    """A bill for people. about: the thing it is for; late: days since it was due, 0 before."""

    bill: ledger.Bill
    lines: list[ledger.BillLine]
    plan: list[Any]
    about: Taxed | None
    late: int

    @property
    def open(self) -> bool:
        return bool(self.bill.left)


def bills(taxpayer: Taxpayer, most: int = MOST) -> list[Shown]:
    """What is owed first, the oldest due first; then what is settled, the newest first. Four statements."""
    rows = list(
        reads.bills_of(taxpayer)
        .prefetch_related(Prefetch("lines", ledger.BillLine.objects.order_by("number")), "instalments")
        .order_by("-due", "-pk")[:most]
    )
    codes = [one.about for one in rows if one.about_kind == "taxed"]
    things = {one.code: one for one in Taxed.objects.filter(code__in=codes).select_related("base")}
    today = timezone.localdate()
    shown = [
        Shown(one, list(one.lines.all()), list(one.instalments.all()), things.get(one.about), max(0, (today - one.due).days) if one.left else 0)
        for one in rows
    ]  # fmt: skip
    return sorted(shown, key=lambda one: (not one.open, one.bill.due if one.open else date.max))


@dataclass(frozen=True)
class Paid:
    """number: of its receipt; void: why it was taken back, "" when it was not."""

    payment: ledger.Payment
    number: str

    @property
    def how(self) -> str:
        """In cash, or by which company, and where."""
        way = ledger.way_title(self.payment.method)
        return way if self.payment.desk.name in (self.payment.method, way) else f"{way} · {self.payment.desk.name}"


def payments(taxpayer: Taxpayer, most: int = MOST) -> list[Paid]:
    """The newest first. One statement, beside that of the payers."""
    rows = (
        ledger.Payment.objects.filter(payer__in=reads.payers_of(taxpayer)).select_related("desk").order_by("-at", "-pk")
    )
    return [Paid(one, ledger.receipt_number(one)) for one in rows[:most]]


@dataclass(frozen=True)
class Explained:
    """A thing that is taxed and why. measures: ("Surface in m²", "4.5"); price: as the tariff has it for a year, or one day;
    law: the act."""

    thing: Taxed
    measures: list[tuple[str, str]]
    lines: tuple[Any, ...]
    total: int | None
    law: str
    missing: str = ""


def explained(things: list[Taxed], on: date | None = None) -> list[Explained]:
    """Why each is taxed, by the tariff that holds."""
    tariffs = {slug: ledger.tariff(slug, on) for slug in {one.base.tariff for one in things}}
    found = []
    for thing in things:
        tariff, quote, missing = tariffs[thing.base.tariff], None, ""
        if tariff is not None:
            try:
                quote = reads.quoted(thing, YEARLY, on, tariff)
            except ledger.Missing as error:
                missing = str(error)
        found.append(
            Explained(
                thing, measures(thing), quote.lines if quote else (), quote.total if quote else None, tariff.law if tariff else "", missing
            )
        )  # fmt: skip
    return found


def measures(thing: Taxed) -> list[tuple[str, str]]:
    """(what is measured, how much)."""
    asks = {ask["name"]: text.pick(ask["titles"]) for ask in thing.base.asks}
    return [(asks.get(name, name), value) for name, value in thing.measures.items()]


def by_the_day(base: Base) -> bool:
    return base.every == Base.Every.DAY
