"""What happens to a bill after it was issued: less of it, later, never; and money that goes back. What costs the town is asked by one
person and approved by another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import billing, book, joined, payers, suspense
from toguna.engines.ledger.apportioning import shares
from toguna.engines.ledger.billing import APPROVE, RECEIVABLE
from toguna.engines.ledger.book import ADVANCES, Leg, Refused
from toguna.engines.ledger.models import (
    Bill,
    BillLine,
    CreditNote,
    Desk,
    Instalment,
    Payment,
    Suspense,
    Wish,
)
from toguna.engines.ledger.providers import returning
from toguna.kernel import access, audit, money, text
from toguna.kernel.access import Actor

BILL = "ledger.bill"
LOST = "6511"  # what was given up
MOST_PARTS = 36


def _why(reason: str) -> str:
    words = text.clean(reason)[:300]
    if not words:
        raise Refused(_("Say why."))
    return words


def _open(bill: int) -> Bill:
    """The bill, held; open. Raises Refused."""
    row = Bill.objects.select_for_update().get(pk=bill)
    if row.state in (Bill.State.CANCELLED, Bill.State.WRITTEN_OFF):
        raise Refused(_("This bill is not owed any more."))
    return row


# --- Less


@transaction.atomic
def credit(bill: int, amount: int, *, reason: str, key: str, by: Actor) -> CreditNote:
    """Makes a bill less by a credit note; what was paid beyond what is owed then becomes an advance of its payer. The same key
    gives the same note. Raises Refused, Denied."""
    access.require(by, APPROVE)
    before = CreditNote.objects.filter(key=key).first()
    if before is not None:
        return before
    why, row = _why(reason), _open(bill)
    if not 0 < amount <= row.amount:
        raise Refused(
            _("A credit note goes up to what is billed: %(amount)s.")
            % {"amount": money.shown(row.amount, row.currency)}
        )
    beyond = amount - (row.amount - row.paid)
    if beyond > 0:
        billing.unpay(row, beyond, key=f"credit-advance:{key}", by=by)
    weights: dict[int, int] = {}
    lines = list(row.lines.select_related("income"))
    for line in lines:
        weights[line.income_id] = weights.get(line.income_id, 0) + line.amount
    incomes = [pk for pk, weight in weights.items() if weight > 0]
    parts = shares(amount, [weights[pk] for pk in incomes])
    codes = {line.income_id: line.income.code for line in lines}
    legs = [Leg(RECEIVABLE, -amount, row.payer_id, row.pk)]
    legs += [Leg(codes[pk], part, row.payer_id, row.pk) for pk, part in zip(incomes, parts, strict=True)]
    entry = book.post(
        "credit", legs, key=f"credit:{key}", by=by, currency=row.currency, about=("bill", row.reference), words=why
    )
    last = lines[-1].number if lines else 0
    BillLine.objects.bulk_create(
        BillLine(bill=row, number=last + n, kind=BillLine.Kind.REBATE, words=why[:200], income_id=pk, amount=-part)
        for n, (pk, part) in enumerate(zip(incomes, parts, strict=True), 1)
        if part
    )
    Bill.objects.filter(pk=row.pk).update(amount=F("amount") - amount)
    Bill.objects.filter(pk=row.pk, paid=F("amount")).update(state=Bill.State.PAID)
    year = entry.day.year
    note = CreditNote.objects.create(
        bill=row,
        year=year,
        number=_next_note(year),
        amount=amount,
        reason=why,
        key=key,
        entry=entry,
        account=by.account,
    )
    audit.record(by, "ledger.credit", f"ledger.bill:{row.pk}", amount=amount, reason=why[:200])
    return note


def _next_note(year: int) -> int:
    """Without gaps: who makes one waits for the other."""
    book.hold(f"credit note {year}")
    return (CreditNote.objects.filter(year=year).aggregate(last=Max("number"))["last"] or 0) + 1


# --- Later


@transaction.atomic
def plan(
    bill: int, days: Sequence[date], *, by: Actor, amounts: Sequence[int] | None = None, step: int = 1
) -> list[Instalment]:
    """Spreads what is left of a bill over days, in equal parts (multiples of `step`, the rest with the last) or the amounts given,
    which sum to it. A plan that there was is replaced. Raises Refused, Denied."""
    access.require(by, BILL)
    row = _open(bill)
    left = row.left
    if left <= 0:
        raise Refused(_("Nothing is left to pay of this bill."))
    if not 1 < len(days) <= MOST_PARTS or list(days) != sorted(set(days)) or days[0] < timezone.localdate():
        raise Refused(_("Give 2 to %(most)d days, each after the one before, from today.") % {"most": MOST_PARTS})
    if amounts is None:
        whole = shares(left // step, [1] * len(days))
        parts = [part * step for part in reversed(whole)]
        parts[-1] += left - sum(parts)
    else:
        parts = list(amounts)
    if len(parts) != len(days) or min(parts) <= 0 or sum(parts) != left:
        raise Refused(_("The parts do not sum to what is left: %(left)s.") % {"left": money.shown(left, row.currency)})
    row.instalments.all().delete()
    made, upto = [], row.paid
    for number, (day, part) in enumerate(zip(days, parts, strict=True), 1):
        upto += part
        made.append(Instalment(bill=row, number=number, due=day, amount=part, upto=upto))
    Instalment.objects.bulk_create(made)
    Bill.objects.filter(pk=row.pk).update(due=days[-1])
    audit.record(by, "ledger.plan", f"ledger.bill:{row.pk}", parts=len(parts))
    return made


def late(bill: Bill, on: date | None = None) -> int:
    """What of a bill should have been paid by now: all of it after its day, or by the parts of its plan."""
    day = on or timezone.localdate()
    parts = list(bill.instalments.all())
    if not parts:
        return bill.left if bill.due < day else 0
    expected = max((part.upto for part in parts if part.due < day), default=0)
    return max(0, min(expected - bill.paid, bill.left))


# --- Never, and back: one asks, another approves


@transaction.atomic
def ask_write_off(bill: int, *, reason: str, key: str, by: Actor) -> Wish:
    """Raises Refused, Denied."""
    access.require(by, BILL)
    row = _open(bill)
    if row.left <= 0:
        raise Refused(_("Nothing is left to pay of this bill."))
    return _wish(
        Wish(kind=Wish.Kind.WRITE_OFF, key=key, bill=row, payer_id=row.payer_id, amount=row.left, currency=row.currency), reason, by
    )  # fmt: skip


@transaction.atomic
def ask_refund(
    payer: int, amount: int, desk: Desk | None, *, currency: str, reason: str, key: str, by: Actor, payment: Payment | None = None
) -> Wish:  # fmt: skip
    """Asks to give back what a payer has paid ahead: out of a desk, or with `payment` by the operator that had taken it. Raises
    Refused, Denied."""
    access.require(by, BILL)
    before = Wish.objects.filter(key=key).first()
    if before is not None:
        return before
    if not 0 < amount <= billing.advance_of(payer, currency):
        raise Refused(_("They have not paid that much ahead."))
    if payment is not None:
        if (
            joined.holder(payment.payer_id or 0) != joined.holder(payer)
            or payment.currency != currency
            or payment.void
            or amount > payment.amount
        ):
            raise Refused(_("This payment was not made by them, or is less."))
        returning.original(payment, amount)
    return _wish(
        Wish(kind=Wish.Kind.REFUND, key=key, payer_id=payer, amount=amount, currency=currency, desk=None if payment else desk, payment=payment),
        reason, by,
    )  # fmt: skip


@transaction.atomic
def give_suspense_back(suspense_pk: int, name: str, desk: Desk | None, *, note: str, by: Actor) -> Wish:
    """Money that nobody could match goes back to whom it belongs: it becomes theirs, paid ahead, and a refund of all of it is asked for, out
    of a desk, or without one by the operator that took it. Asked again, the same wish. Raises Refused, Denied."""
    words = text.clean(name)[:200]
    row = Suspense.objects.select_for_update(of=("self",)).select_related("payment").get(pk=suspense_pk)
    key = f"suspense-back:{row.pk}"
    if (before := Wish.objects.filter(key=key).first()) is not None:
        return before
    if row.resolved is not None:
        raise Refused(_("Somebody has sorted it out meanwhile."))
    if not words:
        raise Refused(_("Say to whom it is given back."))
    owner = payers.payer(words)
    suspense.resolve(row.pk, payer=owner.pk, note=note, by=by)
    payment = Payment.objects.select_related("desk").get(pk=row.payment_id)
    return ask_refund(
        owner.pk, payment.amount, desk, currency=payment.currency, reason=note, key=key, by=by, payment=None if desk else payment
    )  # fmt: skip


def _wish(row: Wish, reason: str, by: Actor) -> Wish:
    if by.account is None:
        raise Refused(_("Log in first."))
    before = Wish.objects.filter(key=row.key).first()
    if before is not None:
        return before
    row.reason, row.asked_by = _why(reason), by.account
    row.save()
    audit.record(by, "ledger.wish", f"ledger.wish:{row.pk}", kind=row.kind, amount=row.amount)
    return row


@transaction.atomic
def decide(wish: int, yes: bool, *, note: str = "", by: Actor) -> Wish:
    """Approves and does it, or refuses it. Decided before in the same way, nothing happens. Raises Refused, Denied."""
    access.require(by, APPROVE)
    row = (
        Wish.objects.select_for_update(of=("self",))
        .select_related("desk__account", "payment__desk__account")
        .get(pk=wish)
    )
    if row.state != Wish.State.ASKED:
        if (row.state == Wish.State.REFUSED) is yes:
            raise Refused(_("Somebody else has decided otherwise already."))
        return row
    if by.account is None or by.account == row.asked_by:
        raise Refused(_("Another person decides than the one who asked."))
    if not yes:
        row.state, note = Wish.State.REFUSED, _why(note)
    elif row.kind == Wish.Kind.WRITE_OFF:
        _write_off(row, by)
    else:
        _refund(row, by)
    row.decided_by, row.decided = by.account, timezone.now()
    row.note = text.clean(note)[:300]
    row.save()
    audit.record(by, "ledger.decide", f"ledger.wish:{row.pk}", yes=yes)
    return row


def _write_off(row: Wish, by: Actor) -> None:
    if row.bill_id is None:
        raise Refused(_("This bill is not owed any more."))
    bill = _open(row.bill_id)
    if bill.left <= 0:
        raise Refused(_("It was paid meanwhile."))
    row.amount = bill.left
    row.entry = book.post(
        "write-off", [Leg(LOST, bill.left, bill.payer_id, bill.pk), Leg(RECEIVABLE, -bill.left, bill.payer_id, bill.pk)],
        key=f"write-off:{row.pk}", by=by, currency=bill.currency, about=("bill", bill.reference), words=row.reason,
    )  # fmt: skip
    Bill.objects.filter(pk=bill.pk).update(state=Bill.State.WRITTEN_OFF)
    row.state = Wish.State.DONE


def _refund(row: Wish, by: Actor) -> None:
    desk = row.payment.desk if row.payment is not None else row.desk
    if desk is None:
        raise Refused(_("Say from which desk it is paid."))
    joined.held(row.payer_id)
    if billing.advance_of(row.payer_id, row.currency) < row.amount:
        raise Refused(_("They have not paid that much ahead any more."))
    if book.balance(desk.account.code) < row.amount:
        raise Refused(_("There is not that much at this desk."))
    row.entry = book.post(
        "refund", [Leg(ADVANCES, row.amount, row.payer_id), Leg(desk.account.code, -row.amount, row.payer_id, None, desk.pk)],
        key=f"refund:{row.pk}", by=by, currency=row.currency, about=("wish", str(row.pk)), words=row.reason,
    )  # fmt: skip
    row.state = Wish.State.DONE
    if row.payment is not None:  # in the book from now on; it comes back there when the operator does not do it
        returning.send(row, by)
        row.state = Wish.State.SENT
