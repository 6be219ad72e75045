"""The verbs of pick-ups. Each is one transaction, and the statement that changes the order is its last but for the slot's: it says
in which states the order had to be, so that of two who act at once one is told that it has changed (ADR 24).

What people are told is said by `telling`, once the transaction is there.
"""

from __future__ import annotations

import contextlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from toguna.engines.bookings import api as bookings
from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, events, limits, text
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.waste import households
from toguna.services.waste.households import Spot
from toguna.services.waste.models import (
    Household,
    PickUp,
    PickUpKind,
    PickUpOffer,
    PickUpStep,
    PreCollector,
    Subscription,
)
from toguna.services.waste.orders import money
from toguna.services.waste.orders.events import PickUpMoved

State = PickUp.State
SUBJECT = "waste-pickup"  # what a booking is about: see bookings.subjects
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PER_ADDRESS = 8  # orders of one address a day
TRIES = 5  # at the four digits, in an hour
RATED_WITHIN = timedelta(days=14)


class Refused(Exception):
    """It cannot be; str() says why, and what to do."""


class Conflict(Refused):
    """Somebody else was quicker."""


@dataclass(frozen=True)
class Wanted:
    """What is asked for. address: a telephone, a chat or an e-mail; start: of the slot; weekly: every week on that day; theirs: see
    `households.keep`; automatic: the telephone is asked for each month of it by itself."""

    kind: PickUpKind
    start: datetime
    spot: Spot
    address: str
    size: int = 1
    name: str = ""
    note: str = ""
    language: str = ""
    channel: str = "web"
    weekly: bool = False
    theirs: bool = True
    automatic: bool = False


def ask(wanted: Wanted, *, client_id: uuid.UUID, by: Actor) -> PickUp:
    """An order, with its place in the slot, or nothing of either; the same client_id again is the same order. weekly: its
    subscription too. Raises Refused, money.NoPrice, limits.TooMany."""
    before = PickUp.objects.filter(client_id=client_id).first()
    if before is not None:
        return before
    kind = wanted.kind
    if not kind.active or not 1 <= wanted.size <= kind.most:
        raise Refused(_("From 1 to %(most)d at a time.") % {"most": kind.most})
    if len(text.clean(wanted.spot.words)) < 3:
        raise Refused(_("Say where we should come."))
    try:
        with transaction.atomic():
            limits.hit("waste.ask", wanted.address, at_most=PER_ADDRESS, per=DAY)
            home = households.keep(
                wanted.address, spot=wanted.spot, name=wanted.name, language=wanted.language, theirs=wanted.theirs
            )
            subscription = _subscribe(wanted, home, client_id, by) if wanted.weekly else None
            return _order(wanted, home, subscription, client_id, by)
    except IntegrityError:  # the same was sent twice at once: the other was first
        found = PickUp.objects.filter(client_id=client_id).first()
        if found is None:
            raise
        return found


def _subscribe(wanted: Wanted, home: Household, client_id: uuid.UUID, by: Actor) -> Subscription:
    money.monthly(wanted.kind, zone=home.zone_id)  # raises NoPrice before anything is promised
    local = timezone.localtime(wanted.start)
    if home.subscriptions.filter(kind=wanted.kind, day=local.isoweekday(), ended=None).exists():
        raise Refused(_("You have a subscription for this day already."))
    row = Subscription.objects.create(
        code=codes.make(7), client_id=client_id, household=home, kind=wanted.kind, day=local.isoweekday(), hour=local.time(),
        size=wanted.size, since=local.date(), upto=local.date(),
    )  # fmt: skip
    # Anybody can type somebody's number on the web: that one is billed once its household has given its digits at the door.
    if wanted.theirs or wanted.channel != "web":
        begin_weekly(row, local.date(), by=by)
    if wanted.automatic and wanted.theirs:
        with contextlib.suppress(ledger.Refused):  # no way rings it, or it has an order already, which goes on
            money.pay_by_itself(row)
    audit.record(by, "waste.subscribe", f"waste.subscription:{row.pk}", kind=wanted.kind.slug)
    return row


def begin_weekly(row: Subscription, day: date, *, by: Actor) -> None:
    """It is what the household wants: its first month is billed, once, and the next pick-ups are made. In the caller's transaction.
    Raises NoPrice."""
    if row.billed is None:
        row.billed = day.replace(day=1)
        money.month_bill(row, row.billed, by=by)
        Subscription.objects.filter(pk=row.pk).update(billed=row.billed)


def order_of(row: Subscription, start: datetime, *, by: Actor) -> PickUp:
    """The pick-up of a subscription for one day, once. In the caller's transaction. Raises Refused."""
    home = row.household
    spot = Spot(home.where, *(home.point.coords if home.point else (None, None)))
    wanted = Wanted(row.kind, start, spot, home.address, size=row.size, language=home.language, channel="subscription")
    client_id = uuid.uuid5(row.client_id, start.date().isoformat())
    return PickUp.objects.filter(client_id=client_id).first() or _order(wanted, home, row, client_id, by)


def _order(
    wanted: Wanted, home: Household, subscription: Subscription | None, client_id: uuid.UUID, by: Actor
) -> PickUp:
    kind, resource = wanted.kind, bookings.resource(wanted.kind.resource)
    if resource is None:
        raise Refused(_("This is not offered any more."))
    if home.person is None:
        raise Refused(_("Give a phone number or an e-mail, so that we can reach you."))
    tariff, price, zone = None, 0, households.zone_of(wanted.spot)
    if subscription is None:
        tariff, quote = money.once(kind, wanted.size, zone=zone)
        price = quote.total
    row = PickUp(
        code=codes.make(7), client_id=client_id, kind=kind, household=home, subscription=subscription, size=wanted.size,
        note=text.clean(wanted.note)[:300], where=wanted.spot.words, zone_id=zone, point=wanted.spot.point, start=wanted.start,
        end=wanted.start + timedelta(minutes=resource.minutes), secret=f"{secrets.randbelow(10_000):04d}", tariff=tariff,
        price=price, language=wanted.language[:8], channel=wanted.channel,
    )  # fmt: skip
    row.save(force_insert=True)
    _say(row, "asked", State.ASKED, "household", by)
    try:  # the slot last: from here it is locked for everybody
        booked = bookings.book(
            resource, wanted.start, person=home.person, by=SYSTEM if subscription else by,
            wish=bookings.Wish(subject=(SUBJECT, row.code), place=wanted.spot.words, language=wanted.language, channel=wanted.channel[:12]),
            client_id=uuid.uuid5(client_id, SUBJECT), staff=subscription is not None,
        )  # fmt: skip
    except bookings.Refused as error:
        raise Refused(str(error)) from error
    row.booking = booked
    row.start, row.end = booked.slot.start, booked.slot.end
    PickUp.objects.filter(pk=row.pk).update(booking=booked, start=row.start, end=row.end)
    return row


def _say(
    row: PickUp, what: str, state: str, who: str, by: Actor, *, collector: PreCollector | None = None, words: str = ""
) -> None:
    """What happens to an order is written down, and announced."""
    PickUpStep.objects.create(
        pickup=row,
        what=what,
        state=state,
        who=who,
        collector=collector,
        words=text.clean(words)[:300],
        account=by.account,
    )
    audit.record(by, f"waste.{what}", f"waste.pickup:{row.pk}", who=who)
    events.publish(PickUpMoved(row.pk, what, collector.pk if collector else 0))


def _become(
    row: PickUp, what: str, state: str, *, of: tuple[str, ...], who: str, by: Actor, about: PreCollector | None = None,
    words: str = "", only: dict[str, Any] | None = None, **fields: Any,
) -> None:  # fmt: skip
    """The order was in one of these states, or nothing of the transaction happened. Raises Conflict."""
    _say(row, what, state, who, by, collector=about, words=words)
    if not PickUp.objects.filter(pk=row.pk, state__in=of, **(only or {})).update(state=state, **fields):
        raise Conflict(_("This pick-up has changed meanwhile."))
    row.state = State(state)
    for name, value in fields.items():
        setattr(row, name, value)


def whole() -> QuerySet[PickUp]:
    """Orders with all that the verbs read of them."""
    return PickUp.objects.select_related(
        "kind",
        "household__person",
        "household__payer",
        "collector__payer",
        "tariff__income",
        "subscription",
        "booking__slot__resource",
        "bill",
    )


def find(typed: str) -> PickUp | None:
    code = codes.read(typed)
    return whole().filter(code=code).first() if code else None


def by_id(pk: int) -> PickUp | None:
    return whole().filter(pk=pk).first()


def key_of(row: PickUp) -> str:
    """What only who ordered is given, in their links."""
    return salted_hmac("waste.pickup", str(row.client_id), algorithm="sha256").hexdigest()[:20]


def holds_key(row: PickUp, key: str) -> bool:
    return constant_time_compare(key, key_of(row))


# The pre-collector


def offer(row: PickUp, collector: PreCollector, *, until: datetime, score: float) -> None:
    """To the next. In the caller's transaction. Raises Conflict."""
    PickUpOffer.objects.create(pickup=row, collector=collector, until=until, score=score)
    _become(
        row,
        "offered",
        State.OFFERED,
        of=(State.ASKED, State.UNSERVED),
        who="town",
        by=SYSTEM,
        about=collector,
        collector=collector,
    )


def unserved(row: PickUp) -> None:
    """Nobody is left to ask: the town's own people see it. In the caller's transaction."""
    _become(row, "unserved", State.UNSERVED, of=(State.ASKED,), who="town", by=SYSTEM)


def _answer(row: PickUp, collector: PreCollector, answer: str, *, of: str = "") -> None:
    """Raises Conflict when the offer is no longer theirs."""
    if not PickUpOffer.objects.filter(pickup=row, collector=collector, answer=of).update(answer=answer):
        raise Conflict(_("This pick-up is no longer offered to you: it went to somebody else."))


@transaction.atomic
def accept(row: PickUp, collector: PreCollector, *, by: Actor = SYSTEM) -> PickUp:
    """The pre-collector comes. Said again, nothing changes. Raises Conflict, Refused."""
    if row.state == State.ACCEPTED and row.collector_id == collector.pk:
        return row
    _answer(row, collector, PickUpOffer.Answer.YES)
    _become(
        row,
        "accepted",
        State.ACCEPTED,
        of=(State.OFFERED,),
        who="collector",
        by=by,
        about=collector,
        only={"collector": collector},
    )
    return row


@transaction.atomic
def refuse(row: PickUp, collector: PreCollector, *, late: bool = False, by: Actor = SYSTEM) -> PickUp:
    """Not this one: it goes to the next. late: they did not answer. Raises Conflict."""
    _answer(row, collector, PickUpOffer.Answer.LATE if late else PickUpOffer.Answer.NO)
    _become(
        row, "late" if late else "refused", State.ASKED, of=(State.OFFERED,), who="town" if late else "collector", by=by, about=collector,
        only={"collector": collector}, collector=None,
    )  # fmt: skip
    return row


@transaction.atomic
def give_back(row: PickUp, collector: PreCollector, *, by: Actor = SYSTEM) -> PickUp:
    """They accepted, and cannot come after all: it goes to the next. Raises Conflict."""
    _answer(row, collector, PickUpOffer.Answer.BACK, of=PickUpOffer.Answer.YES)
    _become(
        row,
        "back",
        State.ASKED,
        of=(State.ACCEPTED,),
        who="collector",
        by=by,
        about=collector,
        only={"collector": collector},
        collector=None,
    )
    return row


def done(row: PickUp, collector: PreCollector, secret: str, *, by: Actor = SYSTEM) -> PickUp:
    """It was fetched: the household gave its four digits, which are the proof. The bill, the pre-collector's part and the end of the
    order are one transaction. Said again, nothing changes. Raises Refused, Conflict, limits.TooMany."""
    if row.state == State.DONE and row.collector_id == collector.pk:
        return row
    if row.collector_id != collector.pk or row.state != State.ACCEPTED:
        raise Refused(_("This pick-up is not yours to do."))
    limits.hit("waste.secret", str(row.pk), at_most=TRIES, per=HOUR)
    if not constant_time_compare(secret, row.secret):
        raise Refused(_("This is not the household's code: four figures, in their SMS."))
    return _finish(row, collector, "code", "collector", by)


def photo_sent(row: PickUp, collector: PreCollector, *, by: Actor) -> None:
    """Said to be taken, with a photo and without the household's digits: once. In the caller's transaction, the order being locked."""
    if not row.steps.filter(what="photo", collector=collector).exists():
        _say(row, "photo", State.ACCEPTED, "collector", by, collector=collector)


def said_taken(row: PickUp) -> bool:
    """Whether who has it says by a photo that it is taken, and nobody has confirmed it. One statement."""
    if row.state != State.ACCEPTED or row.collector_id is None:
        return False
    return row.steps.filter(what="photo", collector=row.collector_id).exists()


def confirm(row: PickUp, *, by: Actor) -> PickUp:
    """The household says itself that it was taken, where a photo said so; the caller has recognised it. Raises Refused, Conflict."""
    if row.state == State.DONE:
        return row
    if row.collector is None or not said_taken(row):
        raise Refused(_("Nobody has said yet that it is taken."))
    return _finish(row, row.collector, "photo", "household", by)


def done_at_desk(row: PickUp, *, words: str, by: Actor) -> PickUp:
    """The town says that it was done, with why it knows. Raises Refused, Conflict, Denied."""
    access.require(by, "waste.work", zone=row.zone_id)
    if row.state == State.DONE:
        return row
    if row.collector is None or not text.clean(words):
        raise Refused(_("Say who fetched it, and how you know."))
    return _finish(row, row.collector, "desk", "desk", by, words=words)


@transaction.atomic
def _finish(row: PickUp, collector: PreCollector, proof: str, who: str, by: Actor, *, words: str = "") -> PickUp:
    earned = money.part(row.kind, collector, money.worth(row))
    made = money.bill(row, by=by)
    if row.subscription is not None:
        with contextlib.suppress(money.NoPrice):  # the town has taken the price away: what was fetched was fetched
            begin_weekly(row.subscription, timezone.localdate(row.start), by=by)
    money.owe(row, collector, earned, by=by)
    if row.booking is not None and row.booking.state == bookings.Booking.State.BOOKED:
        if timezone.localdate(row.booking.slot.start) <= timezone.localdate():
            bookings.came(row.booking.pk, by=SYSTEM)
        else:  # fetched a day early: its hour is somebody else's
            bookings.cancel(row.booking.pk, by=SYSTEM)
    _become(
        row, "done", State.DONE, of=(State.ACCEPTED,), who=who, by=by, about=collector, words=words, only={"collector": collector},
        closed=timezone.now(), earned=earned, bill=made, proof=proof,
    )  # fmt: skip
    return row


@transaction.atomic
def give_to(row: PickUp, collector: PreCollector, *, by: Actor) -> PickUp:
    """The town gives an order to somebody, who was asked by telephone. Raises Conflict, Denied."""
    access.require(by, "waste.work", zone=row.zone_id)
    PickUpOffer.objects.filter(pickup=row, answer="").update(answer=PickUpOffer.Answer.GONE)
    PickUpOffer.objects.update_or_create(
        pickup=row, collector=collector, defaults={"answer": PickUpOffer.Answer.YES, "until": row.end}
    )
    _become(
        row, "accepted", State.ACCEPTED, of=(State.ASKED, State.OFFERED, State.UNSERVED, State.ACCEPTED), who="desk", by=by,
        about=collector, collector=collector,
    )  # fmt: skip
    return row


# The household


def cancel(row: PickUp, *, by: Actor, own: bool, words: str = "") -> PickUp:
    """The order is over and its place in the slot is free again. own: the caller has recognised who ordered. Said again, nothing
    changes. Raises Refused, Conflict, Denied."""
    if not own:
        access.require(by, "waste.work", zone=row.zone_id)
    if row.state == State.CANCELLED:
        return row
    if row.state not in PickUp.OPEN:
        raise Refused(_("This pick-up is over: it cannot be cancelled."))
    with transaction.atomic():
        PickUpOffer.objects.filter(pickup=row, answer__in=("", PickUpOffer.Answer.YES)).update(
            answer=PickUpOffer.Answer.GONE
        )
        _become(
            row, "cancelled", State.CANCELLED, of=PickUp.OPEN, who="household" if own else "desk", by=by, words=words,
            about=row.collector, closed=timezone.now(),
        )  # fmt: skip
        if row.booking is not None and row.booking.state == bookings.Booking.State.BOOKED:
            bookings.cancel(row.booking.pk, by=SYSTEM)
        # One that never began is over with its first pick-up.
        Subscription.objects.filter(pk=row.subscription_id or 0, billed=None, ended=None).update(ended=timezone.now())
    return row


@transaction.atomic
def on_booking_ended(booking: int, state: str) -> None:
    """Its appointment was cancelled elsewhere (in one's own space, at the desk of appointments): so is the order."""
    row = whole().filter(booking=booking).first()
    if row is not None and row.state in PickUp.OPEN and state in ("cancelled", "expired"):
        cancel(row, by=SYSTEM, own=True)


@transaction.atomic
def rate(row: PickUp, stars: int, *, by: Actor) -> PickUp:
    """What the household thinks of it, once. Raises Refused."""
    if not 1 <= stars <= 5:
        raise Refused(_("Give a number from 1 (bad) to 5 (very good)."))
    if (
        row.state != State.DONE
        or row.collector is None
        or row.closed is None
        or row.closed < timezone.now() - RATED_WITHIN
    ):
        raise Refused(_("There is no pick-up to rate."))
    _note(row, "rated", by)
    if not PickUp.objects.filter(pk=row.pk, stars=None).update(stars=stars):
        raise Refused(_("You have rated it already: thank you."))
    PreCollector.objects.filter(pk=row.collector.pk).update(stars=F("stars") + stars, rated=F("rated") + 1)
    row.stars = stars
    return row


def _note(row: PickUp, what: str, by: Actor) -> None:
    PickUpStep.objects.create(
        pickup=row, what=what, state=row.state, who="household", collector=row.collector, account=by.account
    )
    audit.record(by, f"waste.{what}", f"waste.pickup:{row.pk}")


@transaction.atomic
def complain(row: PickUp, words: str, *, by: Actor) -> PickUp:
    """Nobody came, or it was badly done: the desk answers. Said again while it is open, nothing changes. Raises Refused."""
    said = text.clean(words)[:500]
    if len(said) < 3:
        raise Refused(_("Say in a few words what happened."))
    if row.state == State.CANCELLED:
        raise Refused(_("This pick-up was cancelled."))
    if row.complained is not None and row.settled is None:
        return row
    _say(row, "complained", row.state, "household", by, collector=row.collector)
    PickUp.objects.filter(pk=row.pk).update(complaint=said, complained=timezone.now(), settled=None)
    row.complaint = said
    return row


@transaction.atomic
def settle(row: PickUp, words: str, *, free: bool = False, by: Actor) -> PickUp:
    """The desk answers a complaint; free: the household owes nothing for it, which a head of the service says. Raises Refused, Denied."""
    access.require(by, "waste.set_up" if free else "waste.work", zone=row.zone_id)
    said = text.clean(words)[:300]
    if not said:
        raise Refused(_("Say what you answer."))
    if row.complained is None or row.settled is not None:
        raise Refused(_("There is no complaint to answer."))
    if free and row.bill is not None:
        money.forgive(row.bill, said, by=by)
    _say(row, "settled", row.state, "desk", by, collector=row.collector, words=said)
    PickUp.objects.filter(pk=row.pk).update(settled=timezone.now())
    return row


def last_to_rate(address: str) -> PickUp | None:
    """The last pick-up of this address that was done and has no stars yet."""
    rows = PickUp.objects.select_related("collector", "household").filter(
        household__address=address, state=State.DONE, stars=None
    )
    return rows.filter(closed__gte=timezone.now() - RATED_WITHIN).order_by("-closed").first()


def last_rated(address: str) -> PickUp | None:
    """The last pick-up of this address that has stars, and of which one may still say what went wrong."""
    rows = PickUp.objects.select_related("collector", "household").filter(
        household__address=address, state=State.DONE, stars__isnull=False, closed__gte=timezone.now() - RATED_WITHIN
    )
    return rows.order_by("-closed").first() if address else None


def of_address(address: str) -> list[PickUp]:
    """Its open orders, the soonest first."""
    rows = PickUp.objects.select_related("kind", "household__person", "collector", "booking", "subscription")
    return list(rows.filter(household__address=address, state__in=PickUp.OPEN).order_by("start")[:5]) if address else []


def from_booking(booking: int) -> PickUp | None:
    """Somebody booked the hour itself, on the page of appointments or at a counter: that is an order too, once. None where it cannot
    be one. In the caller's transaction."""
    row = bookings.Booking.objects.select_related("slot__resource", "person").filter(pk=booking).first()
    if row is None or row.person is None or row.subject_kind == SUBJECT or PickUp.objects.filter(booking=row).exists():
        return None
    kind = PickUpKind.objects.filter(resource=row.slot.resource.slug, active=True).order_by("order").first()
    reach = people.reach(row.person)
    if kind is None or not reach:
        return None
    way = next((one for one in reach if one.medium == "sms"), reach[0])
    spot = households.read_spot(row.place)
    home = households.keep(way.address, spot=spot, language=row.language)
    try:
        tariff, quote = money.once(kind, 1, zone=home.zone_id)
    except money.NoPrice:
        return None
    made = PickUp(
        code=codes.make(7), client_id=uuid.uuid5(row.client_id, "order"), kind=kind, household=home, where=home.where, zone_id=home.zone_id,
        point=home.point, start=row.slot.start, end=row.slot.end, secret=f"{secrets.randbelow(10_000):04d}", tariff=tariff,
        price=quote.total, language=row.language, channel=row.channel, booking=row,
    )  # fmt: skip
    made.save(force_insert=True)
    _say(made, "asked", State.ASKED, "household", SYSTEM)
    return made
