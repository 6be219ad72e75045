"""Fees that are taken on the day, without a bill before: the price of a stall for today, of a passing seller, of a head of cattle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import money, text, town
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Base, Collector, Taxed, Taxpayer

MOST_UNITS = 20  # heads of cattle, square metres: what is offered to be touched


@dataclass(frozen=True)
class Offer:
    """What a passing seller may be asked. amount: minor units."""

    words: str
    measures: dict[str, str]
    amount: int


def daily() -> list[tuple[Base, ledger.Tariff]]:
    """What is taken by the day, and its tariff that holds."""
    found = []
    for base in Base.objects.filter(active=True, every=Base.Every.DAY):
        if (row := ledger.tariff(base.tariff)) is not None:
            found.append((base, row))
    return found


def _one_day(row: ledger.Tariff, measures: Mapping[str, Any]) -> dict[str, Any]:
    """What is measured, for one day."""
    times = row.rule.get("times")
    return {**measures, **({times: 1} if times else {})}


def price(row: ledger.Tariff, thing: Taxed) -> ledger.Quote | None:
    """Of one thing for one day; None when it is not measured, or the act says nothing of it."""
    zones = territory.chain(thing.zone_id) if thing.zone_id else ()
    exempt = [thing.exemption] if thing.exemption else []
    try:
        return ledger.quote(row, _one_day(row, thing.measures), zones=zones, exemptions=exempt)
    except ledger.Missing:
        return None


def offers(row: ledger.Tariff) -> list[Offer]:
    """What a seller who is in no register may be asked: each band of the tariff, or so many units."""
    rule, currency = row.rule, town.current().currency
    kind, by = rule.get("type"), str(rule.get("by") or "")
    if kind == "flat":
        wanted: list[tuple[str, dict[str, str]]] = [("", {})]
    elif kind == "band":
        wanted = [(f"≤ {upto} {by}", {by: str(upto)}) for upto, _amount in rule["bands"] if upto is not None]
        last = rule["bands"][-1][0] is None
        before = next((str(upto) for upto, _amount in reversed(rule["bands"]) if upto is not None), "0")
        if last:
            wanted.append((f"> {before} {by}", {by: str(ledger.number(before, by) + 1)}))
    else:
        wanted = [(f"{n} {by}", {by: str(n)}) for n in range(1, MOST_UNITS + 1)]
    found = []
    for words, measures in wanted:
        try:
            total = ledger.quote(row, _one_day(row, measures)).total
        except ledger.Missing:
            continue
        found.append(Offer(f"{words} · {money.shown(total, currency)}".removeprefix(" · "), measures, total))
    return found


def key_of(thing: Taxed, day: date) -> str:
    """Of the bill of a thing for a day: two collectors who pass issue one."""
    return f"fee:{thing.code}:{day.isoformat()}"


def bill_of(thing: Taxed, taxpayer: Taxpayer, day: date, *, by: Actor) -> ledger.Bill | None:
    """The bill of that day, made when it is not there; None when the tariff gives no price."""
    row = ledger.tariff(thing.base.tariff, day)
    quote = price(row, thing) if row is not None else None
    if row is None or quote is None or quote.total <= 0:
        return None
    lines = [ledger.Due(line.kind, line.words, line.amount, row.income.code) for line in quote.lines]
    return ledger.issue(
        taxpayer.payer, lines, key=key_of(thing, day), due=day, at=day, by=by, tariff=row, about=("taxed", thing.code),
        words=_("%(what)s, %(day)s") % {"what": text.pick(row.titles), "day": day.isoformat()},
    )  # fmt: skip


def passing(collector: Collector) -> ledger.Payer:
    """Who owes what sellers pay who are in no register: one payer for each collector, so that what they take is found again."""
    if collector.passing is None:
        made = ledger.payer(_("Passing sellers"))
        Collector.objects.filter(pk=collector.pk, passing=None).update(passing=made)
        collector.refresh_from_db(fields=["passing"])
    assert collector.passing is not None
    return collector.passing


def bill_of_passing(
    collector: Collector, base: Base, measures: Mapping[str, Any], amount: int, day: date, *, key: str, by: Actor
) -> tuple[ledger.Bill, int]:
    """(a bill of what was taken from somebody in no register, the price of the tariff or 0). What was taken is what is billed, so that
    nothing is left over for the next one."""
    row = ledger.tariff(base.tariff, day)
    if row is None:
        raise ledger.Refused(_("This fee has no tariff."))
    try:
        quote = ledger.quote(row, _one_day(row, measures))
    except ledger.Missing:
        quote = None
    asked = quote.total if quote else 0
    title = text.pick(row.titles)
    if quote is not None and asked == amount:
        lines = [ledger.Due(line.kind, line.words, line.amount, row.income.code) for line in quote.lines]
    else:
        lines = [ledger.Due("principal", title, amount, row.income.code)]
    made = ledger.issue(
        passing(collector),
        lines,
        key=f"fee:{key}",
        due=day,
        at=day,
        by=by,
        tariff=row,
        about=("base", base.slug),
        words=title,
    )
    return made, asked
