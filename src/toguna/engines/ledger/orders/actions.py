"""A standing order begins and ends: by its telephone, by whoever has logged in with that number, by an agent."""

from __future__ import annotations

from datetime import date

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.ledger import joined
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import StandingOrder
from toguna.engines.ledger.providers import ways
from toguna.engines.people import api as people
from toguna.kernel import access, audit, text, town
from toguna.kernel.access import Actor

BILL = "ledger.bill"
LAST_DAY = 28


def subscribe(
    payer: int, way: str, phone: str, *, day: int, most: int, key: str, by: Actor, currency: str = "", since: date | None = None,
    until: date | None = None, language: str = "",
) -> StandingOrder:  # fmt: skip
    """Lets the town ask this telephone, from now on, for what falls due of a payer. way: of those that are set up, not a bank
    transfer; phone: E.164; day: of the month, 1 to 28; most: minor units in a month; key: the same again gives the same order.
    Raises Refused, ways.Unset, Denied."""
    _may(by, phone)
    before = StandingOrder.objects.filter(key=key).first()
    if before is not None:
        return before
    found = ways.find(way)
    unit = currency or found.given["currency"]
    if found.provider.how == "transfer":
        raise Refused(_("A bank transfer is ordered at the bank."))
    if not phone:
        raise Refused(_("Say the number of the telephone that pays."))
    if not 1 <= day <= LAST_DAY:
        raise Refused(_("Choose a day from 1 to %(last)d.") % {"last": LAST_DAY})
    if most <= 0:
        raise Refused(_("Say an amount above 0."))
    first = since or timezone.localdate()
    if until is not None and until < first:
        raise Refused(_("The order ends before it begins."))
    spoken = (language or get_language() or town.current().languages[0]).split("-")[0][:2]
    try:
        with transaction.atomic():
            payer = joined.held(payer)
            if StandingOrder.objects.filter(payer=payer, ended=None).exists():
                raise Refused(_("This payer has a standing order already: end it first."))
            row = StandingOrder.objects.create(
                key=key, payer_id=payer, way=way, phone=phone, day=day, most=most, currency=unit, since=first, until=until,
                language=spoken, account=by.account, person=by.person,
            )  # fmt: skip
            audit.record(by, "ledger.subscribe", f"ledger.order:{row.pk}", way=way, day=day, most=most)
    except IntegrityError:  # the same was sent twice at once
        again = StandingOrder.objects.filter(key=key).first()
        if again is None:
            raise
        return again
    return row


@transaction.atomic
def unsubscribe(order: int, *, why: str, by: Actor) -> StandingOrder:
    """Ends an order; what was asked for before may still be confirmed. Ended before, nothing happens. Raises Denied."""
    row = StandingOrder.objects.select_for_update(of=("self",)).get(pk=order)
    _may(by, row.phone)
    if row.ended is None:
        row.ended, row.why, row.next_try = timezone.now(), text.clean(why)[:120], None
        row.save(update_fields=["ended", "why", "next_try"])
        audit.record(by, "ledger.unsubscribe", f"ledger.order:{row.pk}")
    return row


def _may(by: Actor, phone: str) -> None:
    """Whoever has shown that the telephone is theirs, and who issues bills. What comes from the telephone itself comes as SYSTEM."""
    if by.person is not None and phone in people.phones_of(by.person):
        return
    access.require(by, BILL, anywhere=True)


def orders_of(payer: int) -> QuerySet[StandingOrder]:
    """The orders of a payer, the one that holds first."""
    return StandingOrder.objects.filter(payer__in=joined.family(payer)).order_by("ended", "-pk")


def orders_at(phones: list[str]) -> QuerySet[StandingOrder]:
    """The orders that hold and ring these telephones."""
    return StandingOrder.objects.filter(phone__in=phones, ended=None).select_related("payer").order_by("pk")
