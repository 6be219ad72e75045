"""Bills: issued, by one or by a run; changed only by what is written beside them: credit notes, cancellation, giving up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import book, joined
from toguna.engines.ledger.apportioning import Owed, spread
from toguna.engines.ledger.book import ADVANCES, Leg, Refused
from toguna.engines.ledger.models import Bill, BillLine, Entry, Payer, Tariff
from toguna.kernel import access, audit, codes, text, town
from toguna.kernel.access import Actor

APPROVE = "ledger.approve"
RECEIVABLE = "411"  # what payers owe
LUCK = 3  # how often a run draws its references anew
REFERENCE = 10  # letters and figures: AccountReference of a payment company takes twelve


@dataclass(frozen=True)
class Due:
    """One line of a bill to issue. amount: below zero for a rebate; income: the code of the account."""

    kind: str
    words: str
    amount: int
    income: str


def issue(
    payer: Payer, lines: Sequence[Due], *, key: str, due: date, by: Actor, words: str = "", tariff: Tariff | None = None,
    about: tuple[str, str] = ("", ""), at: date | None = None, currency: str = "",
) -> Bill:  # fmt: skip
    """Issues a bill and writes what is owed, once for its key. What the payer had paid ahead is used at once. Raises Refused."""
    before = Bill.objects.filter(key=key).first()
    if before is not None:
        return before
    total = sum(line.amount for line in lines)
    if total < 0 or not lines:
        raise Refused(_("A bill has one line at least, and is not below zero."))
    day, unit = at or timezone.localdate(), currency or town.current().currency
    try:
        with transaction.atomic():
            bill = Bill.objects.create(
                reference=codes.make(REFERENCE), key=key, payer=payer, tariff=tariff, words=text.clean(words)[:200],
                about_kind=about[0], about=about[1], currency=unit, amount=total, issued=day, due=due,
                state=Bill.State.OPEN if total else Bill.State.PAID,
            )  # fmt: skip
            BillLine.objects.bulk_create(
                [
                    BillLine(
                        bill=bill,
                        number=n,
                        kind=line.kind,
                        words=line.words[:200],
                        income_id=book.account_id(line.income),
                        amount=line.amount,
                    )
                    for n, line in enumerate(lines, 1)
                ]
            )
            legs = [Leg(RECEIVABLE, total, payer.pk, bill.pk)]
            legs += [Leg(line.income, -line.amount, payer.pk, bill.pk) for line in lines]
            if any(leg.amount for leg in legs):
                book.post(
                    "bill",
                    legs,
                    key=f"bill:{key}",
                    by=by,
                    at=day,
                    currency=unit,
                    about=("bill", bill.reference),
                    words=words,
                )
            audit.record(by, "ledger.bill", f"ledger.bill:{bill.pk}", amount=total)
            use_advance(bill, by)
    except IntegrityError:
        found = Bill.objects.filter(key=key).first()
        if found is None:
            raise
        return found
    return bill


def use_advance(row: Bill, by: Actor, *, why: str = "", at: date | None = None) -> None:
    """What its payer had paid ahead pays it, as far as it goes. why: in the key, where that happens again. The caller holds the bill."""
    owner = joined.held(row.payer_id)
    use = min(advance_of(owner, row.currency), row.left)
    if use <= 0:
        return
    book.post(
        "use-advance", [Leg(ADVANCES, use, owner), Leg(RECEIVABLE, -use, row.payer_id, row.pk)], key=f"use-advance:{why}{row.pk}",
        by=by, at=at or row.issued, currency=row.currency, about=("bill", row.reference),
    )  # fmt: skip
    given, _over = spread(use, owed([row]))
    pay(given)
    row.refresh_from_db()


def owed(rows: Sequence[Bill]) -> list[Owed]:
    """What is left of each line; rebates first take from what is due, in its order."""
    dues = {row.pk: row.due for row in rows}
    lines: dict[int, list[BillLine]] = {}
    for line in BillLine.objects.filter(bill__in=list(dues)).order_by("bill", "number"):
        lines.setdefault(line.bill_id, []).append(line)
    found = []
    for bill, of_bill in lines.items():
        rebate = -sum(line.amount for line in of_bill if line.amount < 0)
        for line in of_bill:
            if line.amount <= 0:
                continue
            cut = min(rebate, line.amount - line.paid)
            rebate -= cut
            if (left := line.amount - line.paid - cut) > 0:
                found.append(Owed(bill, line.number, line.kind, dues[bill], left))
    return found


_PAID = """
WITH given AS (
    SELECT bill, number, sum(part)::bigint AS part FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS g(bill, number, part) GROUP BY bill, number
), lines AS (
    UPDATE ledger_bill_line l SET paid = l.paid + g.part FROM given g WHERE l.bill_id = g.bill AND l.number = g.number
)
UPDATE ledger_bill b SET paid = b.paid + g.part, state = CASE WHEN b.paid + g.part = b.amount THEN 'paid' ELSE b.state END
FROM (SELECT bill, sum(part)::bigint AS part FROM given GROUP BY bill) g WHERE b.id = g.bill
"""


def pay(given: Sequence[tuple[Owed, int]]) -> None:
    """Writes on the lines and bills what each was paid, by one statement. The caller holds the bills and has posted it."""
    if given:
        with connection.cursor() as cursor:
            columns = zip(*((one.bill, one.number, part) for one, part in given), strict=True)
            cursor.execute(_PAID, [list(column) for column in columns])


@transaction.atomic
def cancel(bill: int, *, reason: str, by: Actor) -> Bill:
    """Takes a bill back, with why; what was paid on it becomes an advance of its payer. Cancelled again, nothing happens.
    Raises Refused, Denied."""
    access.require(by, APPROVE)
    row = Bill.objects.select_for_update().get(pk=bill)
    if row.state == Bill.State.CANCELLED:
        return row
    if row.state == Bill.State.WRITTEN_OFF:
        raise Refused(_("This bill was given up: it cannot be cancelled."))
    if not text.clean(reason):
        raise Refused(_("Say why it is taken back."))
    if row.paid:
        to_advance(row, row.paid, key=f"bill-advance:{row.pk}", by=by)
    for note in row.credits.select_related("entry"):  # what it was less by is taken back with it
        book.reverse(note.entry, reason=reason, key=f"credit-cancel:{note.pk}", by=by)
    for more in Entry.objects.filter(kind="charge", lines__bill=row.pk, reversed_by=None).distinct():
        book.reverse(more, reason=reason, key=f"charge-cancel:{more.pk}", by=by)
    entry = Entry.objects.filter(key=f"bill:{row.key}").first()
    if entry is not None:  # a bill of 0 has none
        book.reverse(entry, reason=reason, key=f"bill-cancel:{row.pk}", by=by)
    Bill.objects.filter(pk=row.pk).update(state=Bill.State.CANCELLED, paid=0)
    row.lines.update(paid=0)
    audit.record(by, "ledger.cancel_bill", f"ledger.bill:{row.pk}", reason=text.clean(reason)[:200])
    row.refresh_from_db()
    return row


def to_advance(row: Bill, amount: int, *, key: str, by: Actor) -> None:
    """What was paid on a bill goes back to its payer's advances: owed again on the bill, held for the payer."""
    book.post(
        "advance", [Leg(RECEIVABLE, amount, row.payer_id, row.pk), Leg(ADVANCES, -amount, row.payer_id)], key=key, by=by,
        currency=row.currency, about=("bill", row.reference),
    )  # fmt: skip


def unpay(row: Bill, amount: int, *, key: str, by: Actor) -> None:
    """What was paid of a bill, and is not its any more, is its payer's, paid ahead; the last lines first. The caller holds the bill."""
    to_advance(row, amount, key=key, by=by)
    left = amount
    for line in row.lines.order_by("-number"):
        part = min(left, line.paid)
        if part:
            BillLine.objects.filter(pk=line.pk).update(paid=F("paid") - part)
            left -= part
    Bill.objects.filter(pk=row.pk).update(paid=F("paid") - amount, state=Bill.State.OPEN)
    row.refresh_from_db()


def advance_of(payer: int, currency: str = "") -> int:
    """What a payer has paid ahead in a currency, the town's unless said; of payers who are one, what all of them have."""
    return -book.balance(ADVANCES, payer=joined.holder(payer), currency=currency or town.current().currency)


def owed_by(payer: int, currency: str = "") -> int:
    """What a payer owes in a currency, the town's unless said, without what they paid ahead."""
    return book.balance(RECEIVABLE, payer=payer, currency=currency or town.current().currency)


# --- A run

_CODES = ",".join(str(ord(letter)) for letter in codes.ALPHABET)
_BYTES = (0, 1, 2, 3, 4, 5, 10, 11, 12, 13)[:REFERENCE]  # of a random UUID: those that are all chance
_LETTERS = " || ".join(f"chr(('{{{_CODES}}}'::int[])[1 + get_byte(r, {n}) %% {len(codes.ALPHABET)}])" for n in _BYTES)
# What ledger_reference() gives, written out, by numbers of letters: a function called for each row costs more than the row itself, and
# cutting letters out of a text twice as much as this.
_RUN = f"""
WITH staged AS (
    SELECT key, payer, amount, words, about_kind, about, {_LETTERS} AS reference,
        nextval('ledger_bill_id_seq') AS bill_id, nextval('ledger_entry_id_seq') AS entry_id
    FROM (
        SELECT s.*, uuid_send(gen_random_uuid()) AS r FROM ledger_run s WHERE s.amount > 0 OFFSET 0
    ) s
), bills AS (
    INSERT INTO ledger_bill (id, reference, key, payer_id, tariff_id, words, about_kind, about, currency, amount, paid, issued, due, state)
    SELECT bill_id, reference, key, payer, %(tariff)s, words, about_kind, about, %(currency)s, amount, 0, %(day)s, %(due)s, 'open' FROM staged
), lines AS (
    INSERT INTO ledger_bill_line (bill_id, number, kind, words, income_id, amount, paid)
    {{lines}}
), entries AS (
    INSERT INTO ledger_entry (id, key, kind, day, currency, lines_count, account, about_kind, about, words)
    SELECT entry_id, 'bill:' || key, 'bill', %(day)s, %(currency)s, 2, %(by)s, 'bill', reference, '' FROM staged
)
INSERT INTO ledger_line (entry_id, number, account_id, day, amount, payer_id, bill)
SELECT entry_id, leg.number, leg.account, %(day)s, leg.sign * amount, payer, bill_id
FROM staged CROSS JOIN (VALUES (1, %(receivable)s::bigint, 1), (2, %(income)s::bigint, -1)) AS leg(number, account, sign)
"""
# Apart: within the statement that fills the table, its keys would be looked for among those that it writes, and its rows come in their
# order, which is nobody's order in any other index.
_ISSUED = "DELETE FROM ledger_run s USING ledger_bill b WHERE b.key = s.key"
# By one grouping: where it joins the two and may stop at the first, the planner compares each bill with each line.
_UNEQUAL = """SELECT 1 FROM (
    SELECT key, amount, true AS bill FROM ledger_run UNION ALL SELECT key, -amount, false FROM ledger_run_line
) both_of GROUP BY key HAVING bool_or(bill) AND sum(amount) <> 0 LIMIT 1"""
_ONE_LINE = "SELECT bill_id, 1, 'principal', words, %(income)s, amount, 0 FROM staged"
_ITS_LINES = """SELECT s.bill_id, l.number, CASE WHEN l.amount < 0 THEN 'rebate' ELSE 'principal' END, l.words, %(income)s, l.amount, 0
    FROM staged s JOIN ledger_run_line l ON l.key = s.key"""


@dataclass(frozen=True)
class Staged:
    """A bill of a run. key: unique in the town, such as "market-2026:81", so that a run that is begun again issues the rest."""

    key: str
    payer: int
    amount: int
    words: str
    about_kind: str = ""
    about: str = ""


def stage() -> None:
    """The tables of a run, of this connection: fill ledger_run (COPY, or INSERT ... SELECT), and ledger_run_line where bills have lines
    that explain them, which sum to their amounts; then `run`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS ledger_run (key text PRIMARY KEY, payer bigint NOT NULL,"
            " amount bigint NOT NULL, words text NOT NULL, about_kind text NOT NULL DEFAULT '', about text NOT NULL DEFAULT '')"
        )
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS ledger_run_line (key text NOT NULL, number smallint NOT NULL,"
            " words text NOT NULL, amount bigint NOT NULL)"
        )
        cursor.execute("TRUNCATE ledger_run, ledger_run_line")


def run(
    *, income: str, due: date, by: Actor, tariff: Tariff | None = None, at: date | None = None, currency: str = ""
) -> int:
    """Issues what is staged, with its lines and its entries, in one transaction: all, or nothing. What was issued before, by its
    key, is left as it is, and is staged no more. How many were issued."""
    values = {
        "tariff": tariff.pk if tariff else None, "currency": currency or town.current().currency, "day": at or timezone.localdate(),
        "due": due, "income": book.account_id(income), "receivable": book.account_id(RECEIVABLE), "by": by.account,
    }  # fmt: skip
    for again in range(LUCK + 1):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL work_mem = '128MB'")
                cursor.execute("SELECT EXISTS (SELECT 1 FROM ledger_run_line)")
                explained = cursor.fetchone()[0]
                if explained:
                    # Before anything reads them: of tables that it believes small, PostgreSQL compares each bill with each line.
                    cursor.execute("ANALYZE ledger_run, ledger_run_line")
                    cursor.execute(_UNEQUAL)
                    if cursor.fetchone() is not None:
                        raise Refused(_("The lines of a bill do not sum to it."))
                cursor.execute(_ISSUED)
                cursor.execute(_RUN.replace("{lines}", _ITS_LINES if explained else _ONE_LINE), values)
                issued: int = cursor.rowcount // 2
                audit.record(by, "ledger.run", "ledger.bill", issued=issued)
            return issued
        except IntegrityError as error:  # two references were drawn alike: once in a hundred runs of a large town
            if "ledger_bill_reference" not in str(error) or again == LUCK:
                raise
    return 0


_AHEAD = """
SELECT b.id FROM ledger_bill b JOIN ledger_payer p ON p.id = b.payer_id
WHERE b.state = 'open' AND b.paid = 0 AND b.key LIKE %s ESCAPE '!' AND COALESCE(p.joined_id, p.id) IN (
    SELECT payer_id FROM ledger_line WHERE account_id = %s GROUP BY payer_id HAVING sum(amount) < 0)
AND NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.key = 'use-advance:' || b.id) ORDER BY b.due, b.id
"""


def use_advances(keys: str, *, by: Actor) -> int:
    """What payers had paid ahead pays the bills of a run, whose keys begin so. Begun again, it does the rest. How many bills."""
    begins = keys.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [begins, book.account_id(ADVANCES)])
        found = [pk for (pk,) in cursor.fetchall()]
    for pk in found:
        with transaction.atomic():
            use_advance(Bill.objects.select_for_update().get(pk=pk), by)
    return len(found)


# --- More of a bill: costs and penalties

_CHARGE = """
WITH asked AS (
    SELECT c.bill, c.amount, c.words, c.key FROM unnest(%(bills)s::bigint[], %(amounts)s::bigint[], %(words)s::text[], %(keys)s::text[])
        AS c(bill, amount, words, key)
    WHERE c.amount > 0 AND NOT EXISTS (SELECT 1 FROM ledger_entry e WHERE e.key = 'charge:' || c.key)
), held AS (
    SELECT id, payer_id, reference, currency FROM ledger_bill WHERE id IN (SELECT bill FROM asked) AND state = 'open' ORDER BY id FOR UPDATE
), staged AS (
    SELECT a.*, h.payer_id, h.reference, h.currency, nextval('ledger_entry_id_seq') AS entry_id,
        (SELECT max(number) FROM ledger_bill_line l WHERE l.bill_id = a.bill) + row_number() OVER (PARTITION BY a.bill ORDER BY a.key) AS number
    FROM asked a JOIN held h ON h.id = a.bill
), lines AS (
    INSERT INTO ledger_bill_line (bill_id, number, kind, words, income_id, amount, paid)
    SELECT bill, number, %(kind)s, words, %(income)s, amount, 0 FROM staged
), bills AS (
    UPDATE ledger_bill b SET amount = b.amount + s.amount FROM (SELECT bill, sum(amount) AS amount FROM staged GROUP BY bill) s WHERE b.id = s.bill
), entries AS (
    INSERT INTO ledger_entry (id, key, kind, day, currency, lines_count, account, about_kind, about, words)
    SELECT entry_id, 'charge:' || key, 'charge', %(day)s, currency, 2, %(by)s, 'bill', reference, words FROM staged
)
INSERT INTO ledger_line (entry_id, number, account_id, day, amount, payer_id, bill)
SELECT entry_id, leg.number, leg.account, %(day)s, leg.sign * amount, payer_id, bill
FROM staged CROSS JOIN (VALUES (1, %(receivable)s::bigint, 1), (2, %(income)s::bigint, -1)) AS leg(number, account, sign)
"""


@dataclass(frozen=True)
class Charge:
    """What a bill is more: amount above zero; key: unique in the town, so that it is charged once."""

    bill: int
    amount: int
    words: str
    key: str


def charge(charges: Sequence[Charge], *, kind: str, income: str, by: Actor) -> int:
    """Adds a line of that kind (penalty, fee) to each of these bills while it is open, and writes it in the book, by one statement.
    How many were added: what was charged before, by its key, is left as it is."""
    values: dict[str, Any] = {
        "bills": [one.bill for one in charges], "amounts": [one.amount for one in charges],
        "words": [text.clean(one.words)[:200] for one in charges], "keys": [one.key for one in charges], "kind": kind,
        "income": book.account_id(income), "receivable": book.account_id(RECEIVABLE), "day": timezone.localdate(), "by": by.account,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CHARGE, values)
        added: int = cursor.rowcount // 2
        audit.record(by, "ledger.charge", "ledger.bill", added=added)
    return added
