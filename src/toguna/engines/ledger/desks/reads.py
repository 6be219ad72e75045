"""What the pages of cash desks show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.ledger.desks import actions, cashbook
from toguna.engines.ledger.models.desks import Count, Session, Voucher
from toguna.engines.ledger.receipts import reads as receipts
from toguna.engines.ledger.receipts.paper import Slip
from toguna.engines.people import api as people
from toguna.kernel import money, town
from toguna.kernel.access import Actor

State = Session.State


def _names(accounts: set[int | None]) -> dict[int | None, str]:
    found = people.Account.objects.filter(pk__in=[one for one in accounts if one]).only("name", "email")
    return {one.pk: one.name or one.email or "" for one in found}


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")


def desks() -> list[dict[str, Any]]:
    """The desks in use: {desk, taken: the name of who has it open, or ""}."""
    open_now = dict(Session.objects.exclude(state=State.CLOSED).values_list("desk_id", "cashier"))
    names = _names(set(open_now.values()))
    return [{"desk": one, "taken": names.get(open_now.get(one.pk), "")} for one in cashbook.desks()]


def offered(actor: Actor) -> list[dict[str, Any]]:
    rows = Session.objects.filter(state=State.OFFERED, offered_to=actor.account).select_related("desk")
    return [
        {
            "pk": one.pk,
            "desk": one.desk,
            "who": actions.name_of(one.cashier),
            "amount": money.shown(one.counted or 0, one.currency),
        }
        for one in rows
    ]


def colleagues(actor: Actor) -> list[tuple[int, str]]:
    """Who may take a desk over: (account, name)."""
    return [(a.pk, a.name or a.email or "") for a in people.staff_with(actions.CASH) if a.pk != actor.account]


@dataclass(frozen=True)
class Taken:
    pk: int
    said: str
    time: str
    amount: int
    currency: str
    void: bool


def payments(session: Session, most: int) -> list[Taken]:
    """The last payments of a session, the newest first."""
    return [
        Taken(
            one.pk,
            receipts.number(one),
            date_format(timezone.localtime(one.at), "TIME_FORMAT"),
            one.amount,
            one.currency,
            bool(one.void),
        )
        for one in _of(session)[:most]
    ]


def _of(session: Session) -> Any:
    return cashbook.payments(session.desk, session.opened, session.closed)


def numbered(voucher: Voucher) -> str:
    """ "B3-2026-00012": of the desk 3, or BS for the safe."""
    return f"B{voucher.desk_id or 'S'}-{voucher.year}-{voucher.number:05d}"


def slip(voucher: Voucher) -> Slip:
    """The voucher on paper, with places to sign."""
    titles = {
        Voucher.Kind.OUTLAY: _("Cash voucher"),
        Voucher.Kind.DEPOSIT: _("Slip of a deposit"),
        Voucher.Kind.SAFE: _("Slip for the safe"),
        Voucher.Kind.SUPPLY: _("Slip for the safe"),
    }
    kind = Voucher.Kind(voucher.kind)
    facts = [(_("Reference"), voucher.reference)]
    if voucher.desk:
        facts.append((_("Desk"), voucher.desk.name))
    facts.append((_("Written by"), actions.name_of(voucher.account)))
    if voucher.paid_to:
        facts.append((_("To whom"), voucher.paid_to))
    signers = {
        Voucher.Kind.OUTLAY: [_("Received by"), _("Cashier")],
        Voucher.Kind.DEPOSIT: [_("Handed in by"), _("The bank")],
    }
    return Slip(
        title=titles[kind],
        number=numbered(voucher),
        at=voucher.at,
        amount=voucher.amount,
        currency=voucher.currency,
        facts=facts,
        lines=[(voucher.words or str(kind.label), voucher.amount)],
        signers=signers.get(kind, [_("Cashier"), _("Keeper of the safe")]),
    )


def told(session: Session, supervises: bool) -> dict[str, Any]:
    """A session line by line. What the book expects is told once it is counted, or to who supervises."""
    counts = list(session.counts.all())
    names = _names(
        {
            session.cashier,
            session.offered_to,
            *(one.account for one in counts),
            session.after.cashier if session.after else None,
        }
    )
    done = session.state != State.OPEN
    taken = list(_of(session))
    return {
        "session": session,
        "cashier": names.get(session.cashier, ""),
        "successor": names.get(session.after.cashier) if session.after else names.get(session.offered_to),
        "opened": _moment(session.opened),
        "closed": _moment(session.closed) if session.closed else "",
        "payments": payments(session, 200),
        "taken": sum(one.amount for one in taken if not bool(one.void)),
        "number": len(taken),
        "vouchers": [{"row": one, "said": numbered(one)} for one in session.vouchers.all()],
        "counts": [
            {
                "kind": Count.Kind(one.kind).label,
                "at": _moment(one.at),
                "who": names.get(one.account, ""),
                "total": one.total,
                "pieces": [(money.shown(int(piece), session.currency), n) for piece, n in one.pieces.items()],
                "difference": one.total - one.expected if done or supervises else None,
            }
            for one in counts
        ],
        "expected": session.expected if done else cashbook.held(session.desk) if supervises else None,
        "variance": session.variance,
    }


def board() -> dict[str, Any]:
    """All desks now; the safe, what is on its way to the bank, and the sessions that closed lately."""
    currency = town.current().currency
    live = list(Session.objects.exclude(state=State.CLOSED).select_related("desk").order_by("opened"))
    ended = list(Session.objects.filter(state=State.CLOSED).select_related("desk").order_by("-closed")[:30])
    waiting = list(Voucher.objects.filter(kind=Voucher.Kind.DEPOSIT, bank_line=None).order_by("at")[:50])
    names = _names({one.cashier for one in live + ended})
    rows = []
    for one in live:
        taken = [found for found in _of(one) if not found.void]
        last = max((found.at for found in taken), default=None)
        rows.append(
            {
                "session": one,
                "who": names.get(one.cashier, ""),
                "opened": _moment(one.opened),
                "number": len(taken),
                "taken": sum(found.amount for found in taken),
                "held": cashbook.held(one.desk),
                "last": date_format(timezone.localtime(last), "TIME_FORMAT") if last else "",
            }
        )
    return {
        "live": rows,
        "closed_desks": [one for one in cashbook.desks() if one.pk not in {s.desk_id for s in live}],
        "ended": [
            {"session": one, "who": names.get(one.cashier, ""), "closed": _moment(one.closed)}
            for one in ended
            if one.closed
        ],
        "waiting": [{"row": one, "said": numbered(one), "day": timezone.localdate(one.at)} for one in waiting],
        "safe": money.shown(cashbook.in_safe(), currency),
        "transit": money.shown(cashbook.in_transit(), currency),
    }
