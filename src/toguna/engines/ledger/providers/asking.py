"""A payment is asked of a provider, or given back by it: written down first, sent by a job, and never charged twice.

The row and its correlation id are committed before anything leaves. A job that died between is found by its `busy_until`; what
may have been taken is asked for (`following`), and sent again only where that charges nobody twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import http, records, ways
from toguna.engines.ledger.providers.events import PaymentAnswered
from toguna.engines.ledger.providers.port import Asked, Begun, NotSent, Refused, Unknown
from toguna.engines.people import api as people
from toguna.kernel import audit, codes, events, limits, money, tasks, town, turns
from toguna.kernel.access import Actor

State = PaymentRequest.State
BUSY = timedelta(seconds=120)  # longer than any call lasts
ATTEMPTS = 3
MOST = 10**12  # minor units
RINGS = timedelta(minutes=2)  # that a telephone asks for the secret code; who missed it is asked again after that


class Unaskable(ValueError):
    """It cannot be asked; str() is a sentence for the payer."""


def ask(
    way: str,
    amount: int,
    *,
    bills: Sequence[int] = (),
    phone: str = "",
    by: Actor,
    client_id: uuid.UUID | None = None,
    currency: str = "",
    now: datetime | None = None,
    order: int | None = None,
) -> PaymentRequest:
    """Writes down a payment to ask for and queues its sending. amount: minor units; phone: E.164, for ways that ring it;
    client_id: the same one again gives the same request; order: the standing order that asks. A telephone that rings for just that gives that
    request: nobody confirms twice what was sent twice. Raises Unaskable, ways.Unset, limits.TooMany."""
    if client_id and (before := PaymentRequest.objects.filter(client_id=client_id).first()):
        return before
    now = now or timezone.now()
    found = ways.find(way)
    currency = currency or found.given["currency"]
    unit = found.provider.multiple * 10 ** money.exponent(currency)
    if not 0 < amount <= MOST:
        raise Unaskable(_("Say an amount above 0."))
    if unit and amount % unit:
        near = [money.shown(one, currency) for one in (amount // unit * unit, (amount // unit + 1) * unit) if one]
        raise Unaskable(_("This way cannot take this amount. Near it: %(near)s.") % {"near": " / ".join(near)})
    if found.provider.how == "push" and not phone:
        raise Unaskable(_("Say the number of the telephone that pays."))
    with transaction.atomic():
        if found.provider.how == "push":
            if ringing := _ringing(way, amount, currency, phone, bills, now):
                return ringing
            # Its owner's phone rings: nobody may make it ring all day.
            limits.hit("ledger.ask", phone, at_most=6, per=timedelta(hours=1))
        row = PaymentRequest.objects.create(
            code=codes.make(8),
            way=way,
            amount=amount,
            currency=currency,
            phone=phone,
            bills=list(bills),
            language=get_language() or town.current().languages[0],
            created=now,
            expires=now + timedelta(minutes=found.provider.minutes),
            next_poll=now,
            person_id=by.person,
            order_id=order,
            account=by.account,
            client_id=client_id,
        )
        audit.record(by, "ledger.ask", f"ledger.request:{row.pk}", way=way, amount=amount, currency=currency)
        tasks.defer(send_job, request=row.pk)
    return row


def _ringing(
    way: str, amount: int, currency: str, phone: str, bills: Sequence[int], now: datetime
) -> PaymentRequest | None:
    """What that telephone rings for just now, asked for once at a time."""
    turns.one_at_a_time(f"ledger.ringing {way} {phone}")
    rows = PaymentRequest.objects.filter(
        way=way, amount=amount, currency=currency, phone=phone, bills=list(bills), created__gt=now - RINGS,
        state__in=(State.NEW, State.SENDING, State.PENDING), order=None, wish=None,
    )  # fmt: skip
    return rows.order_by("-pk").first()


def asked(row: PaymentRequest, way: ways.Way) -> Asked:
    """The row as adapters see it."""
    here = town.current().name
    return Asked(
        correlation=str(row.correlation),
        code=row.code,
        amount=row.amount,
        currency=row.currency,
        phone=row.phone,
        words=f"{here} {row.code}",
        language=row.language,
        callback=ways.address(row.way, row.code),
        back=f"{settings.TOGUNA_URL}{reverse('pay-request', args=[row.code])}",
        attempt=row.attempt,
        theirs=row.theirs,
        secret=row.secret,
        transaction=row.transaction,
    )


@tasks.task
def send_job(request: int) -> None:
    send(request)


def send(request: int, now: datetime | None = None) -> None:
    """Sends what is new, once: whoever finds it being sent leaves it alone."""
    now = now or timezone.now()
    claimed = PaymentRequest.objects.filter(pk=request, state=State.NEW, arrived=False)
    if not claimed.update(state=State.SENDING, busy_until=now + BUSY, next_poll=now + BUSY):
        return
    row = PaymentRequest.objects.get(pk=request)
    begun, state, trouble = None, State.SENDING, ""
    with http.recorded() as said:
        try:
            way = ways.find(row.way)
            begun = _begin(row, way)
        except (Refused, ways.Unset) as error:
            state, trouble = State.FAILED, str(error)
        except NotSent as error:  # it is new as before
            state, trouble = (State.NEW if row.polls + 1 < ATTEMPTS else State.FAILED), str(error)
        except Unknown as error:
            trouble = str(error)
    with transaction.atomic():
        if said:
            records.keep(way, row, said)
        _sent(row, begun, state, trouble, now)


def _begin(row: PaymentRequest, way: ways.Way) -> Begun:
    if row.back_of is None:
        return way.provider.begin(asked(row, way), way.given)
    if way.provider.refund is None:
        raise Refused(f"{way.slug} gives nothing back by itself")
    return way.provider.refund(asked(row, way), asked(row.back_of, way), way.given)


def _sent(row: PaymentRequest, begun: Begun | None, state: str, trouble: str, now: datetime) -> None:
    kept = PaymentRequest.objects.select_for_update().get(pk=row.pk)
    kept.busy_until = None
    if kept.state != State.SENDING:  # an early callback was quicker
        kept.save(update_fields=["busy_until"])
        return
    kept.trouble = trouble[:300]
    if begun is not None:
        begin(kept, begun, now)
    elif state == State.NEW:
        kept.state, kept.next_poll, kept.polls = State.NEW, now + timedelta(seconds=10 * 3**kept.polls), kept.polls + 1
    elif state == State.FAILED:
        kept.state, kept.next_poll = State.FAILED, None
        events.publish(PaymentAnswered(kept.pk, kept.code, State.FAILED))
    else:  # nobody knows whether it was taken: that is asked at once
        kept.next_poll = now + timedelta(seconds=5)
    kept.save()


def begin(row: PaymentRequest, begun: Begun, now: datetime) -> None:
    """It was accepted; the caller holds the row and saves it."""
    row.state = State.PENDING
    row.theirs = begun.theirs or row.theirs
    row.link = begun.link if len(begun.link) <= 500 else ""
    row.secret = begun.secret or row.secret
    row.polls = 0
    row.next_poll = now if row.hinted else now + timedelta(seconds=5)


def give_back(
    row: PaymentRequest, amount: int, *, by: Actor, client_id: uuid.UUID | None = None, wish: int | None = None
) -> PaymentRequest:
    """Queues the giving back of (a part of) what was paid; the book is the caller's. Raises Unaskable."""
    if client_id and (before := PaymentRequest.objects.filter(client_id=client_id).first()):
        return before
    way = ways.find(row.way)
    if way.provider.refund is None:
        raise Unaskable(_("This way cannot give money back by itself: pay it out at a desk or by the bank."))
    now = timezone.now()
    with transaction.atomic():
        locked = PaymentRequest.objects.select_for_update().get(pk=row.pk)
        gone = sum(locked.given_back.exclude(state__in=[State.FAILED, State.EXPIRED]).values_list("amount", flat=True))
        if locked.state not in PaymentRequest.PAID or not 0 < amount <= (locked.paid or 0) - gone:
            raise Unaskable(_("There is not that much to give back."))
        back = PaymentRequest.objects.create(
            code=codes.make(8),
            way=row.way,
            amount=amount,
            currency=row.currency,
            phone=row.phone,
            back_of=locked,
            language=row.language,
            created=now,
            expires=now + timedelta(days=1),
            next_poll=now,
            wish_id=wish,
            account=by.account,
            client_id=client_id,
        )
        audit.record(by, "ledger.give_back", f"ledger.request:{row.pk}", amount=amount)
        tasks.defer(send_job, request=back.pk)
    return back


def typed_phone(typed: str) -> str:
    """E.164. Raises django's ValidationError, in words."""
    return people.normal_phone(typed)


def due(now: datetime) -> list[int]:
    """The requests about which something is to be done now, each claimed for two minutes."""
    with transaction.atomic():
        rows = PaymentRequest.objects.select_for_update(skip_locked=True).filter(
            Q(next_poll__lte=now) & (Q(busy_until=None) | Q(busy_until__lte=now))
        )
        found = list(rows.order_by("next_poll").values_list("pk", flat=True)[:500])
        PaymentRequest.objects.filter(pk__in=found).update(next_poll=now + BUSY)
    return found
