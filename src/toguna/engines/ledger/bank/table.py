"""A bank's CSV: each bank writes its own, so which heading means what is kept with the bank."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from django.utils.translation import gettext as _

from toguna.engines.ledger.bank.port import LARGEST, MOST, BadStatement, Line, Statement
from toguna.kernel import money
from toguna.kernel import text as words_of

# What a heading may stand for. amount, or credit and debit; balance: what is on the account after the movement.
MEANINGS = ("day", "amount", "credit", "debit", "reference", "words", "party", "bank_ref", "balance")
# Headings that we know without being told, folded.
_KNOWN = {
    "day": (
        "date",
        "date operation",
        "date comptable",
        "date de comptabilisation",
        "data",
        "booking date",
        "date valeur",
    ),
    "amount": ("montant", "amount", "valor", "montante"),
    "credit": ("credit", "credito", "entree", "entrada"),
    "debit": ("debit", "debito", "sortie", "saida"),
    "reference": ("motif", "reference", "referencia", "reference client", "remittance information"),
    "words": ("libelle", "description", "descricao", "libelle operation", "details"),
    "party": ("donneur d'ordre", "nom", "nome", "name", "counterparty", "tiers"),
    "bank_ref": (
        "reference banque",
        "n° operation",
        "no operation",
        "numero operation",
        "transaction id",
        "reference operation",
    ),
    "balance": ("solde", "saldo", "balance"),
}


def guess(headings: list[str]) -> dict[str, str]:
    """{meaning: heading} as far as the headings say."""
    folded = {words_of.fold(one): one for one in headings}
    found = {}
    for meaning, names in _KNOWN.items():
        for name in names:
            if words_of.fold(name) in folded:
                found[meaning] = folded[words_of.fold(name)]
                break
    return found


def decoded(raw: bytes) -> str:
    """UTF-8, or what Windows of our countries writes."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def headings(raw: bytes) -> list[str]:
    rows = _rows(decoded(raw))
    return [cell.strip() for cell in rows[0]] if rows else []


def _rows(text: str) -> list[list[str]]:
    head = text.lstrip("\n\r").partition("\n")[0]
    separator = max(";,\t|", key=head.count)
    try:
        return [
            row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(c.strip() for c in row)
        ]
    except csv.Error as error:
        raise BadStatement(_("The table cannot be read: %(why)s") % {"why": str(error)}) from error


def read(
    raw: bytes, *, account: str, currency: str, mapping: Mapping[str, str] | None = None, day_first: bool = True
) -> Statement:
    """The statement in a table. mapping: {meaning: heading}, what it leaves out is guessed; day_first: 03/04 is 3 April.
    Raises BadStatement, which names the line."""
    if len(raw) > LARGEST:
        raise BadStatement(_("The file is too large: ask the bank for a statement of fewer days."))
    rows = _rows(decoded(raw))
    if len(rows) < 1:
        raise BadStatement(_("The file is empty."))
    if len(rows) - 1 > MOST:
        raise BadStatement(_("The file has more than %(most)s lines: bring it day by day.") % {"most": MOST})
    heads = [words_of.fold(cell) for cell in rows[0]]
    named = {**guess(rows[0]), **{k: v for k, v in (mapping or {}).items() if v}}
    place = {
        meaning: heads.index(words_of.fold(name)) for meaning, name in named.items() if words_of.fold(name) in heads
    }
    if "day" not in place or not ({"amount", "credit", "debit"} & place.keys()):
        raise BadStatement(
            _("Say which columns hold the day and the amount. The file has: %(heads)s.")
            % {"heads": ", ".join(rows[0])[:300]}
        )
    lines: list[Line] = []
    balances: list[tuple[int, int]] = []  # (balance after, amount)
    same: Counter[str] = Counter()
    for number, row in enumerate(rows[1:], 2):
        given = {meaning: row[n].strip() if n < len(row) else "" for meaning, n in place.items()}
        if not given["day"]:  # totals and remarks below the table
            continue
        day = _day(given["day"], number, day_first=day_first)
        if given.get("amount"):
            amount = _amount(given["amount"], currency, number)
        else:
            amount = abs(_amount(given.get("credit", ""), currency, number)) - abs(
                _amount(given.get("debit", ""), currency, number)
            )
        if not amount:
            continue
        if given.get("balance"):
            balances.append((_amount(given["balance"], currency, number), amount))
        own = given.get("bank_ref", "")[:80]
        if not own:
            # Of lines alike in all, the second of a day is another payment, and stays so when the file comes again.
            alike = "|".join(
                (
                    day.isoformat(),
                    str(amount),
                    given.get("reference", ""),
                    given.get("words", ""),
                    given.get("balance", ""),
                )
            )
            same[alike] += 1
            own = "~" + hashlib.sha256(f"{account}|{alike}|{same[alike]}".encode()).hexdigest()[:32]
        lines.append(
            Line(
                own,
                day,
                amount,
                currency,
                (given.get("reference") or given.get("words", ""))[:200],
                given.get("words", "")[:300],
                given.get("party", "")[:140],
            )
        )
    if not lines:
        raise BadStatement(_("The table has no movement."))
    opening, closing = _bounds(balances, lines)
    digest = hashlib.sha256(
        "\n".join(sorted(f"{one.bank_ref}|{one.day}|{one.amount}" for one in lines)).encode()
    ).hexdigest()
    days = [line.day for line in lines]
    return Statement(f"csv-{digest[:40]}", account, currency, min(days), max(days), opening, closing, tuple(lines))


def _bounds(balances: list[tuple[int, int]], lines: list[Line]) -> tuple[int | None, int | None]:
    """Opening and closing, of a table in the order of days or in the other order; of one with gaps nothing is said."""
    if len(balances) != len(lines):
        return None, None
    forward = all(after + amount == balance for (after, _was), (balance, amount) in pairwise(balances))
    backward = all(balance == later - amount for (later, amount), (balance, _was) in pairwise(balances))
    first, last = balances[0], balances[-1]
    if forward and (not backward or lines[0].day <= lines[-1].day):
        return first[0] - first[1], last[0]
    if backward:
        return last[0] - last[1], first[0]
    return None, None


def _amount(typed: str, currency: str, number: int) -> int:
    """ "1 500", "-1.500,50", "1,500.00", "(1 500)", "1 500 F CFA"; nothing is 0."""
    bare = re.sub(r"[^\d.,()\-+]", "", typed).strip(".,")
    if not bare.strip("+-()"):
        if typed.strip() and re.search(r"\w", typed):
            raise BadStatement(_("Line %(line)s of the file has no amount that can be read.") % {"line": number})
        return 0
    minus = bare.startswith(("-", "(")) or bare.endswith("-")
    bare = bare.strip("()+-")
    digits = money.exponent(currency)
    whole, part = bare, ""
    mark = max(bare.rfind("."), bare.rfind(","))
    if mark >= 0:
        tail = bare[mark + 1 :]
        alone = bare.count(bare[mark]) == 1
        # Three digits behind the only mark are thousands, except in the dinars of three digits.
        if alone and (len(tail) != 3 or digits == 3):
            whole, part = bare[:mark], tail
    whole = re.sub(r"[.,]", "", whole)
    try:
        value = Decimal(f"{whole or 0}.{part or 0}").scaleb(digits)
    except InvalidOperation as error:
        raise BadStatement(_("Line %(line)s of the file has no amount that can be read.") % {"line": number}) from error
    if value != value.to_integral_value() or value >= 10**17:
        raise BadStatement(_("Line %(line)s of the file has no amount that can be read.") % {"line": number})
    return -int(value) if minus else int(value)


_DAY_FIRST = ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")


def _day(typed: str, number: int, *, day_first: bool) -> date:
    said = re.split(r"[T ]", typed.strip())[0]
    for form in _DAY_FIRST if day_first else _MONTH_FIRST:
        try:
            return datetime.strptime(said, form).date()
        except ValueError:
            continue
    raise BadStatement(
        _("Line %(line)s of the file has no day that can be read: “%(said)s”.") % {"line": number, "said": typed[:40]}
    )
