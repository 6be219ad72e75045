"""What standing orders do by themselves: they say what will be asked for, ask for it on their day, try again, and end when
nobody pays. All that is known stands in the rows: a worker that dies leaves nothing half done, and nothing is asked for twice."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from toguna.engines.channels import api as channels
from toguna.engines.ledger import joined
from toguna.engines.ledger.events import told
from toguna.engines.ledger.models import Bill, PaymentRequest, StandingOrder
from toguna.engines.ledger.providers import asking, ways
from toguna.engines.ledger.providers.events import PaymentAnswered
from toguna.engines.ledger.settling import late
from toguna.kernel import audit, limits, money, town
from toguna.kernel.access import SYSTEM

State = PaymentRequest.State
AHEAD, BEHIND = (
    timedelta(days=2),
    timedelta(days=10),
)  # it is said before it is asked; it is asked late, if not too late
TRIES, PAUSE = 3, timedelta(days=4)  # longer than a provider's queue has ever paid late: `following.AFTER`
MISSED = 3  # months in a row
HOURS = range(8, 19)  # a telephone does not ring at night for a tax
BATCH = 200
_KEYS = uuid.UUID("6a1e1c1c-5d0f-4d07-8a5c-0c1d5c7a3b90")
_OVER, _UNPAID = gettext_noop("its time is over"), gettext_noop("not paid three months in a row")
_JOINED = gettext_noop("another order of the same payer")


@dataclass(frozen=True)
class Falling:
    """What of a payer's bills falls due before a day. amount: minor units; bills: their ids, the oldest due first."""

    amount: int
    bills: tuple[int, ...]


def turn(order: StandingOrder, today: date) -> date | None:
    """The day for which something is to be begun: from two days before it, until long after it where the server was away."""
    for day in _window(today):
        if day.day == order.day and day >= order.since and (order.month is None or order.month < day.replace(day=1)):
            return day
    return None


def _window(today: date) -> list[date]:
    return [today + timedelta(days=n) for n in range(-BEHIND.days, AHEAD.days + 1)]


def falling(payer: int, currency: str, before: date) -> Falling:
    """Bills, and parts of plans, that fall due before a day."""
    bills, amount = [], 0
    rows = Bill.objects.filter(payer__in=joined.family(payer), state=Bill.State.OPEN, currency=currency).order_by(
        "due", "pk"
    )
    for row in rows.prefetch_related("instalments"):
        part = late(row, before)
        if part > 0:
            bills.append(row.pk)
            amount += part
    return Falling(amount, tuple(bills))


def run(now: datetime | None = None) -> int:
    """Does what is due now for each order; how many were asked for or told. Idempotent."""
    moment = now or timezone.now()
    if timezone.localtime(moment).hour not in HOURS:
        return 0
    today, done, last = timezone.localdate(moment), 0, 0
    waiting = Q(next_try__lte=today) | Q(until__lt=today)
    for day in _window(today):
        waiting |= Q(day=day.day, since__lte=day) & (Q(month=None) | Q(month__lt=day.replace(day=1)))
    rows = StandingOrder.objects.filter(waiting, ended=None).order_by("pk")
    while batch := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        last = batch[-1]
        for pk in batch:
            try:
                done += _one(pk, today)
            except (ways.Unset, limits.TooMany):  # the way is being set up anew; the number was rung enough today
                continue
    return done


def run_now() -> None:
    run()


@transaction.atomic
def _one(pk: int, today: date) -> bool:
    order = StandingOrder.objects.select_for_update(skip_locked=True).filter(pk=pk, ended=None).first()
    if order is None:
        return False
    if order.until is not None and order.until < today:
        _end(order, _OVER)
        return False
    if order.next_try is not None and order.next_try <= today:
        return _ask(order, today)
    day = turn(order, today)
    if order.next_try is not None or day is None:
        return False
    _begin(order, day.replace(day=1), max(day, today))
    return _ask(order, today) if order.next_try == today else _tell(order)


def _begin(order: StandingOrder, month: date, first: date) -> None:
    """Another month: nothing was told or tried in it."""
    order.month, order.next_try, order.told, order.tries = month, first, False, 0
    order.save(update_fields=["month", "next_try", "told", "tries"])


def _after(order: StandingOrder) -> date:
    """The day of the month after: what falls due before it is asked for now."""
    month = order.month or timezone.localdate().replace(day=1)
    return (month + timedelta(days=32)).replace(day=order.day)


def _tell(order: StandingOrder) -> bool:
    """Says what will be asked for; nothing when nothing falls due."""
    due = falling(order.payer_id, order.currency, _after(order))
    if not due.amount or order.next_try is None:
        return False
    with translation.override(order.language):
        _sms(
            order,
            f"ledger-order-soon:{order.pk}:{order.month}",
            _("%(town)s: on %(day)s we ask this telephone for %(amount)s (standing order). To stop it, send %(word)s.")
            % {
                **_facts(order, min(due.amount, order.most)),
                "day": date_format(order.next_try, "j F"),
                "word": _("AUTOPAY"),
            },
        )
    order.told = True
    order.save(update_fields=["told"])
    return True


def _ask(order: StandingOrder, today: date) -> bool:
    """Asks for what falls due, up to the limit; once for each try, by its own id."""
    running = order.requests.filter(state__in=(State.NEW, State.SENDING, State.PENDING)).exists()
    due = falling(order.payer_id, order.currency, _after(order))
    way = ways.find(order.way)
    unit = way.provider.multiple * 10 ** money.exponent(order.currency) or 1
    amount = min(due.amount, order.most) // unit * unit
    if running or amount <= 0:
        order.next_try = today + timedelta(days=1) if running else None
        order.save(update_fields=["next_try"])
        return False
    with translation.override(order.language):
        row = asking.ask(
            order.way, amount, bills=due.bills, phone=order.phone, by=SYSTEM, currency=order.currency, order=order.pk,
            client_id=uuid.uuid5(_KEYS, f"{order.pk}:{order.month}:{order.tries}"),
        )  # fmt: skip
        if way.provider.how == "link":  # its page opens when the operator has answered
            address = f"{settings.TOGUNA_URL}{reverse('pay-request', args=[row.code])}"
            words = _("%(town)s: %(amount)s fall due. Pay here: %(address)s")
            _sms(order, f"ledger-order-link:{row.pk}", words % {**_facts(order, amount), "address": address})
    order.tries, order.next_try = order.tries + 1, None
    order.save(update_fields=["tries", "next_try"])
    return True


@transaction.atomic
def on_answered(event: PaymentAnswered) -> None:
    """What became of what an order asked for: thanks, another try in some days, or its end."""
    row = PaymentRequest.objects.filter(pk=event.request).exclude(order=None).first()
    if row is None or row.order_id is None:
        return
    order = StandingOrder.objects.select_for_update().get(pk=row.order_id)
    with translation.override(order.language):
        if event.state == State.SUCCEEDED:
            _paid(order, row)
        elif event.state in (State.FAILED, State.EXPIRED, State.UNKNOWN):
            latest = order.requests.order_by("-pk").values_list("pk", flat=True).first()
            if row.pk == latest and row.state not in PaymentRequest.PAID and order.ended is None:
                _unpaid(order, row)


def _paid(order: StandingOrder, row: PaymentRequest) -> None:
    StandingOrder.objects.filter(pk=order.pk).update(missed=0, next_try=None)
    address = f"{settings.TOGUNA_URL}{reverse('pay-request', args=[row.code])}"
    words = _("%(town)s: %(amount)s received, thank you. Your receipt: %(address)s")
    key = told(row.payment_id) if row.payment_id else f"ledger-order-paid:{row.pk}"
    _sms(order, key, words % {**_facts(order, row.paid or row.amount), "address": address})


def _unpaid(order: StandingOrder, row: PaymentRequest) -> None:
    if order.next_try is not None:
        return  # told already: it expired, and then failed
    bill = Bill.objects.filter(pk__in=row.bills, state=Bill.State.OPEN).order_by("due", "pk").first()
    facts = {**_facts(order, row.amount), "bill": bill.reference if bill else ""}
    if order.tries < TRIES:
        order.next_try = timezone.localdate() + PAUSE
        order.save(update_fields=["next_try"])
        words = _("%(town)s: %(amount)s was not paid. We ask again on %(day)s. Bill: %(bill)s.")
        said = words % {**facts, "day": date_format(order.next_try, "j F")}
    elif order.missed + 1 >= MISSED:
        StandingOrder.objects.filter(pk=order.pk).update(missed=F("missed") + 1)
        _end(order, _UNPAID)
        said = (
            _("%(town)s: %(amount)s was not paid, three months in a row. The standing order has ended. Bill: %(bill)s.")
            % facts
        )
    else:
        StandingOrder.objects.filter(pk=order.pk).update(missed=F("missed") + 1)
        said = _("%(town)s: %(amount)s was not paid this month. Pay it yourself: bill %(bill)s.") % facts
    _sms(order, f"ledger-order-unpaid:{row.pk}", said)


def _end(order: StandingOrder, why: str) -> None:
    StandingOrder.objects.filter(pk=order.pk).update(ended=timezone.now(), why=why, next_try=None)
    audit.record(SYSTEM, "ledger.end_order", f"ledger.order:{order.pk}", why=why)


def join(orders: Iterable[StandingOrder], payer: int) -> None:
    """Their payer turned out to be another: each asks for that one's bills from now on, or ends, and says so, where that one has an order."""
    for order in orders:
        if not StandingOrder.objects.filter(payer=payer, ended=None).exists():
            StandingOrder.objects.filter(pk=order.pk).update(payer=payer)
            continue
        _end(order, _JOINED)
        with translation.override(order.language):
            words = _("%(town)s: another telephone has a standing order for the same bills. This one has ended.")
            _sms(order, f"ledger-order-joined:{order.pk}", words % {"town": town.current().name})


def _facts(order: StandingOrder, amount: int) -> dict[str, str]:
    return {"town": town.current().name, "amount": money.shown(amount, order.currency, plain=True)}


def _sms(order: StandingOrder, key: str, said: str) -> None:
    if order.phone:
        channels.send("sms", order.phone, key=key, text=said, language=order.language)
