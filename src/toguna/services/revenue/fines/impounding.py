"""Vehicles that the town holds: in, so many days, and out only when all that they owe is paid."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit, money, text, town
from toguna.kernel.access import Actor
from toguna.services.revenue.fines import tickets
from toguna.services.revenue.fines.books import WRITE, Refused
from toguna.services.revenue.models import Impound, ImpoundFee, Ticket
from toguna.services.revenue.register import numbers

TARIFF = "fourriere"  # by the day: its measure is the number of days


@transaction.atomic
def bring_in(
    plate: str, place: str, *, client_id: uuid.UUID, by: Actor, ticket: Ticket | None = None, words: str = ""
) -> Impound:
    """A vehicle comes in. The same client_id again, or a vehicle that is there already, gives what there is. Raises Refused, Denied."""
    bare = ticket.plate if ticket is not None else numbers.plate(plate)
    zone = ticket.zone_id if ticket is not None else None
    access.require(by, WRITE, zone=zone, anywhere=zone is None)
    before = Impound.objects.filter(client_id=client_id).first()
    before = before or Impound.objects.filter(plate=bare, released=None).first()
    if before is not None:
        return before
    if by.account is None:
        raise Refused(_("Log in first."))
    if not bare:
        raise Refused(_("Write the number plate."))
    if not text.clean(place):
        raise Refused(_("Say where it stands."))
    if ticket is not None and not ticket.infraction.impound:
        raise Refused(_("The law does not let the town hold a vehicle for this."))
    payer = ticket.bill.payer if ticket is not None else tickets.payer_of(bare)
    try:
        with transaction.atomic():
            row = Impound.objects.create(
                client_id=client_id, ticket=ticket, plate=bare, words=text.clean(words)[:200], place=text.clean(place)[:120],
                payer=payer, zone_id=zone, since=timezone.now(), account=by.account,
            )  # fmt: skip
    except IntegrityError:
        return Impound.objects.get(plate=bare, released=None)
    audit.record(by, "revenue.impound", f"revenue.impound:{row.pk}")
    return row


@dataclass(frozen=True)
class Owes:
    """Of a vehicle that is held. days: begun, until today; fee: for all of them, minor units, None where no tariff holds; billed: of it;
    bills: all that must be paid before it leaves."""

    days: int
    fee: int | None
    billed: int
    bills: list[ledger.Bill]

    @property
    def left(self) -> int:
        return sum(bill.left for bill in self.bills)

    @property
    def ready(self) -> bool:
        """Whether it may leave."""
        return self.left == 0 and (self.fee is None or self.billed >= self.fee)


def owes(row: Impound, today: date | None = None) -> Owes:
    day = (timezone.localdate(row.released) if row.released else None) or today or timezone.localdate()
    days = max(1, (day - timezone.localdate(row.since)).days + 1)
    tariff = ledger.tariff(TARIFF)
    fee = None
    if tariff is not None:
        fee = ledger.quote(tariff, dict.fromkeys(ledger.wanted(tariff.rule), days)).total
    fees = [one.bill for one in row.fees.select_related("bill")]
    fined = Ticket.objects.filter(plate=row.plate).exclude(state=Ticket.State.CANCELLED).select_related("bill")
    waits = ledger.Bill.State.OPEN
    bills = [one.bill for one in fined.filter(bill__state=waits).order_by("at", "pk")] + fees
    return Owes(days, fee, sum(bill.amount for bill in fees), bills)


@transaction.atomic
def bill_days(impound: int, *, by: Actor, today: date | None = None) -> Owes:
    """Bills the days that were not billed yet, today included; asked again on the same day, nothing more. Raises Refused, Denied."""
    row = Impound.objects.select_for_update().get(pk=impound)
    access.require(by, WRITE, zone=row.zone_id, anywhere=row.zone_id is None)
    if row.released is not None:
        raise Refused(_("It has left already."))
    day, now = today or timezone.localdate(), owes(row, today)
    if now.fee is None:
        raise Refused(_("No price holds for a day in the pound: the council's act is missing."))
    more = now.fee - now.billed
    if more > 0 and not row.fees.filter(upto=day).exists():
        tariff = ledger.tariff(TARIFF)
        assert tariff is not None
        with translation.override(town.current().languages[0]):  # what is kept is said as the town says it
            words = _("Vehicle %(plate)s held until %(day)s, days in all: %(days)d") % {
                "plate": row.plate, "day": date_format(day, "SHORT_DATE_FORMAT"), "days": now.days,
            }  # fmt: skip
        try:
            bill = ledger.issue(
                row.payer, [ledger.Due("fee", f"{words} ({tariff.law})"[:200], more, tariff.income.code)], key=f"impound:{row.pk}:{day}",
                due=day, by=by, tariff=tariff, words=words, about=("impound", str(row.pk)),
            )  # fmt: skip
        except ledger.Refused as error:
            raise Refused(str(error)) from error
        ImpoundFee.objects.create(impound=row, upto=day, bill=bill)
        audit.record(by, "revenue.impound_fee", f"revenue.impound:{row.pk}", amount=more)
    return owes(row, today)


@transaction.atomic
def release(impound: int, *, to: str, by: Actor, today: date | None = None) -> Impound:
    """It leaves, to somebody who signs for it. Released before, nothing happens. Raises Refused, Denied."""
    row = Impound.objects.select_for_update().get(pk=impound)
    access.require(by, WRITE, zone=row.zone_id, anywhere=row.zone_id is None)
    if row.released is not None:
        return row
    whom = text.clean(to)[:200]
    if not whom:
        raise Refused(_("Write who takes it away."))
    now = owes(row, today)
    if not now.ready:
        missing = now.left + max(0, (now.fee or 0) - now.billed)
        raise Refused(_("%(amount)s is not paid yet.") % {"amount": money.shown(missing)})
    row.released, row.released_to, row.released_by = timezone.now(), whom, by.account
    row.save()
    audit.record(by, "revenue.release", f"revenue.impound:{row.pk}")
    return row
