"""What a booking costs, in the ledger: one bill when it is sure, taken back when it is cancelled. Who does not come owes it all the same.

Never in the transaction that takes or gives a place: payers are not locked while a slot is.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.bookings import telling
from toguna.engines.bookings.events import Booked, BookingEnded
from toguna.engines.bookings.models import Booking
from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import money, text, town
from toguna.kernel.access import SYSTEM

INCOME = "7088"  # papers and services
KIND = "booking"  # what these bills are about
SURE = (Booking.State.BOOKED, Booking.State.CAME, Booking.State.NO_SHOW)
_STANDS = (ledger.Bill.State.OPEN, ledger.Bill.State.PAID)


def _key(code: str) -> str:
    return f"{KIND}:{code}"


def of(rows: Iterable[Booking]) -> dict[str, ledger.Bill]:
    """{code: its bill}, of those that have one. One statement, none where nothing costs."""
    codes = {_key(row.code): row.code for row in rows if row.price}
    return {codes[bill.key]: bill for bill in ledger.Bill.objects.filter(key__in=codes)} if codes else {}


def _locked(booking: int) -> Booking | None:
    rows = Booking.objects.select_for_update(of=("self",)).select_related("slot__resource", "person")
    return rows.filter(pk=booking).first()


@transaction.atomic
def bill(booking: int) -> ledger.Bill | None:
    """What is owed of a booking, issued once; None where it costs nothing, or nobody has the place for sure."""
    row = _locked(booking)
    if row is None or not row.price or row.state not in SURE or row.person is None:
        return None
    title = text.pick(row.slot.resource.titles)
    day = timezone.localdate(row.slot.start)
    return ledger.issue(
        ledger.payer(row.person.name or row.code, row.person.pk), [ledger.Due("principal", title, row.price, INCOME)],
        key=_key(row.code), due=max(day, timezone.localdate()), by=SYSTEM, words=f"{title} {day:%d/%m/%Y}", about=(KIND, row.code),
    )  # fmt: skip


def owed_at(address: str) -> list[ledger.Bill] | None:
    """What is still to be paid of what this telephone booked: for BALANCE and PAY. None where it is nothing."""
    persons = people.persons_at(address)
    rows = ledger.Bill.objects.filter(about_kind=KIND, payer__person__in=persons, state=ledger.Bill.State.OPEN)
    return list(rows.order_by("due", "pk")) or None if persons else None


def on_booked(event: Booked) -> None:
    """Reaction. Who booked by telephone has no page before them: the bill is said."""
    made = bill(event.booking)
    row = Booking.objects.select_related("slot__resource").filter(pk=event.booking, channel__in=("sms", "ussd")).first()
    if made is None or not made.left or row is None:
        return
    telling.tell(
        row, f"booking:{row.pk}:bill", lambda: _("%(what)s: %(amount)s, bill %(bill)s. Pay: %(pay)s"), bill=made.reference,
        amount=_shown(made.left, made), pay=f"{settings.TOGUNA_URL}{reverse('pay-bill', args=[made.reference])}",
    )  # fmt: skip


def _shown(amount: int, of: ledger.Bill) -> str:
    return money.shown(amount, of.currency, plain=True)


@transaction.atomic
def on_ended(event: BookingEnded) -> None:
    """Reaction: what is cancelled is not owed. What was paid of it is its payer's, paid ahead, once."""
    if event.state != Booking.State.CANCELLED or (row := _locked(event.booking)) is None:
        return
    found = of([row]).get(row.code)
    if found is None or found.state not in _STANDS:
        return
    ledger.cancel(found.pk, reason=_("The appointment was cancelled."), by=SYSTEM)
    if found.paid:
        telling.tell(
            row, f"booking:{row.pk}:back",
            lambda: _("%(what)s is cancelled. The %(amount)s that you paid are yours: for your next bill, or given back at the cash desk."),
            amount=_shown(found.paid, found),
        )  # fmt: skip


def on_paid(event: ledger.PaymentTaken) -> None:
    """Reaction: the receipt, to who booked."""
    payment = ledger.Payment.objects.select_related("desk").filter(pk=event.payment).first()
    if payment is None:
        return
    shares = payment.shares.values("bill")
    bills = {bill.about: bill for bill in ledger.Bill.objects.filter(pk__in=shares, about_kind=KIND)}
    for row in Booking.objects.filter(code__in=bills).select_related("slot__resource")[:1]:
        telling.tell(
            row, ledger.told(payment.pk), lambda: _("%(town)s: %(amount)s received for bill %(bill)s. Receipt %(receipt)s. Thank you."),
            town=town.current().name, amount=_shown(payment.amount, bills[row.code]), bill=bills[row.code].reference,
            receipt=ledger.receipt_number(payment),
        )  # fmt: skip
