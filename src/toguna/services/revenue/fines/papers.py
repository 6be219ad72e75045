"""A ticket and a slip of release on paper: the ledger's drawing, on a roll or a page."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import town
from toguna.services.revenue.fines import impounding
from toguna.services.revenue.models import Impound, Ticket


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def ticket(row: Ticket) -> ledger.Slip:
    """With what is owed now, and the code by which it is paid from a telephone."""
    facts = [(_("Number plate"), row.plate), (_("Name"), row.name), (_("Place"), row.place), (_("Law"), row.law)]
    facts += [(_("To be paid before"), _day(row.due)), (_("Can be contested until"), _day(row.contest_until))]
    if row.more and row.raised is None and row.more_on is not None:
        facts.append((_("More after"), f"{_day(row.more_on)}: +{row.more} %"))
    facts.append((_("Code to pay by phone"), row.bill.reference))
    address = settings.TOGUNA_URL + reverse("fine", args=[row.number])
    lines = [(line.words, line.amount) for line in row.bill.lines.all()]
    return ledger.Slip(
        title=_("Ticket"), number=row.number, at=row.at, amount=row.bill.amount, currency=row.bill.currency,
        facts=[one for one in facts if one[1]], lines=lines, qr=address, address=address, check=_("See it, pay it, contest it:"),
        void=_("cancelled") if row.state == Ticket.State.CANCELLED else "",
    )  # fmt: skip


def release(row: Impound) -> ledger.Slip:
    """With the days, and all that was paid for the vehicle to leave."""
    now = impounding.owes(row)
    lines = [(one.bill.words, one.bill.amount) for one in row.fees.select_related("bill")]
    if row.ticket is not None and row.ticket.state != Ticket.State.CANCELLED:
        lines.insert(0, (row.ticket.bill.words, row.ticket.bill.amount))
    facts = [
        (_("Number plate"), row.plate), (_("Vehicle"), row.words), (_("Held since"), _day(timezone.localdate(row.since))),
        (_("Days"), str(now.days)), (_("Handed to"), row.released_to),
    ]  # fmt: skip
    return ledger.Slip(
        title=_("Vehicle released"), number=f"{row.plate}-{row.pk}", at=row.released or timezone.now(), amount=sum(one[1] for one in lines),
        currency=town.current().currency, place=row.place,
        facts=[one for one in facts if one[1]], lines=lines, signers=[_("The pound"), _("Whoever takes it away")],
    )  # fmt: skip
