"""Statements are brought in once; each line of them is posted once, matched where it can be, else kept in suspense."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from toguna.engines.ledger.bank import camt, matching, table
from toguna.engines.ledger.bank.port import BadStatement, Line, Statement
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.desks import cashbook
from toguna.engines.ledger.models import Account
from toguna.engines.ledger.models.bank import Bank, BankLine, BankStatement
from toguna.kernel import access, audit, money
from toguna.kernel.access import Actor

BANK = "ledger.bank"
SHORTEST = 8  # characters of a number of an account
State, Found = BankLine.State, BankLine.Found


@dataclass(frozen=True)
class Brought:
    """What became of a statement: new lines, those known already, those that wait in suspense."""

    statement: BankStatement
    new: int
    known: int
    suspense: int


def bare(number: str) -> str:
    """An IBAN or a RIB without its spaces, in capitals."""
    return re.sub(r"[\s.-]", "", number).upper()[:40]


@transaction.atomic
def add_bank(
    name: str, number: str, currency: str, mapping: dict[str, str], *, day_first: bool = True, by: Actor
) -> Bank:
    """An account of the town at a bank; the same number again changes its name and the mapping. Raises Refused."""
    access.require(by, BANK)
    if not name.strip() or not bare(number):
        raise Refused(_("Say the name of the bank and the number of the account."))
    if unknown := mapping.keys() - set(table.MEANINGS):
        raise Refused(_("A column cannot mean “%(what)s”.") % {"what": ", ".join(sorted(unknown))})
    row = Bank.objects.select_for_update().filter(number=bare(number)).first()
    if row is not None and row.currency != currency:
        raise Refused(_("This account is in %(currency)s.") % {"currency": row.currency})
    row = row or Bank(number=bare(number), currency=currency, asset=cashbook.new_bank_account(name))
    row.name, row.mapping, row.day_first = (
        name.strip()[:80],
        {k: v.strip() for k, v in mapping.items() if v.strip()},
        day_first,
    )
    row.save()
    audit.record(by, "ledger.set_bank", f"ledger.bank:{row.pk}")
    return row


def bring(bank: int, raw: bytes, name: str, *, by: Actor) -> list[Brought]:
    """Reads a file, CAMT.053 or a table, and posts its lines. Each statement is a transaction of its own: a file that stops
    in the middle is brought once more. Raises BadStatement, Refused."""
    access.require(by, BANK)
    row = Bank.objects.get(pk=bank)
    if raw.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        found = camt.read(raw)
        for one in found:
            if not _same_account(bare(one.account), row.number):
                raise Refused(
                    _("This statement is of the account %(other)s, not of %(number)s.")
                    % {"other": one.account, "number": row.number}
                )
    else:
        found = [
            table.read(raw, account=row.number, currency=row.currency, mapping=row.mapping, day_first=row.day_first)
        ]
    for one in found:
        if one.currency != row.currency:
            raise Refused(_("This account is in %(currency)s.") % {"currency": row.currency})
        _well_named(one)
    digest = hashlib.sha256(raw).hexdigest()
    return [_brought(row, one, digest, name, by) for one in found]


def _same_account(said: str, number: str) -> bool:
    """A bank may write the number without what stands before it in the IBAN, but no mere end of it."""
    return said == number or (len(said) >= SHORTEST and number.endswith(said))


def _well_named(one: Statement) -> None:
    twice = [ref for ref, n in Counter(line.bank_ref for line in one.lines).items() if n > 1]
    if twice:
        raise BadStatement(
            _("Two lines of the statement have the same reference of the bank: %(ref)s.") % {"ref": twice[0]}
        )


@transaction.atomic
def _brought(bank: Bank, one: Statement, digest: str, name: str, by: Actor) -> Brought:
    Bank.objects.select_for_update().get(pk=bank.pk)  # one statement of an account at a time
    known = BankStatement.objects.filter(bank=bank, identity=one.identity).first()
    if known is not None:
        if (known.opening, known.closing) != (one.opening, one.closing):
            raise Refused(
                _("The statement %(number)s was brought before with other balances: ask the bank which one is right.")
                % {"number": one.identity}
            )
        statement = known
    else:
        statement = BankStatement.objects.create(
            bank=bank,
            identity=one.identity,
            sha256=digest,
            name=name[:200],
            since=one.since,
            until=one.until,
            opening=one.opening,
            closing=one.closing,
            account=by.account,
        )
    before = {
        row.bank_ref: row
        for row in BankLine.objects.filter(bank=bank, bank_ref__in=[line.bank_ref for line in one.lines])
    }
    new = suspense = 0
    for line in one.lines:
        if (same := before.get(line.bank_ref)) is not None:
            if same.amount != line.amount:
                raise Refused(
                    _("The line %(ref)s was %(before)s before and is %(now)s now: ask the bank which one is right.")
                    % {
                        "ref": line.bank_ref,
                        "before": money.shown(same.amount, bank.currency),
                        "now": money.shown(line.amount, bank.currency),
                    }
                )
            continue
        made = _posted(bank, statement, line, by)
        new += 1
        suspense += made.state == State.SUSPENSE
    audit.record(by, "ledger.bring_statement", f"ledger.statement:{statement.pk}", new=new, suspense=suspense)
    return Brought(statement, new, len(one.lines) - new, suspense)


def _posted(bank: Bank, statement: BankStatement, line: Line, by: Actor) -> BankLine:
    row = BankLine(
        statement=statement,
        bank=bank,
        bank_ref=line.bank_ref,
        day=line.day,
        amount=line.amount,
        currency=line.currency,
        reference=line.reference,
        words=line.words,
        party=line.party,
        state=State.MATCHED,
    )
    key, said = f"bank:{bank.pk}:{line.bank_ref}", line.reference or line.words
    if (found := matching.deposit(line)) is not None:
        row.voucher, row.found, against = found, Found.DEPOSIT, cashbook.account(cashbook.TRANSIT)
    elif way := matching.settlement(line, cashbook.settlement_names()):
        row.found, against = Found.SETTLEMENT, cashbook.clearing(way, bank.currency)
        row.note = way
    elif matching.is_fee(line):
        row.found, against = Found.FEE, cashbook.account(cashbook.FEES)
    elif line.amount > 0 and (
        entry := cashbook.transferred(bank, line.amount, line.day, matching.codes_in(line), key=key, by=by, words=said)
    ):
        row.entry_id, row.found, against = entry, Found.TRANSFER, None
    else:
        row.state, against = State.SUSPENSE, cashbook.account(cashbook.UNKNOWN)
    if against is not None:
        row.entry_id = cashbook.at_bank(bank, against, line.amount, line.day, key=key, by=by, words=said)
    row.save()
    return row


@transaction.atomic
def resolve(line: int, *, account: int | None = None, bill: str = "", note: str = "", by: Actor) -> BankLine:
    """Says what a line in suspense was: money for a bill, or for an account of the book. Done already, it gives the same
    line. Raises Refused."""
    access.require(by, BANK)
    row = BankLine.objects.select_for_update(of=("self",)).select_related("bank").get(pk=line)
    if row.state != State.SUSPENSE:
        return row
    key = f"bank-resolve:{row.pk}"
    if bill:
        found = cashbook.bill(bill)
        if found is None:
            raise Refused(_("There is no such bill."))
        if row.amount <= 0:
            raise Refused(_("This money went out: it pays no bill."))
        row.resolution_id = cashbook.pay_from_suspense(
            row.bank, found, row.amount, row.day, key=key, by=by, words=row.reference or row.words
        )
        row.found = Found.TRANSFER
    else:
        target = Account.objects.filter(pk=account or 0).first()
        if target is None or target.pk in (row.bank.asset_id, cashbook.account(cashbook.UNKNOWN).pk):
            raise Refused(_("Choose the account that it belongs to, or write the reference of a bill."))
        if not note.strip():
            raise Refused(_("Say in a few words what it was."))
        row.resolution_id = cashbook.from_suspense(row.bank, target, row.amount, row.day, key=key, by=by, words=note)
        row.found = Found.OTHER
    row.state, row.note, row.resolved_by = State.RESOLVED, " ".join(note.split())[:200], by.account
    row.save()
    audit.record(by, "ledger.resolve_bank_line", f"ledger.bank_line:{row.pk}")
    return row
