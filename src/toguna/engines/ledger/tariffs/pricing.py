"""What a tariff gives for what is measured, line by line. A rule is data:

    {"type": "flat", "amount": 5000}
    {"type": "unit", "by": "m2", "price": 500}                       by: the measure; price: minor units for one
    {"type": "band", "by": "m2", "bands": [[10, 5000], [null, 9000]]}  [up to and with, amount]; null: without end
    {"type": "steps", "by": "kg", "bands": [[100, 10], [null, 5]]}     each band's units at its own price

and with any of them: "least" and "most" (minor units), "round" (to a multiple, half upwards), "times" (the name of a measure that
multiplies, such as days), "zones" ({zone id: percent}), "exemptions" ([{"code", "words": {language: ...}, "percent"}]).
Measures are decimal numbers; nothing is computed with floating point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from babel.numbers import get_decimal_symbol
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.kernel import money, text

TYPES = ("flat", "unit", "band", "steps")
LARGEST = Decimal(10) ** 9
MOST = 10**12


class BadRule(ValueError):
    """The rule is no rule; str() says what is wrong, for a clerk."""


class Missing(ValueError):
    """A measure is missing or no number; `name` is which."""

    def __init__(self, name: str) -> None:
        super().__init__(_("Say a number for “%(what)s”.") % {"what": name})
        self.name = name


@dataclass(frozen=True)
class Step:
    """A line of a price. kind: as of a bill's line; amount: minor units, below zero for a rebate."""

    kind: str
    words: str
    amount: int


@dataclass(frozen=True)
class Quote:
    lines: tuple[Step, ...]
    measures: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


def wanted(rule: Mapping[str, Any]) -> list[str]:
    """The measures that a rule asks for, in its order."""
    return [str(rule[name]) for name in ("by", "times") if rule.get(name)]


def check(rule: Any) -> None:
    """Raises BadRule."""
    if not isinstance(rule, dict) or rule.get("type") not in TYPES:
        raise BadRule(_("Choose how the price is made: one price, by unit, by band, or by steps."))
    kind = rule["type"]
    if kind == "flat":
        _amount(rule.get("amount"))
    else:
        if not str(rule.get("by") or "").strip():
            raise BadRule(_("Say what is measured: m2, kg, head..."))
        if kind == "unit":
            _price(rule.get("price"))
        else:
            _bands(rule.get("bands"), whole=kind == "band")
    for name in ("least", "most", "round"):
        if rule.get(name) is not None:
            _amount(rule[name])
    if rule.get("least") is not None and rule.get("most") is not None and rule["least"] > rule["most"]:
        raise BadRule(_("The smallest price is above the largest."))
    zones = rule.get("zones") or {}
    if not isinstance(zones, dict) or not all(
        str(zone).isdecimal() and isinstance(percent, int) and 0 <= percent <= 1000 for zone, percent in zones.items()
    ):
        raise BadRule(_("A zone has a percentage from 0 to 1000."))
    for one in rule.get("exemptions") or []:
        if not isinstance(one, dict) or not one.get("code") or not isinstance(one.get("percent"), int):
            raise BadRule(_("An exemption has a name and a percentage."))
        if not 0 < one["percent"] <= 100:
            raise BadRule(_("An exemption takes off from 1 to 100 percent."))


def _amount(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise BadRule(_("An amount is a whole number of the smallest coin, from 0."))
    return value


def _price(value: Any) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or not 0 <= found <= MOST:
        raise BadRule(_("A price is a number, from 0."))
    return found


def _bands(bands: Any, *, whole: bool) -> None:
    if not isinstance(bands, list) or not bands:
        raise BadRule(_("Give one band at least, such as “10: 5000”."))
    last = Decimal(-1)
    for n, band in enumerate(bands):
        if not isinstance(band, list | tuple) or len(band) != 2:
            raise BadRule(_("A band is “up to: price”."))
        if band[0] is None:
            if n != len(bands) - 1:
                raise BadRule(_("Only the last band is without end."))
        elif (upto := _price(band[0])) <= last:
            raise BadRule(_("Bands go upwards: %(upto)s is not above the one before.") % {"upto": band[0]})
        else:
            last = upto
        _amount(band[1]) if whole else _price(band[1])


def number(value: Any, name: str) -> Decimal:
    """A measure as people type it: "12,5". Raises Missing."""
    try:
        found = Decimal(str(value).replace("\u202f", "").replace("\xa0", "").replace(" ", "").replace(",", "."))
    except InvalidOperation as error:
        raise Missing(name) from error
    if not found.is_finite() or not 0 <= found <= LARGEST:
        raise Missing(name)
    return found


def _rounded(value: Decimal, to: int = 1) -> int:
    return int((value / to).quantize(Decimal(1), ROUND_HALF_UP)) * to


UNITS = {"m2": "m²", "m3": "m³"}


def unit(measure: str) -> str:
    """A measure as people write it behind a number."""
    return UNITS.get(measure, measure)


def lead(words: str) -> str:
    """What stands before how a price is made, in the language of the moment: a colon is not written alike in all."""
    return _("%(words)s: %(said)s") % {"words": words, "said": ""}


def point() -> str:
    """What stands before decimals, in the language of the moment."""
    return str(get_decimal_symbol((get_language() or "fr").replace("-", "_")))


def _plain(value: Decimal) -> str:
    return format(value.normalize() if value else Decimal(0), "f").replace(".", point())  # nothing has no sign


def quote(
    rule: Mapping[str, Any], measures: Mapping[str, Any], currency: str, *, words: str, zones: Sequence[int] = (),
    exemptions: Sequence[str] = (), language: str | None = None,
) -> Quote:  # fmt: skip
    """What it costs. zones: in which it lies, the narrowest first; exemptions: their codes. Raises Missing, BadRule."""
    given = {name: number(measures.get(name, ""), name) for name in wanted(rule)}
    to = int(rule.get("round") or 1) or 1
    base, said = _base(rule, given, currency)
    value = base
    if times := rule.get("times"):
        value *= given[times]
        said += f" × {_plain(given[times])} {unit(times)}"
    amount = _rounded(value, to)
    lines = [Step("principal", f"{lead(words)}{said}"[:200], amount)]
    rates = rule.get("zones") or {}
    percent = next((rates[str(zone)] for zone in zones if str(zone) in rates), None)
    total = amount
    if percent is not None and percent != 100:
        changed = _rounded(Decimal(amount) * percent / 100, to)
        said = _("zone: %(percent)d %%") % {"percent": percent}
        lines.append(Step("principal" if changed >= total else "rebate", said, changed - total))
        total = changed
    for name, kept in (("least", max), ("most", min)):
        if rule.get(name) is not None and (bound := kept(total, int(rule[name]))) != total:
            said = _("at least") if name == "least" else _("at most")
            kind = "principal" if bound > total else "rebate"
            lines.append(Step(kind, f"{said} {money.shown(bound, currency)}", bound - total))
            total = bound
    for one in rule.get("exemptions") or []:
        if one["code"] in exemptions and total > 0:
            cut = min(total, _rounded(Decimal(total) * one["percent"] / 100))
            title = text.pick(one.get("words") or {"": one["code"]}, language)
            lines.append(Step("rebate", f"{title} (−{one['percent']} %)"[:200], -cut))
            total -= cut
    return Quote(tuple(line for n, line in enumerate(lines) if line.amount or n == 0), given)


def _base(rule: Mapping[str, Any], given: Mapping[str, Decimal], currency: str) -> tuple[Decimal, str]:
    """(minor units, how it is made)."""
    kind = rule["type"]
    if kind == "flat":
        return Decimal(rule["amount"]), money.shown(int(rule["amount"]), currency)
    by, bands = str(rule["by"]), rule.get("bands") or []
    measured = given[by]
    if kind == "unit":
        price = _price(rule["price"])
        return measured * price, f"{_plain(measured)} {unit(by)} × {_shown(price, currency)}"
    if kind == "band":
        for upto, amount in bands:
            if upto is None or measured <= _price(upto):
                return Decimal(amount), f"{_plain(measured)} {unit(by)} → {money.shown(int(amount), currency)}"
        raise Missing(by)  # beyond the last band: the act says nothing of it
    total, before, parts = Decimal(0), Decimal(0), []
    for upto, each in bands:
        end = measured if upto is None else min(measured, _price(upto))
        if end > before:
            total += (end - before) * _price(each)
            parts.append(f"{_plain(end - before)} {unit(by)} × {_shown(_price(each), currency)}")
            before = end
    if before < measured:
        raise Missing(by)
    return total, " + ".join(parts) or f"0 {unit(by)}"


def _shown(price: Decimal, currency: str) -> str:
    """A price for one unit, which may be less than the smallest coin."""
    if price == int(price):
        return money.shown(int(price), currency)
    return f"{_plain(price.scaleb(-money.exponent(currency)))} {currency}"
