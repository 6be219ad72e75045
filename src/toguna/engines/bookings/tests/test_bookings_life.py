"""Whatever is done with bookings, in any order: never more than there are places, nobody twice, who waits in order, money settled once."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import combinations
from unittest import mock

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from toguna.engines.bookings import actions, events, hours, money, reads, retention, setup, telling
from toguna.engines.bookings.models import Booking, Resource, Slot
from toguna.engines.bookings.tests.conftest import CLERK, at, told
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import starter as chart
from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM, Actor

NOBODY = Actor()
TAKES = ("held", "booked", "came", "no_show")
PRICE = 500


def check_places(resource: Resource, before: dict[int, str]) -> None:
    """before: {booking: state} as it was before the last thing that happened."""
    resource.refresh_from_db()
    taken, waiting, promoted = defaultdict(int), defaultdict(list), []
    for one in Booking.objects.select_related("slot").order_by("id"):
        if one.state in TAKES:
            taken[one.slot_id] += one.places
        if one.state == "waiting" and one.expires is None:
            waiting[one.slot_id].append(one)
        if before.get(one.pk) == "waiting" and one.state == "booked":
            promoted.append(one)
    slots = list(Slot.objects.all())
    for slot in slots:
        span = hours.span_at(resource, slot.start)
        assert slot.taken == taken[slot.pk] <= slot.capacity
        assert span is None or slot.taken <= span.capacity
        if span is not None and slot.start > timezone.now():  # who fits does not wait
            assert not [one for one in waiting[slot.pk] if one.places <= span.capacity - slot.taken]
    for one in promoted:
        assert not [other for other in waiting[one.slot_id] if other.pk < one.pk and other.places <= one.places]
    for a, b in combinations([slot for slot in slots if slot.taken], 2):
        assert a.end <= b.start or b.end <= a.start


def check_money(paid: dict[int, int]) -> None:
    """paid: {payer: what they paid in all}, when all that happened was heard of."""
    owed, used = defaultdict(int), defaultdict(int)
    for one in Booking.objects.all():
        bills = list(ledger.Bill.objects.filter(about_kind=money.KIND, about=one.code))
        stands = [bill for bill in bills if bill.state in ("open", "paid")]
        assert len(bills) <= 1 and len(stands) <= (one.state in money.SURE), one.state
        assert stands or one.state not in money.SURE or one.person_id is None  # forgotten before it was billed
        for bill in stands:
            assert bill.amount == one.price
            owed[bill.payer_id] += bill.left
            used[bill.payer_id] += bill.paid
    for payer in ledger.Payer.objects.all():
        assert ledger.owed_by(payer.pk) == owed[payer.pk]
        assert ledger.advance_of(payer.pk) == paid.get(payer.pk, 0) - used[payer.pk]


def hours_of(capacity: int, minutes: int = 30) -> dict[str, object]:
    week = [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "08:00", "to": "09:00"}]
    return told(
        hours=week, capacity=capacity, minutes=minutes, most_places=min(2, capacity), price=PRICE, notice_minutes=0
    )


def hear(event: object) -> None:
    if isinstance(event, events.Booked):
        money.on_booked(event)
    elif isinstance(event, events.BookingEnded):
        money.on_ended(event)


class Life(RuleBasedStateMachine):
    """Two hours of a counter with two or three clerks, four people and a clerk. What is announced is heard late, in any order, twice."""

    bookings = Bundle("bookings")
    hour = st.sampled_from([(8, 0), (8, 0), (8, 30)])
    places = st.sampled_from([1, 1, 2])
    who = st.integers(0, 3)

    def __init__(self) -> None:
        super().__init__()
        self.all = transaction.atomic()
        self.all.__enter__()
        self.clock = at(hour=0)
        self.heard: list[object] = []
        self.paid: dict[int, int] = {}
        self.states: dict[int, str] = {}
        self.patches = [
            mock.patch.object(timezone, "now", lambda: self.clock), mock.patch.object(actions, "MOST_OPEN", 99),
            mock.patch.object(actions.events, "publish", self.heard.append), mock.patch.object(telling, "tell", lambda *_a, **_k: None),
        ]  # fmt: skip
        for patch in self.patches:
            patch.start()

    @initialize(capacity=st.integers(1, 2))
    def opens(self, capacity: int) -> None:
        self.resource, _kept = setup.save_resource("counter", hours_of(capacity), by=CLERK)
        self.people = [people.person_for(name=f"Client {n}", phone=f"+2237000001{n}") for n in range(4)]
        self.desk = ledger.Desk.objects.create(name="Window", prefix="W", account=ledger.account("571"))

    def said(self, do):
        """What it gives; None when it is refused, which it may be at any time."""
        try:
            with transaction.atomic():
                return do()
        except actions.Refused:
            return None

    def taken(self, do):
        made = self.said(do)
        if made is None:
            return multiple()
        assert do().pk == made.pk  # sent twice
        return made

    @rule(target=bookings, hour=hour, places=places, who=who, staff=st.booleans())
    def books(self, hour, places, who, staff):
        start, once, wish = at(hour=hour[0], minute=hour[1]), uuid.uuid4(), actions.Wish(places=places)
        person = self.people[who]
        return self.taken(
            lambda: actions.book(
                self.resource, start, person=person, wish=wish, by=CLERK, client_id=once, wait=True, staff=staff
            )
        )

    @rule(target=bookings, hour=hour, places=places, wait=st.booleans())
    def holds(self, hour, places, wait):
        start, once, wish = at(hour=hour[0], minute=hour[1]), uuid.uuid4(), actions.Wish(places=places)
        return self.taken(lambda: actions.hold(self.resource, start, wish=wish, by=NOBODY, client_id=once, wait=wait))

    @rule(one=bookings, who=who)
    def confirms(self, one, who):
        key = reads.key_of(one)
        self.said(lambda: actions.confirm(one.pk, person=self.people[who], key=key, by=NOBODY))

    @rule(one=bookings, own=st.booleans())
    def cancels(self, one, own):
        for _twice in range(2):
            self.said(lambda: actions.cancel(one.pk, by=NOBODY if own else CLERK, key=reads.key_of(one) if own else ""))

    @rule(one=bookings, hour=hour)
    def moves(self, one, hour):
        start = at(hour=hour[0], minute=hour[1])
        self.said(lambda: actions.move(one.pk, start, by=CLERK))

    @rule(capacity=st.integers(1, 3), minutes=st.sampled_from([30, 30, 30, 20]))
    def hours_change(self, capacity, minutes):
        self.said(lambda: setup.save_resource("counter", hours_of(capacity, minutes), by=CLERK))

    @rule(openings=st.sampled_from([[], None, None, [("08:30", "09:30")]]))
    def a_day_differs(self, openings):
        self.said(lambda: setup.set_day("counter", timezone.localdate(at()), openings, by=CLERK))

    @rule(what=st.sampled_from(["erase", "sweep", "sweep", "late", "came", "no_show"]), who=who)
    def something_else(self, what, who):
        if what == "erase":
            retention.erase(self.people[who].pk)
        elif what == "sweep":
            self.clock += timedelta(minutes=20)
            actions.sweep()
        elif what == "late":
            self.clock = max(self.clock, at(hour=8, minute=10))
        else:
            for one in Booking.objects.filter(person=self.people[who]):
                self.said(lambda one=one: actions.mark(one.pk, what, by=CLERK))

    @rule(which=st.integers(0, 99), part=st.sampled_from([0, PRICE, 200]))
    def money_moves(self, which, part):
        if self.heard:
            hear(self.heard[which % len(self.heard)])
        bill = ledger.Bill.objects.filter(state="open").first()
        if bill is not None and part:
            ledger.take(
                part, bill.currency, "cash", desk=self.desk, key=uuid.uuid4().hex, by=SYSTEM, bills=[bill.pk], payer=bill.payer_id,
            )  # fmt: skip
            self.paid[bill.payer_id] = self.paid.get(bill.payer_id, 0) + part

    @invariant()
    def stands(self):
        if self.states or Booking.objects.exists():
            check_places(self.resource, self.states)
            self.states = dict(Booking.objects.values_list("pk", "state"))

    def teardown(self):
        try:
            for event in [*self.heard, *self.heard]:
                hear(event)
            check_money(self.paid)
        finally:
            for patch in self.patches:
                patch.stop()
            transaction.set_rollback(True)
            self.all.__exit__(None, None, None)


QUICK = {"deadline": None, "phases": (Phase.generate,), "suppress_health_check": list(HealthCheck)}


@pytest.fixture
def book_of_accounts(db):
    chart.load()


def test_any_life(book_of_accounts):
    run_state_machine_as_test(Life, settings=settings(max_examples=8, stateful_step_count=25, **QUICK))


class Apart:
    """One of those who act at the same time, by the dice of a seed; the next thing is about what any of them has made."""

    def __init__(
        self, seed: int, resource: Resource, person: people.Person, heard: list[object], made: list[Booking]
    ) -> None:
        self.dice, self.resource, self.person, self.heard, self.made = (
            random.Random(seed),
            resource,
            person,
            heard,
            made,
        )

    def acts(self, times: int) -> None:
        try:
            for _n in range(times):
                try:
                    self.dice.choice(
                        [self.takes, self.takes, self.takes, self.confirms, self.cancels, self.moves, self.changes]
                    )()
                except actions.Refused:
                    continue
        finally:
            connections.close_all()

    def hour(self):
        return at(hour=8, minute=self.dice.choice([0, 30]))

    def takes(self) -> None:
        wish, wait, once = actions.Wish(places=self.dice.choice([1, 2])), self.dice.random() < 0.8, uuid.uuid4()
        if self.dice.random() < 0.3:
            one = actions.hold(self.resource, self.hour(), wish=wish, by=NOBODY, client_id=once, wait=wait)
        else:
            one = actions.book(
                self.resource, self.hour(), person=self.person, wish=wish, by=NOBODY, client_id=once, wait=wait
            )
        self.made.append(one)

    def any(self) -> Booking:
        if not self.made:
            raise actions.Refused
        return self.dice.choice(self.made)

    def confirms(self) -> None:
        one = self.any()
        actions.confirm(one.pk, person=self.person, key=reads.key_of(one), by=NOBODY)

    def cancels(self) -> None:
        actions.cancel(self.any().pk, by=CLERK)

    def moves(self) -> None:
        actions.move(self.any().pk, self.hour(), by=CLERK)

    def changes(self) -> None:
        what = self.dice.choice(["capacity", "close", "open", "sweep", "erase", "hear"])
        if what == "capacity":
            setup.save_resource("counter", hours_of(self.dice.choice([2, 3])), by=CLERK)
        elif what in ("close", "open"):
            setup.set_day("counter", timezone.localdate(at()), [] if what == "close" else None, by=CLERK)
        elif what == "sweep":
            Booking.objects.filter(pk=self.any().pk, state="held").update(expires=timezone.now() - timedelta(seconds=1))
            actions.sweep()
        elif what == "erase":
            with transaction.atomic():
                retention.erase(self.person.pk)
        elif self.heard:
            hear(self.dice.choice(self.heard))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_any_life_at_the_same_time(seed, monkeypatch):
    chart.load()
    heard: list[object] = []
    made: list[Booking] = []
    monkeypatch.setattr(actions, "MOST_OPEN", 99)
    monkeypatch.setattr(actions.events, "publish", heard.append)
    resource, _kept = setup.save_resource("counter", hours_of(2), by=CLERK)
    persons = [people.person_for(name=f"Client {n}", phone=f"+2237000001{n}") for n in range(4)]
    parties = [Apart(seed * 100 + n, resource, person, heard, made) for n, person in enumerate(persons)]
    connection.close()
    with ThreadPoolExecutor(len(parties)) as pool:
        list(pool.map(lambda party: party.acts(25), parties))
    assert made  # how many, the order in which they come to run says
    check_places(resource, {})
    for event in [*heard, *heard]:
        hear(event)
    check_money({})
