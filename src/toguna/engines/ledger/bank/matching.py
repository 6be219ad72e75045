"""What a line of a statement is to us: cash that we brought, a transfer that pays bills, a provider's settlement, fees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from toguna.engines.ledger.bank.port import Line
from toguna.engines.ledger.models.bank import BankLine
from toguna.engines.ledger.models.desks import Voucher
from toguna.engines.ledger.providers import reading
from toguna.kernel import codes, text

Found = BankLine.Found
SHORTEST = 6  # characters of a code of ours, at the least
LATE = timedelta(days=15)  # how long a deposit takes at most to be seen by the bank
_FEES = re.compile(r"\b(frais|commissions?|agios?|fees?|charges?|tarifas?|comiss(ao|oes)|encargos)\b")


@dataclass(frozen=True)
class Match:
    """found: "" when nobody knows; voucher: the deposit; way: the provider; codes: short codes that stand in its words."""

    found: str
    voucher: Voucher | None = None
    way: str = ""


def codes_in(line: Line) -> list[str]:
    """What may be a short code of ours in the words of a line, the likeliest first: whole, or in two as our papers print it."""
    found = [one for part in (line.reference, line.words) for one in reading.words(part)]
    return [one for one in dict.fromkeys(found) if len(one) >= SHORTEST and codes.read(one) == one]


def deposit(line: Line) -> Voucher | None:
    """The deposit that this line is: by its reference, else the only one of its amount in the days before."""
    if line.amount <= 0:
        return None
    waiting = Voucher.objects.select_for_update(of=("self",)).filter(
        kind=Voucher.Kind.DEPOSIT, bank_line=None, currency=line.currency, amount=line.amount
    )
    for code in codes_in(line):
        if (named := waiting.filter(reference=code).first()) is not None:
            return named
    alike = list(waiting.filter(at__date__lte=line.day, at__date__gte=line.day - LATE)[:2])
    return alike[0] if len(alike) == 1 else None


def settlement(line: Line, names: dict[str, list[str]]) -> str:
    """The provider whose settlement this is, "" for none. names: {way: what the bank's words call it}."""
    if line.amount <= 0:
        return ""
    whole = f" {text.fold(f'{line.party} {line.reference} {line.words}')} "
    found = {way for way, called in names.items() for one in called if one and f" {text.fold(one)} " in whole}
    return found.pop() if len(found) == 1 else ""


def is_fee(line: Line) -> bool:
    return line.amount < 0 and bool(_FEES.search(text.fold(f"{line.reference} {line.words}")))
