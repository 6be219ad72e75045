"""What is done at a cash desk. Each verb is one transaction: the power may fail at any line of it.

The book says what a desk holds (`held`): never a sum of our own. A session's row is locked shared by whatever moves its cash
and alone by whatever ends it, so that nothing slips in between a count and its closing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import pairwise

from django.contrib.auth.hashers import check_password, make_password
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.desks import cashbook, counting
from toguna.engines.ledger.desks.events import CashDeposited, SessionClosed, SessionOpened
from toguna.engines.ledger.models import Account, Desk, Payment
from toguna.engines.ledger.models.desks import CashPin, Count, Session, Voucher
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, events, limits, money, turns
from toguna.kernel.access import Actor

CASH, SUPERVISE = "ledger.cash", "ledger.supervise"
State = Session.State
MOST = 10**13  # minor units


def _said(amount: int, currency: str) -> str:
    return money.shown(amount, currency)


def _account(by: Actor) -> int:
    if by.account is None:
        raise access.Denied(by, CASH)
    return by.account


@transaction.atomic
def open_session(desk: int, pieces: Mapping[int, int], *, by: Actor, client_id: uuid.UUID) -> Session:
    """Opens a desk with the float that was counted; what the book does not have at the desk yet comes from the safe.
    Raises Refused, counting.BadCount, access.Denied."""
    access.require(by, CASH)
    row = Desk.objects.select_for_update().filter(pk=desk, active=True).first()
    if (before := Session.objects.filter(client_id=client_id, cashier=_account(by)).first()) is not None:
        return before
    if row is None:
        raise Refused(_("This desk is not in use."))
    if (other := Session.objects.filter(desk=row).exclude(state=State.CLOSED).first()) is not None:
        raise Refused(
            _("%(desk)s is still open with %(name)s: it has to be closed or handed over first.")
            % {"desk": row.name, "name": name_of(other.cashier)}
        )
    own = Session.objects.filter(cashier=_account(by)).exclude(state=State.CLOSED).select_related("desk").first()
    if own is not None:
        raise Refused(_("You have %(desk)s open already: close it first.") % {"desk": own.desk.name})
    currency = cashbook.currency(row)
    total = counting.worth(pieces, currency)
    _bounded(total)
    made = Session.objects.create(desk=row, cashier=_account(by), currency=currency, float=total, client_id=client_id)
    if missing := total - cashbook.held(row):
        cashbook.between_safe_and_desk(row, missing, currency, key=f"cash-open:{client_id}", by=by, about=made)
    _count(made, Count.Kind.OPENING, pieces, total, total, by)
    audit.record(by, "ledger.open_desk", f"ledger.session:{made.pk}", desk=row.pk, float=total)
    events.publish(SessionOpened(made.pk, row.pk))
    return made


def _bounded(amount: int) -> None:
    if not 0 <= amount <= MOST:
        raise Refused(_("This amount is too large."))


def _count(
    session: Session, kind: Count.Kind, pieces: Mapping[int, int], total: int, expected: int, by: Actor
) -> Count:
    return Count.objects.create(
        session=session,
        kind=kind,
        pieces=counting.kept(pieces),
        total=total,
        expected=expected,
        account=_account(by),
    )


def session_of(by: Actor) -> Session | None:
    """The desk that this cashier has open, or has offered."""
    if by.account is None:
        return None
    return Session.objects.filter(cashier=by.account).exclude(state=State.CLOSED).select_related("desk").first()


def _held_open(session: int, by: Actor) -> Session:
    """The session, with nobody able to close it until this transaction ends. Many payments may hold it at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM ledger_cash_session WHERE id = %s FOR SHARE", [session])
    row = Session.objects.select_related("desk").get(pk=session)
    if row.cashier != _account(by):
        raise Refused(_("This desk is open with %(name)s, not with you.") % {"name": name_of(row.cashier)})
    if row.state != State.OPEN:
        raise Refused(_("This desk is counted or closed: open it again before taking money."))
    return row


def _locked(session: int, by: Actor) -> Session:
    row = Session.objects.select_for_update(of=("self",)).select_related("desk").get(pk=session)
    if row.cashier != _account(by):
        access.require(by, SUPERVISE)  # of whoever is ill or gone
    return row


@transaction.atomic
def take(
    session: int,
    amount: int,
    *,
    by: Actor,
    client_id: uuid.UUID,
    bills: list[int] | None = None,
    payer: int | None = None,
    reference: str = "",
    method: str = "cash",
) -> Payment:
    """Money comes in: the payment with its receipt's number. method: "cash", or one of `cashbook.OTHERS`, which does not lie in the
    desk. The same client_id again is the same payment. Raises Refused."""
    access.require(by, CASH)
    turns.one_at_a_time(f"ledger.voucher {client_id}")
    if (before := Payment.objects.filter(key=f"cash:{client_id}").first()) is not None:
        return before
    row = _held_open(session, by)
    if not 0 < amount <= MOST:
        raise Refused(_("Say an amount above 0."))
    if method != "cash":
        return cashbook.take_other(
            method, amount, row.currency, bills=bills, payer=payer, reference=reference, key=f"cash:{client_id}", by=by
        )
    return cashbook.take(
        row.desk, amount, row.currency, bills=bills, payer=payer, reference=reference, key=f"cash:{client_id}", by=by
    )


@transaction.atomic
def pay_out(
    session: int, amount: int, expense: int, words: str, *, paid_to: str, by: Actor, client_id: uuid.UUID
) -> Voucher:
    """Cash goes out for an outlay of the town, against a voucher. Raises Refused."""
    access.require(by, CASH)
    turns.one_at_a_time(f"ledger.voucher {client_id}")
    if (before := Voucher.objects.filter(client_id=client_id).first()) is not None:
        return before
    row = _held_alone(session, by)
    if not words.strip():
        raise Refused(_("Say what was paid."))
    account = Account.objects.filter(pk=expense, kind=Account.Kind.EXPENSE).first()
    if account is None:
        raise Refused(_("Choose the account of expense."))
    _holds(row, amount)
    made = _voucher(
        Voucher.Kind.OUTLAY,
        amount,
        row.currency,
        words,
        desk=row.desk,
        session=row,
        paid_to=paid_to,
        by=by,
        client_id=client_id,
        post=lambda key: cashbook.outlay(row.desk, account, amount, row.currency, key=key, by=by, words=words),
    )
    audit.record(by, "ledger.pay_out", f"ledger.session:{row.pk}", amount=amount, voucher=made.pk)
    return made


def _held_alone(session: int, by: Actor) -> Session:
    """As `_held_open`, and nobody else: what goes out must not go out twice."""
    Session.objects.select_for_update().get(pk=session)
    return _held_open(session, by)


def _holds(row: Session, amount: int) -> None:
    if not 0 < amount <= MOST:
        raise Refused(_("Say an amount above 0."))
    if amount > (held := cashbook.held(row.desk)):
        raise Refused(_("The desk holds %(held)s only.") % {"held": _said(held, row.currency)})


@transaction.atomic
def exchange_with_safe(session: int, amount: int, *, to_safe: bool, by: Actor, client_id: uuid.UUID) -> Voucher:
    """Too much cash goes into the safe during the day, or change comes from it. Raises Refused."""
    access.require(by, CASH)
    turns.one_at_a_time(f"ledger.voucher {client_id}")
    if (before := Voucher.objects.filter(client_id=client_id).first()) is not None:
        return before
    row = _held_alone(session, by)
    if to_safe:
        _holds(row, amount)
    elif not 0 < amount <= MOST:
        raise Refused(_("Say an amount above 0."))
    made = _voucher(
        Voucher.Kind.SAFE if to_safe else Voucher.Kind.SUPPLY,
        amount,
        row.currency,
        "",
        desk=row.desk,
        session=row,
        paid_to="",
        by=by,
        client_id=client_id,
        post=lambda key: cashbook.between_safe_and_desk(
            row.desk, -amount if to_safe else amount, row.currency, key=key, by=by, about=row
        ),
    )
    audit.record(by, "ledger.safe", f"ledger.session:{row.pk}", amount=amount, to_safe=to_safe)
    return made


@transaction.atomic
def count_now(session: int, pieces: Mapping[int, int], *, by: Actor) -> Count:
    """A check during the day, by the cashier or a supervisor: nothing is posted. Raises Refused, counting.BadCount."""
    access.require(by, CASH)
    row = _locked(session, by)
    if row.state != State.OPEN:
        raise Refused(_("This desk is not open."))
    total = counting.worth(pieces, row.currency)
    made = _count(row, Count.Kind.MIDDLE, pieces, total, cashbook.held(row.desk), by)
    audit.record(by, "ledger.count_desk", f"ledger.session:{row.pk}", counted=total, expected=made.expected)
    return made


def _counted(row: Session, pieces: Mapping[int, int], reason: str, by: Actor) -> int:
    """The count that ends a session: what differs from the book is posted with its reason. Gives the total."""
    total = counting.worth(pieces, row.currency)
    _bounded(total)
    expected = cashbook.held(row.desk)
    reason = " ".join(reason.split())[:300]
    if (variance := total - expected) and not reason:
        raise Differs(variance, row.currency)
    _count(row, Count.Kind.CLOSING, pieces, total, expected, by)
    if variance:
        cashbook.variance(
            row.desk, variance, row.currency, key=f"cash-variance:{row.client_id}", by=by, about=row, words=reason
        )
    row.expected, row.counted, row.reason = expected, total, reason
    return total


class Differs(Refused):
    """What was counted is not what the book says, and no reason is given. difference: minor units."""

    def __init__(self, difference: int, currency: str) -> None:
        self.difference = difference
        said = _said(abs(difference), currency)
        super().__init__(
            _("%(amount)s lacks. Count again; if it stays so, say why and close.") % {"amount": said}
            if difference < 0
            else _("There is %(amount)s too much. Count again; if it stays so, say why and close.") % {"amount": said}
        )


@transaction.atomic
def close_session(session: int, pieces: Mapping[int, int], *, reason: str = "", by: Actor) -> Session:
    """Counts, posts what differs, puts all into the safe and closes. Once closed, again gives the same session. Raises
    Differs when a difference has no reason, Refused, counting.BadCount, access.Denied."""
    access.require(by, CASH)
    row = _locked(session, by)
    if row.state == State.CLOSED:
        return row
    if row.state == State.OFFERED:
        raise Refused(
            _("This desk is offered to %(name)s: take the offer back first.") % {"name": name_of(row.offered_to)}
        )
    if total := _counted(row, pieces, reason, by):
        cashbook.between_safe_and_desk(
            row.desk, -total, row.currency, key=f"cash-close:{row.client_id}", by=by, about=row
        )
    _ended(row, by, handed_over=False)
    return row


def _ended(row: Session, by: Actor, *, handed_over: bool) -> None:
    row.state, row.closed = State.CLOSED, timezone.now()
    row.save()
    variance = row.variance or 0
    audit.record(
        by, "ledger.close_desk", f"ledger.session:{row.pk}", desk=row.desk_id, counted=row.counted, variance=variance
    )
    events.publish(SessionClosed(row.pk, row.desk_id, variance, handed_over))


@transaction.atomic
def offer(session: int, to: int, pieces: Mapping[int, int], *, reason: str = "", by: Actor) -> Session:
    """Counts, posts what differs, and offers the desk with its cash to a colleague, who signs with `take_over` or
    `sign_over`. to: their account. Raises Differs, Refused, counting.BadCount."""
    access.require(by, CASH)
    row = _locked(session, by)
    if row.cashier != by.account:
        raise Refused(_("Only who has the desk can hand it over: close it instead."))
    if row.state == State.OFFERED and row.offered_to == to:
        return row
    if row.state != State.OPEN:
        raise Refused(_("This desk is not open."))
    if to == by.account or to not in {a.pk for a in people.staff_with(CASH)}:
        raise Refused(_("Choose a colleague who may keep a cash desk."))
    if Session.objects.filter(cashier=to).exclude(state=State.CLOSED).exists():
        raise Refused(_("%(name)s has another desk open.") % {"name": name_of(to)})
    _counted(row, pieces, reason, by)
    row.state, row.offered_to = State.OFFERED, to
    row.save()
    audit.record(by, "ledger.offer_desk", f"ledger.session:{row.pk}", to=to, counted=row.counted)
    return row


@transaction.atomic
def take_back(session: int, *, by: Actor) -> Session:
    """The colleague did not come, or counts otherwise: the desk goes on with who offered it."""
    access.require(by, CASH)
    row = _locked(session, by)
    if row.state != State.OFFERED:
        return row
    row.state, row.offered_to, row.client_id = (
        State.OPEN,
        None,
        uuid.uuid4(),
    )  # the next count posts under a key of its own
    row.expected = row.counted = None
    row.save()
    audit.record(by, "ledger.take_back_desk", f"ledger.session:{row.pk}")
    return row


@transaction.atomic
def take_over(session: int, *, by: Actor) -> Session:
    """Who was offered the desk signs, logged in: theirs from now on, with what was counted as float. Raises Refused."""
    access.require(by, CASH)
    return _taken_over(session, _account(by), by, "login")


def sign_over(session: int, pin: str, *, by: Actor) -> Session:
    """Who was offered the desk signs with their PIN on the screen of who offers it. Raises Refused, limits.TooMany."""
    access.require(by, CASH)
    row = Session.objects.get(pk=session)
    if row.cashier != by.account or row.offered_to is None:
        raise Refused(_("This desk is offered to nobody."))
    # Outside the transaction: a try that failed still counts.
    limits.hit("cash-pin", str(row.offered_to), at_most=5, per=timedelta(minutes=15))
    known = CashPin.objects.filter(pk=row.offered_to).first()
    if known is None:
        raise Refused(
            _("%(name)s has no PIN yet: they set it in their own session, or sign there.")
            % {"name": name_of(row.offered_to)}
        )
    if row.offered_to not in {a.pk for a in people.staff_with(CASH)} or not check_password(pin.strip(), known.secret):
        audit.record(by, "ledger.wrong_pin", f"ledger.session:{row.pk}", to=row.offered_to)
        raise Refused(_("This PIN is not that of %(name)s.") % {"name": name_of(row.offered_to)})
    with transaction.atomic():
        return _taken_over(session, row.offered_to, by, "pin")


def _taken_over(session: int, to: int, by: Actor, signed: str) -> Session:
    row = Session.objects.select_for_update(of=("self",)).select_related("desk").get(pk=session)
    if row.state == State.CLOSED and (after := row.after) is not None and after.cashier == to:
        return after
    if row.state != State.OFFERED or row.offered_to != to:
        raise Refused(_("This desk is not offered to you."))
    if Session.objects.filter(cashier=to).exclude(state=State.CLOSED).exists():
        raise Refused(_("%(name)s has another desk open.") % {"name": name_of(to)})
    # A payment that came from elsewhere since the count (an offline device) would make the float another one.
    counted = row.counted or 0
    if cashbook.held(row.desk) != counted:
        raise Refused(_("Cash has come in since it was counted: count once more."))
    row.signed = signed
    _ended(row, by, handed_over=True)
    made = Session.objects.create(
        desk=row.desk, cashier=to, currency=row.currency, float=counted, client_id=uuid.uuid4(), signed=signed
    )
    Session.objects.filter(pk=row.pk).update(after=made)
    last = row.counts.filter(kind=Count.Kind.CLOSING).last()
    Count.objects.create(
        session=made,
        kind=Count.Kind.OPENING,
        pieces=last.pieces if last else {},
        total=counted,
        expected=counted,
        account=to,
    )
    audit.record(by, "ledger.take_over_desk", f"ledger.session:{made.pk}", of=row.cashier, to=to, signed=signed)
    events.publish(SessionOpened(made.pk, row.desk_id))
    return made


def set_pin(pin: str, *, by: Actor) -> None:
    """The PIN of whoever is logged in: 6 to 12 figures, not all alike or in a row. Raises Refused."""
    access.require(by, CASH)
    pin = pin.strip()
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)} if pin.isascii() and pin.isdigit() else set()
    if not 6 <= len(pin) <= 12 or not steps or steps in ({0}, {1}, {9}):
        raise Refused(_("A PIN has 6 to 12 figures, not all alike nor in a row."))
    with transaction.atomic():
        CashPin.objects.update_or_create(pk=_account(by), defaults={"secret": make_password(pin)})
        audit.record(by, "ledger.set_pin", f"people.account:{by.account}")


@transaction.atomic
def deposit(amount: int, currency: str, words: str, *, by: Actor, client_id: uuid.UUID) -> Voucher:
    """Cash leaves the safe for the bank; the statement of the bank, by its reference, says when it came. Raises Refused."""
    access.require(by, SUPERVISE)
    turns.one_at_a_time(f"ledger.voucher {client_id}")
    if (before := Voucher.objects.filter(client_id=client_id).first()) is not None:
        return before
    cashbook.lock_safe()
    if not 0 < amount <= MOST:
        raise Refused(_("Say an amount above 0."))
    if amount > (held := cashbook.in_safe()):
        raise Refused(_("The safe holds %(held)s only.") % {"held": _said(held, currency)})
    made = _voucher(
        Voucher.Kind.DEPOSIT,
        amount,
        currency,
        words,
        desk=None,
        session=None,
        paid_to="",
        by=by,
        client_id=client_id,
        post=lambda key: cashbook.to_bank(amount, currency, key=key, by=by),
    )
    audit.record(by, "ledger.deposit", f"ledger.voucher:{made.pk}", amount=amount)
    events.publish(CashDeposited(made.pk))
    return made


def _voucher(
    kind: Voucher.Kind,
    amount: int,
    currency: str,
    words: str,
    *,
    desk: Desk | None,
    session: Session | None,
    paid_to: str,
    by: Actor,
    client_id: uuid.UUID,
    post: Callable[[str], int],
) -> Voucher:
    """post(key): posts, and gives the id of its entry."""
    entry = post(f"voucher:{client_id}")
    year = timezone.localdate().year
    with connection.cursor() as cursor:  # the counter last: whoever waits for it waits the least
        cursor.execute(
            """
            INSERT INTO ledger_voucher_counter AS c (desk_id, year, last) VALUES (%s, %s, 1)
            ON CONFLICT (desk_id, year) DO UPDATE SET last = c.last + 1 RETURNING last
            """,
            [desk.pk if desk else None, year],
        )
        (number,) = cursor.fetchone()
    return Voucher.objects.create(
        desk=desk,
        session=session,
        kind=kind,
        year=year,
        number=number,
        amount=amount,
        currency=currency,
        words=" ".join(words.split())[:200],
        paid_to=" ".join(paid_to.split())[:120],
        reference=codes.make(8),
        entry_id=entry,
        account=_account(by),
        client_id=client_id,
    )


def name_of(account: int | None) -> str:
    """The name of who has that account."""
    row = people.Account.objects.filter(pk=account or 0).only("name", "email").first()
    return (row.name or row.email or "") if row else _("somebody")
