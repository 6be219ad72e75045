"""FINE: what a ticket asks, by its number, on any phone."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Command, NotUnderstood, Said, Slot, Stop
from toguna.kernel import limits, money
from toguna.services.revenue.fines import books, reads
from toguna.services.revenue.models import Ticket

WHOLE = books.PREFIX + 2 + books.CHECK


def _number(said: Said, typed: str) -> str:
    if len(found := books.read(typed)) != WHOLE:
        raise NotUnderstood(_("Send the number of the ticket: nine letters and figures."))
    return found


def _there(said: Said) -> str | None:
    found = books.read(said.text)
    return found if len(found) == WHOLE else None


def _run(said: Said) -> str:
    try:
        limits.hit("revenue.fine", said.address, at_most=30, per=timedelta(hours=1))
    except limits.TooMany as error:
        raise Stop(str(error)) from error
    number = str(said.slots["number"])
    row = Ticket.objects.select_related("bill").filter(number=number).first()
    if row is None:
        return _("There is no ticket %(number)s. Read it again on the paper.") % {"number": number}
    if row.bill.left == 0:
        _tag, _icon, stand = reads.stand(row, False)
        return _("Ticket %(number)s: %(what)s. Nothing is left to pay.") % {"number": number, "what": stand}
    return _("Ticket %(number)s: %(amount)s before %(due)s. Pay with code %(code)s or at %(link)s") % {
        "number": number, "amount": money.shown(row.bill.left, row.bill.currency, plain=True),
        "due": date_format(row.due, "SHORT_DATE_FORMAT"), "code": row.bill.reference,
        "link": settings.TOGUNA_URL.partition("://")[2] + reverse("pay-bill", args=[row.bill.reference]),
    }  # fmt: skip


FINE = Command(
    name="fine",
    title=gettext_lazy("a ticket that I got"),
    keywords={"fr": ("AMENDE", "AMENDES"), "pt": ("MULTA", "MULTAS"), "en": ("FINE", "TICKET")},
    example={"fr": "AMENDE K3FT07XYZ", "pt": "MULTA K3FT07XYZ", "en": "FINE K3FT07XYZ"},
    slots=(Slot("number", gettext_lazy("Which number stands on the ticket?"), read=_number, guess=_there),),
    run=_run,
    menu=False,
    order=127,
)
