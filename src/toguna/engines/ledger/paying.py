"""Payments: taken once, apportioned, written in the book, and given a receipt whose numbers have no gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import book, events, joined
from toguna.engines.ledger.apportioning import Order, spread
from toguna.engines.ledger.billing import RECEIVABLE, advance_of, owed, pay, unpay
from toguna.engines.ledger.book import ADVANCES, Leg, Refused
from toguna.engines.ledger.models import (
    Bill,
    BillLine,
    Block,
    Desk,
    Entry,
    Payment,
    ReceiptCounter,
    Suspense,
    VoidNumber,
)
from toguna.kernel import access, audit, text, town
from toguna.kernel import events as kernel_events
from toguna.kernel.access import Actor

SUPERVISE = "ledger.supervise"
SUSPENSE = "471"  # money that came, and of whom nobody knows


@dataclass(frozen=True)
class Paper:
    """What a device printed without network."""

    number: int | None = None
    year: int | None = None
    printed: str = ""
    said_at: datetime | None = None


def suspense_of(currency: str) -> str:
    """The account of what nobody knows, in a currency: what others than the town's own count is apart."""
    if currency == town.current().currency:
        return SUSPENSE
    return book.account(f"{SUSPENSE}-{currency}", "liability", syscohada="4712", m14="471").code


def take(
    amount: int, currency: str, method: str, *, desk: Desk, key: str, by: Actor, payer: int | None = None,
    bills: Sequence[int] | None = None, reference: str = "", at: datetime | None = None, order: Order = "oldest-first",
    number: int | None = None, year: int | None = None, printed: str = "", said_at: datetime | None = None,
) -> Payment:  # fmt: skip
    """Takes money: on these bills, or, without any, on what the payer owes; what is over stays with the payer as an advance. Without
    bills and payer it is suspense, until somebody says whose it is. The same key again gives the same payment. number, year, printed,
    said_at: of what a device took without network (see `blocks`). Raises Refused."""
    before = _before(key)
    if before is not None:
        if (before.amount, before.currency, before.desk_id) != (amount, currency, desk.pk):
            raise book.Mismatch(_("Another payment has this key already."))
        return before
    if amount <= 0:
        raise Refused(_("Say an amount above 0."))
    if not desk.active and not printed:  # what a device took before is never refused
        raise Refused(_("This desk is closed."))
    try:
        with transaction.atomic():
            paper = Paper(number, year, printed, said_at)
            return _take(
                amount, currency, method, desk, key, by, payer, bills, reference, at or timezone.now(), order, paper
            )
    except IntegrityError:  # the same was sent twice at once: the other was first
        found = _before(key)
        if found is None:
            raise
        return found


def _before(key: str) -> Payment | None:
    """The payment of that key. Nearly always there is none: that is asked first, and cheaply."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM ledger_payment WHERE key = %s", [key])
        row = cursor.fetchone()
    return None if row is None else Payment.objects.select_related("desk").get(pk=row[0])


_SHARES = """
WITH payment AS MATERIALIZED (SELECT nextval('ledger_payment_id_seq') AS id)
INSERT INTO ledger_share (payment_id, bill_id, number, amount)
SELECT payment.id, s.bill, s.number, s.amount
FROM payment CROSS JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS s(bill, number, amount, n) ORDER BY n
RETURNING payment_id
"""
# What advance_counter and a row of its own do, by one statement: whoever comes after at this desk waits for no more than it.
_NUMBERED = """
WITH counted AS (
    INSERT INTO ledger_receipt_counter (desk_id, year, last) VALUES (%(desk)s, %(year)s, 1)
    ON CONFLICT (desk_id, year) DO UPDATE SET last = ledger_receipt_counter.last + 1 RETURNING last
)
INSERT INTO ledger_payment (id, key, desk_id, year, number, payer_id, amount, currency, method, reference, entry_id, at, account, said_at)
SELECT %(id)s, %(key)s, %(desk)s, %(year)s, last, %(payer)s, %(amount)s, %(currency)s, %(method)s, %(reference)s, %(entry)s, %(at)s,
    %(account)s, %(said_at)s FROM counted RETURNING number, taken
"""


def _take(
    amount: int, currency: str, method: str, desk: Desk, key: str, by: Actor, payer: int | None,
    bills: Sequence[int] | None, reference: str, at: datetime, order: Order, paper: Paper,
) -> Payment:  # fmt: skip
    rows = locked(payer, bills, currency)
    if payer is None and rows:
        payer = rows[0].payer_id
    elif payer is None and bills:  # paid, or taken back, meanwhile: it is still known whose money this is
        payer = Bill.objects.filter(pk__in=bills).order_by("pk").values_list("payer", flat=True).first()
    given, over = spread(amount, owed(rows), order)
    day = book.open_day(timezone.localdate(at))
    legs = [Leg(desk.account.code, amount, payer, None, desk.pk)]
    per_bill: dict[int, int] = {}
    for one, part in given:
        per_bill[one.bill] = per_bill.get(one.bill, 0) + part
    owner = {row.pk: row.payer_id for row in rows}
    legs += [Leg(RECEIVABLE, -part, owner[bill], bill) for bill, part in sorted(per_bill.items())]
    if over:
        legs.append(Leg(ADVANCES if payer is not None else suspense_of(currency), -over, payer))
    entry = book.post(
        "payment",
        legs,
        key=f"payment:{key}",
        by=by,
        at=day,
        currency=currency,
        about=("desk", str(desk.pk)),
        words=reference,
        savepoint=False,
    )
    pay(given)
    year = paper.year or day.year
    shares = [(one.bill, one.number, part) for one, part in given]
    payment = Payment(
        pk=_shared([*shares, (None, None, over)] if over else shares), key=key, desk=desk, year=year, payer_id=payer, amount=amount, currency=currency, method=method,
        reference=text.clean(reference)[:80], entry=entry, at=at, account=by.account,
    )  # fmt: skip
    audit.record(by, "ledger.take", f"ledger.entry:{entry.pk}", desk=desk.pk, amount=amount, method=method)
    kernel_events.publish(events.PaymentTaken(payment.pk, payer or 0, amount, currency, method))
    # The number and its row last of all: whoever comes after at this desk waits for no more than these.
    payment.said_at = paper.said_at
    if paper.number is None and not paper.printed:
        _numbered(payment)
        return payment
    payment.number = _number(desk.pk, year, paper.number)
    if paper.printed != receipt_number(payment):
        payment.printed = paper.printed
    payment.save(force_insert=True)
    return payment


def _shared(shares: Sequence[tuple[int | None, int | None, int]]) -> int:
    """Writes what of a payment goes where, before the payment itself; the id that it is to have. shares: (bill, its line, amount)."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARES, [list(column) for column in zip(*shares, strict=True)])
        return int(cursor.fetchone()[0])


def _numbered(payment: Payment) -> None:
    """Writes a payment with the next number of its desk."""
    values: dict[str, Any] = {
        "id": payment.pk, "key": payment.key, "desk": payment.desk_id, "year": payment.year, "payer": payment.payer_id,
        "amount": payment.amount, "currency": payment.currency, "method": payment.method, "reference": payment.reference,
        "entry": payment.entry_id, "at": payment.at, "account": payment.account, "said_at": payment.said_at,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERED, values)
        payment.number, payment.taken = cursor.fetchone()
    payment.printed = payment.void = ""
    payment._state.adding, payment._state.db = False, connection.alias


def locked(payer: int | None, bills: Sequence[int] | None, currency: str) -> list[Bill]:
    """The open bills that may be paid, each locked, always in the same order; of a payer, also those of who was joined to them."""
    found = Bill.objects.select_for_update().filter(state=Bill.State.OPEN, currency=currency).order_by("pk")
    if bills:
        return list(found.filter(pk__in=bills))
    return list(found.filter(payer__in=joined.family(payer))) if payer is not None and bills is None else []


def counter(desk: int, year: int) -> int:
    """The last number given at a desk in a year; the caller holds it until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_receipt_counter (desk_id, year, last) VALUES (%s, %s, 0)"
            " ON CONFLICT (desk_id, year) DO UPDATE SET last = ledger_receipt_counter.last RETURNING last",
            [desk, year],
        )
        return int(cursor.fetchone()[0])


def advance_counter(desk: int, year: int, count: int = 1) -> int:
    """The last of the next `count` numbers, without gaps: they come back when the transaction fails."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_receipt_counter (desk_id, year, last) VALUES (%s, %s, %s)"
            " ON CONFLICT (desk_id, year) DO UPDATE SET last = ledger_receipt_counter.last + excluded.last RETURNING last",
            [desk, year, count],
        )
        return int(cursor.fetchone()[0])


def _number(desk: int, year: int, paper: int | None) -> int:
    """The number on the paper, while nobody has it; else the next."""
    if paper is None:
        return advance_counter(desk, year)
    counter(desk, year)
    taken = Payment.objects.filter(desk=desk, year=year, number=paper).exists()
    if taken or VoidNumber.objects.filter(desk=desk, year=year, number=paper).exists():
        return advance_counter(desk, year)
    return paper


@transaction.atomic
def void(payment: int, *, reason: str, by: Actor) -> Payment:
    """Takes a payment back (a wrong amount, a cheque that bounced): its bills are owed again, its receipt keeps its number and says
    that it is void. Voided again, nothing happens. Raises Refused, Denied."""
    access.require(by, SUPERVISE)
    row = Payment.objects.select_for_update(of=("self",)).select_related("entry", "desk").get(pk=payment)
    if row.void:
        return row
    why = text.clean(reason)[:300]
    if not why:
        raise Refused(_("Say why it is taken back."))
    shares = list(row.shares.exclude(bill=None).order_by("bill"))
    bills = {
        one.pk: one
        for one in Bill.objects.select_for_update().filter(pk__in=[one.bill_id for one in shares]).order_by("pk")
    }
    if any(one.state == Bill.State.WRITTEN_OFF for one in bills.values()):
        raise Refused(_("A bill of this payment was given up since: it cannot be taken back."))
    there = {(one.bill_id, one.number): one.paid for one in BillLine.objects.filter(bill__in=list(bills))}
    moved = any(there.get((one.bill_id or 0, one.number or 0), 0) < one.amount for one in shares)
    if moved or any(one.state == Bill.State.CANCELLED for one in bills.values()):
        raise Refused(
            _(
                "A bill of this payment was cancelled or made less since: what was paid is an advance now. Refund it instead."
            )
        )
    if row.payer_id is not None:
        joined.held(row.payer_id)
    back = book.reverse(row.entry, reason=why, key=f"void:{row.pk}", by=by)
    for share in shares:
        if share.bill_id is None or share.number is None:
            continue
        BillLine.objects.filter(bill=share.bill_id, number=share.number).update(paid=F("paid") - share.amount)
        Bill.objects.filter(pk=share.bill_id).update(paid=F("paid") - share.amount, state=Bill.State.OPEN)
    aside = Suspense.objects.select_for_update(of=("self",)).select_related("entry").filter(payment=row).first()
    if aside is not None and aside.entry is not None:
        book.reverse(aside.entry, reason=why, key=f"void-suspense:{row.pk}", by=by)
    elif aside is not None:
        Suspense.objects.filter(pk=aside.pk).update(resolved=timezone.now(), note=why, account=by.account)
    if row.payer_id is not None:
        _unuse(row.payer_id, row.currency, f"void-advance:{row.pk}", by)
    Payment.objects.filter(pk=row.pk).update(void=why, voided_by=back)
    audit.record(by, "ledger.void", f"ledger.payment:{row.pk}", reason=why[:200])
    kernel_events.publish(events.PaymentVoided(row.pk))
    row.refresh_from_db()
    return row


def _unuse(payer: int, currency: str, key: str, by: Actor) -> None:
    """A payment that was taken back had paid ahead, and that had paid bills: the latest of them are owed again."""
    lacking = -advance_of(joined.held(payer), currency)
    if lacking <= 0:
        return
    used = [
        int(one.rpartition(":")[2])
        for one in Entry.objects.filter(kind="use-advance", lines__payer__in=joined.family(payer))
        .distinct()
        .values_list("key", flat=True)
    ]
    for bill in (
        Bill.objects.select_for_update()
        .filter(pk__in=used, currency=currency, paid__gt=0, state__in=(Bill.State.OPEN, Bill.State.PAID))
        .order_by("-pk")
    ):
        part = min(lacking, bill.paid)
        unpay(bill, part, key=f"{key}:{bill.pk}", by=by)
        lacking -= part
        if not lacking:
            return
    raise Refused(_("What it paid ahead was given back or used otherwise since: it cannot be taken back."))


def receipt_number(payment: Payment) -> str:
    """ "GC-2026-000123"."""
    return f"{payment.desk.prefix}-{payment.year}-{payment.number:06d}"


def gaps(desk: Desk, year: int) -> list[int]:
    """Numbers that were given and have no payment, are not voided in plain sight and are not out with a device: none, ever."""
    last = ReceiptCounter.objects.filter(desk=desk, year=year).values_list("last", flat=True).first() or 0
    there = set(Payment.objects.filter(desk=desk, year=year).values_list("number", flat=True))
    there |= set(VoidNumber.objects.filter(desk=desk, year=year).values_list("number", flat=True))
    for first, end in Block.objects.filter(desk=desk, year=year, ended=None).values_list("first", "last"):
        there |= set(range(first, end + 1))
    return [number for number in range(1, last + 1) if number not in there]
