"""What people say against a ticket, and what a head of service decides."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, audit, money, text, town
from toguna.kernel.access import Actor
from toguna.services.revenue.fines import tickets
from toguna.services.revenue.fines.books import DECIDE, Refused
from toguna.services.revenue.models import Ticket, TicketContest

MOST = 3  # times that a ticket is contested
MORE_TIME = 15  # days to pay once it is answered, at the least


@transaction.atomic
def contest(
    ticket: Ticket, reason: str, *, client_id: uuid.UUID, by: Actor, phone: str = "", files: Sequence[bytes] = ()
) -> TicketContest:
    """They say that it is wrong. The caller has checked that they hold the ticket. The same client_id again is the same. Raises Refused,
    ValidationError."""
    row = Ticket.objects.select_for_update().get(pk=ticket.pk)
    before = TicketContest.objects.filter(client_id=client_id).first()
    if before is not None:
        return before
    if row.state == Ticket.State.CANCELLED:
        raise Refused(_("This ticket was cancelled: you owe nothing."))
    if timezone.localdate() > row.contest_until:
        raise Refused(
            _("It could be contested until %(day)s.") % {"day": date_format(row.contest_until, "SHORT_DATE_FORMAT")}
        )
    words = text.clean(reason)[:2000]
    if len(words) < 5:
        raise Refused(_("Say in a few words what is wrong."))
    there = list(row.contests.all())
    if len(there) >= MOST or any(one.state == TicketContest.State.OPEN for one in there):
        raise Refused(_("The town still has to answer what you contested before."))
    made = TicketContest.objects.create(
        ticket=row, client_id=client_id, reason=words, phone=people.normal_phone(phone) if phone else ""
    )
    for n, data in enumerate(files[: tickets.MOST_PHOTOS]):
        tickets.keep_photo(row, uuid.uuid5(client_id, str(n)), data, contest=made)
    audit.record(by, "revenue.contest_ticket", f"revenue.ticket:{row.pk}")
    return made


@transaction.atomic
def decide(contest: int, state: str, words: str, *, by: Actor, amount: int = 0) -> TicketContest:
    """The ticket stands, is reduced to `amount` (minor units), or is cancelled, by a credit note; and they are told why. Decided before,
    nothing happens. Raises Refused, Denied."""
    row = TicketContest.objects.select_for_update(of=("self",)).select_related("ticket").get(pk=contest)
    access.require(by, DECIDE, zone=row.ticket.zone_id, anywhere=row.ticket.zone_id is None)
    if row.state != TicketContest.State.OPEN:
        return row
    said = text.clean(words)[:500]
    if len(said) < 3:
        raise Refused(_("Say why, in words that the person can read."))
    if state not in (TicketContest.State.UPHELD, TicketContest.State.REDUCED, TicketContest.State.CANCELLED):
        raise Refused(_("There is no such action."))
    if by.account is not None and by.account == row.ticket.account:
        raise Refused(_("Another person decides than the officer who wrote it."))
    if state != TicketContest.State.UPHELD:
        to = amount if state == TicketContest.State.REDUCED else 0
        _less(row.ticket, to, said, f"fine-contest:{row.pk}", by)
    row.state, row.answer, row.decided, row.account = state, said, timezone.now(), by.account
    row.save()
    # The days in which they waited are not held against them.
    day = timezone.localdate() + timedelta(days=MORE_TIME)
    for name in ("due", "then_on", "more_on"):
        Ticket.objects.filter(Q(**{f"{name}__lt": day}), pk=row.ticket_id, went="").update(**{name: day})
    audit.record(by, "revenue.decide_ticket", f"revenue.ticket:{row.ticket_id}", state=state, reason=said)
    _tell(row, said)
    return row


@transaction.atomic
def cancel(ticket: int, *, reason: str, by: Actor) -> Ticket:
    """A ticket that should never have been: wrong plate, written twice. Its number stays. Cancelled again, nothing happens. Raises
    Refused, Denied."""
    row = Ticket.objects.select_for_update().get(pk=ticket)
    access.require(by, DECIDE, zone=row.zone_id, anywhere=row.zone_id is None)
    if row.state == Ticket.State.CANCELLED:
        return row
    why = text.clean(reason)[:300]
    if not why:
        raise Refused(_("Say why."))
    _less(row, 0, why, f"fine-cancel:{row.pk}", by)
    row.contests.filter(state=TicketContest.State.OPEN).update(
        state=TicketContest.State.CANCELLED, answer=why, decided=timezone.now(), account=by.account
    )
    audit.record(by, "revenue.cancel_ticket", f"revenue.ticket:{row.pk}", reason=why)
    return row


def _less(ticket: Ticket, to: int, why: str, key: str, by: Actor) -> None:
    """Who decides for the service makes a bill less without being of the cash desks. What was paid beyond is held for the payer."""
    bill = ledger.Bill.objects.get(pk=ticket.bill_id)
    if to and not 0 < to < bill.amount:
        raise Refused(_("Give an amount below %(amount)s.") % {"amount": money.shown(bill.amount, bill.currency)})
    acting = by.as_town()
    try:
        if bill.amount > to:
            ledger.credit(bill.pk, bill.amount - to, reason=why, key=key, by=acting)
    except ledger.Refused as error:
        raise Refused(str(error)) from error
    ticket.state = Ticket.State.REDUCED if to else Ticket.State.CANCELLED
    ticket.save(update_fields=["state"])


def _tell(row: TicketContest, why: str) -> None:
    address = row.phone or row.ticket.phone
    if not address:
        return
    language = town.current().languages[0]
    with translation.override(language):
        words = _("Ticket %(number)s: %(what)s. %(why)s") % {
            "number": row.ticket.number, "what": row.get_state_display(), "why": why,
        }  # fmt: skip
    channels.send("sms", address, key=f"revenue.fine-contest:{row.pk}", text=words, language=language)
