"""The pump: every message once or reported, the most urgent first, by the right way, at the right time, for the right price."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.channels import api
from toguna.engines.channels.gateway import pump as pumping
from toguna.engines.channels.gateway import queue, reports, ways
from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Unsendable
from toguna.engines.channels.gateway.pump import Pump
from toguna.engines.channels.models import Message, OptOut, Publication, Route
from toguna.kernel.tasks import Lane
from toguna.kernel.testing import until


class Wire:
    """A way out that keeps what it was given, and does `then` with each."""

    def __init__(self) -> None:
        self.got: list[Outgoing] = []
        self.then: Callable[[Outgoing], Sent] = lambda _message: Sent()

    def deliver(self, message: Outgoing) -> Sent:
        self.got.append(message)
        return self.then(message)

    @property
    def numbers(self) -> list[str]:
        return [message.address for message in self.got]


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire()
    medium = Medium("test", made.deliver, medium="sms", connections=3)

    class Known:
        @staticmethod
        def declared(_kind: type) -> tuple[Medium, ...]:
            return (medium,)

    monkeypatch.setattr(ways, "registry", Known)
    return made


def route(slug: str = "one", **more: Any) -> Route:
    return Route.objects.create(slug=slug, kind="test", **{"rate": 2000, **more})


def sms(number: str, key: str = "", lane: Lane = Lane.TRANSACTIONAL, text: str = "bonjour") -> None:
    api.send("sms", number, key=key or number, text=text, lane=lane)


def run() -> None:
    Pump().run_once()


def state(key: str) -> str:
    return Message.objects.get(key=key).state


# ------------------------------------------------------------------ exactly once, or reported


class Killed(BaseException):
    """The power failed."""


class Power:
    """Fails at the n-th of all the moments at which it could."""

    def __init__(self, at: int) -> None:
        self.left, self.lock = at, threading.Lock()

    def moment(self) -> None:
        with self.lock:
            self.left -= 1
            if self.left < 0:
                raise Killed

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **more: Any) -> Any:
            self.moment()
            found = work(*args, **more)
            self.moment()
            return found

        return wrapped


@pytest.mark.django_db
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moments=st.lists(st.integers(0, 90), min_size=1, max_size=4), seed=st.integers(0, 1000))
def test_whenever_the_power_fails_each_is_told_once_or_reported(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, moments: list[int], seed: int
) -> None:
    Message.objects.all().delete()
    Route.objects.all().delete()
    wire.got.clear()
    route(rate=100)
    lanes = [Lane.CAMPAIGN, Lane.TRANSACTIONAL, Lane.ONE_TIME_CODE, Lane.ALARM]
    chance = random.Random(seed)
    chosen = {f"+2237000{n:04d}": chance.choice(lanes) for n in range(25)}
    for number, lane in chosen.items():
        sms(number, lane=lane)
    took: list[str] = []
    dead: set[threading.Thread] = set()
    for moment in moments:
        power = Power(moment)
        with monkeypatch.context() as patch:
            for name in ("take", "settle", "charge", "sources"):
                patch.setattr(queue, name, power.around(getattr(queue, name)))

            def then(message: Outgoing, power: Power = power) -> Sent:
                if threading.current_thread() in dead:
                    raise Killed
                power.moment()  # before the other side has it
                took.append(message.address)
                power.moment()  # after it has it, and before we know
                return Sent()

            wire.then = then
            try:
                run()
            except Killed:
                power.left = -1  # nothing of that process lives on
                dead.update(threading.enumerate())
                dead.discard(threading.current_thread())
        Message.objects.filter(state="sending").update(claimed=timezone.now() - timedelta(minutes=6))

    def calm(message: Outgoing) -> Sent:
        if threading.current_thread() in dead:
            raise Killed
        took.append(message.address)
        return Sent()

    wire.then = calm
    for _round in range(6):
        queue.recover()
        Message.objects.filter(state="queued").update(due=timezone.now())
        run()
        Message.objects.filter(state="sending").update(claimed=timezone.now() - timedelta(minutes=6))
    told = Counter(took)
    for row in Message.objects.all():
        assert row.state in ("sent", "doubtful"), row.state
        if row.state == "sent":
            assert told[row.address] >= 1
        if row.lane < Lane.ONE_TIME_CODE:
            assert told[row.address] <= 1, "nobody is texted twice"
        elif row.state == "doubtful":
            assert row.tries > queue.MOST_AGAIN


@pytest.mark.django_db
def test_a_time_out_after_acceptance_is_reported_and_not_sent_again(wire: Wire) -> None:
    route()
    wire.then = lambda _m: (_ for _ in ()).throw(Doubtful("no answer came"))
    sms("+22370000001", "news")
    run()
    run()
    assert state("news") == "doubtful" and len(wire.got) == 1
    assert reports.report(Message.objects.get().pk, "delivered") and state("news") == "delivered"
    wire.then = lambda _m: Sent()


@pytest.mark.django_db
def test_an_alarm_that_may_be_lost_is_sent_again(wire: Wire) -> None:
    route()
    answers = iter([Doubtful("no answer came"), None])

    def then(_message: Outgoing) -> Sent:
        if (error := next(answers)) is not None:
            raise error
        return Sent()

    wire.then = then
    sms("+22370000001", "alarm", Lane.ALARM)
    run()
    Message.objects.update(due=timezone.now())
    run()
    assert state("alarm") == "sent" and len(wire.got) == 2


@pytest.mark.django_db
def test_a_gateway_that_is_away_for_an_hour_costs_time_and_nothing_else(wire: Wire) -> None:
    route()

    def away(_message: Outgoing) -> Sent:
        time.sleep(0.03)  # a refusal takes a moment on any network
        raise Busy("connection refused")

    wire.then = away
    for n in range(20):
        sms(f"+2237000{n:04d}")
    for _minute in range(60):  # the clock is moved: all that waits is due again, and a minute older
        run()
        Message.objects.update(due=timezone.now(), created=timezone.now() - timedelta(hours=1))
        Route.objects.update(down_until=timezone.now())
    down = Route.objects.get()
    assert down.failures >= pumping.FAILURES and "refused" in down.trouble
    assert set(Message.objects.values_list("state", flat=True)) == {"queued"}
    assert len(wire.got) < 60 * 20, "what is down is not asked for every message"
    wire.got.clear()
    wire.then = lambda _m: Sent()
    run()
    assert sorted(wire.numbers) == sorted(set(wire.numbers)) and len(wire.got) == 20
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    up = Route.objects.get()
    assert (up.failures, up.down_until, up.trouble) == (0, None, "")


def test_the_pause_grows_and_ends_somewhere() -> None:
    pauses = [pumping.down_for(n).total_seconds() for n in range(3, 40)]
    assert pauses[0] == 5 and pauses == sorted(pauses) and pauses[-1] == 300


# ------------------------------------------------------------------ urgency


def campaign(count: int, **more: Any) -> Publication:
    row = Publication.objects.create(
        titles={"fr": "Essai"}, texts={"fr": "Réunion samedi"}, media=["sms"], audience={}, state="sending", **more
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO channels_message (key, medium, address, publication_id, language, lane, state) "
            "SELECT 'p' || n, 'sms', '+2237' || lpad(n::text, 7, '0'), %s, 'fr', 10, 'queued' FROM generate_series(1, %s) n",
            [row.pk, count],
        )
    return row


@pytest.mark.django_db(transaction=True)
def test_an_alarm_overtakes_a_campaign_that_runs(wire: Wire) -> None:
    route(rate=100)
    row = campaign(3000)
    pump = Pump()
    thread = threading.Thread(target=pump.run)
    thread.start()
    try:
        until(lambda: len(wire.got) > 60)
        sms("+22376000000", "alarm", Lane.ALARM)
        before = len(wire.got)
        until(lambda: "+22376000000" in wire.numbers)
        assert wire.numbers.index("+22376000000") - before < 540, "it did not wait for the others"
        Publication.objects.filter(pk=row.pk).update(state="paused")

        def still() -> bool:
            before = len(wire.got)
            time.sleep(0.7)
            return len(wire.got) == before

        until(still)
        assert len(wire.got) < 3000, "a pause is one"
    finally:
        pump.stop()
        thread.join(60)
    assert not Message.objects.filter(state="sending").exists(), "what nobody began with is given back"
    assert wire.got[0].text.startswith("Essai") or "samedi" in wire.got[0].text


@pytest.mark.django_db
def test_no_faster_than_the_contract_allows(wire: Wire) -> None:
    route(rate=20)
    for n in range(30):
        sms(f"+2237000{n:04d}")
    began = time.monotonic()
    run()
    took = time.monotonic() - began
    assert len(wire.got) == 30 and took >= 0.9, took  # ten at once, then twenty in a second


# ------------------------------------------------------------------ by which way, at what price


@pytest.mark.django_db
def test_the_longest_prefix_then_the_order_and_another_when_it_is_down(wire: Wire) -> None:
    route("all", order=50)
    route("mali", prefixes=["+223"])
    route("orange", prefixes=["+2237"], order=1)
    route("orange-2", prefixes=["+2237"], order=2)
    for number in ("+22370000001", "+22360000001", "+22501020304"):
        sms(number)
    run()
    assert {m.address: m.route for m in wire.got} == {
        "+22370000001": "orange", "+22360000001": "mali", "+22501020304": "all",
    }  # fmt: skip
    Route.objects.filter(slug="orange").update(down_until=timezone.now() + timedelta(minutes=5))
    sms("+22370000001", "again")
    run()
    assert wire.got[-1].route == "orange-2"
    Route.objects.filter(slug="orange-2").update(enabled=False)
    sms("+22370000001", "third")
    run()
    assert wire.got[-1].route == "mali"


@given(
    prefixes=st.lists(
        st.lists(st.text("12", min_size=1, max_size=4).map("+{}".format), max_size=3), min_size=1, max_size=5
    ),
    number=st.text("12", min_size=5, max_size=5).map("+{}".format),
)
def test_each_number_has_one_way_and_it_is_the_longest(prefixes: list[list[str]], number: str) -> None:
    made = [
        ways.Way(str(n), "sms", ways.CONSOLE, n, prefixes=tuple(given), order=n) for n, given in enumerate(prefixes)
    ]
    takers = [
        slug
        for slug, areas in ways.areas(made).items()
        if any(number.startswith(a.prefix) and not any(number.startswith(q) for q in a.but) for a in areas)
    ]
    fitting = [
        (-max(len(p) for p in (w.prefixes or ("",)) if number.startswith(p)), w.order, w.slug)
        for w in made
        if any(number.startswith(p) for p in (w.prefixes or ("",)))
    ]
    assert takers == ([min(fitting)[2]] if fitting else [])


@pytest.mark.django_db
def test_a_number_that_no_route_leads_to_is_said_at_once(wire: Wire) -> None:
    route(prefixes=["+2237"], down_until=timezone.now() + timedelta(minutes=1))
    sms("+33600000000", "far")
    sms("+22370000001", "near")
    run()
    assert state("far") == "failed" and "no route" in Message.objects.get(key="far").error
    assert state("near") == "queued"


@pytest.mark.django_db
def test_the_cap_of_the_day_holds_and_another_route_takes_over(wire: Wire) -> None:
    route("cheap", order=1, price=Decimal(10), daily_cap=Decimal(45))
    for n in range(6):
        sms(f"+2237000{n:04d}")
    run()
    assert len(wire.got) == 4 and Message.objects.filter(state="queued").count() == 2
    assert Route.objects.get().days.get().cost == 40
    sms("+22376000000", "long", text="a" * 161)  # two parts do not fit either
    route("dear", order=2, price=Decimal(30))
    run()
    assert Counter(m.route for m in wire.got) == {"cheap": 4, "dear": 3}
    assert Message.objects.get(key="long").price == 60


@pytest.mark.django_db
def test_what_did_not_leave_is_not_charged(wire: Wire) -> None:
    route(price=Decimal(10), daily_cap=Decimal(100))

    def refuse(_message: Outgoing) -> Sent:
        raise Unsendable("no such number")

    wire.then = refuse
    sms("+22370000001")
    run()
    day = Route.objects.get().days.get()
    assert (day.messages, day.parts, day.cost) == (0, 0, 0) and state("+22370000001") == "failed"


# ------------------------------------------------------------------ whether, and when


@pytest.mark.django_db
def test_at_night_only_answers_codes_and_alarms(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pumping, "quiet_now", lambda _now: True)
    route()
    campaign(3)
    sms("+22370000001", "case.moved:1")
    sms("+22370000002", "incoming:1")
    sms("+22370000003", "code", Lane.ONE_TIME_CODE)
    sms("+22370000004", "alarm", Lane.ALARM)
    run()
    assert sorted(wire.numbers) == ["+22370000002", "+22370000003", "+22370000004"]
    monkeypatch.setattr(pumping, "quiet_now", lambda _now: False)
    run()
    assert len(wire.got) == 7


@pytest.mark.parametrize(
    ("hour", "quiet"), [(20, False), (21, True), (23, True), (3, True), (6, True), (7, False), (12, False)]
)
def test_the_night_goes_past_midnight(monkeypatch: pytest.MonkeyPatch, hour: int, quiet: bool) -> None:
    monkeypatch.setattr(pumping, "section", lambda _name: {"from": "21:00", "to": "7:00"})
    assert pumping.quiet_now(datetime(2026, 11, 23, hour, 0, tzinfo=UTC)) is quiet  # Bamako is on UTC


@pytest.mark.django_db
def test_who_said_stop_since_it_was_prepared_is_not_told(wire: Wire) -> None:
    route()
    campaign(3)
    OptOut.objects.create(medium="sms", address="+22370000002")
    sms("+22370000002", "incoming:5")  # an answer is not a campaign
    run()
    assert sorted(wire.numbers) == ["+22370000001", "+22370000002", "+22370000003"]
    assert state("p2") == "cancelled" and state("incoming:5") == "sent"


@pytest.mark.django_db
def test_two_that_go_to_one_telephone_leave_in_the_order_in_which_they_were_said() -> None:
    for key in ("first", "second"):
        sms("+22370000001", key)
    Message.objects.filter(key="second").update(due=timezone.now() - timedelta(hours=1))  # the first was tried in vain
    source = queue.Source(None, int(Lane.TRANSACTIONAL))
    taken = queue.take(source, "sms", ("TRUE", []), 10, route=None, quiet=False)
    assert [row.key for row in taken] == ["first", "second"]


@pytest.mark.django_db
def test_a_campaign_never_becomes_ucs2_by_accident(wire: Wire) -> None:
    route()
    sms("+22370000001", "arabic", Lane.CAMPAIGN, text="مرحبا")
    sms("+22370000002", "answer", text="مرحبا")
    run()
    assert state("arabic") == "failed" and "UCS-2" in Message.objects.get(key="arabic").error
    assert state("answer") == "sent"


@pytest.mark.django_db
def test_a_code_is_kept_nowhere_and_never_comes_late(wire: Wire) -> None:
    route()
    sms("+22370000001", "new", Lane.ONE_TIME_CODE, text="123456")
    sms("+22370000001", "old", Lane.ONE_TIME_CODE, text="654321")
    Message.objects.filter(key="old").update(created=timezone.now() - timedelta(minutes=11))
    run()
    assert [m.text for m in wire.got] == ["123456"]
    assert not Message.objects.exclude(text="").exists() and state("old") == "failed"
    Route.objects.update(down_until=timezone.now() + timedelta(hours=1))
    sms("+22370000001", "stuck", Lane.ONE_TIME_CODE, text="111111")
    Message.objects.filter(key="stuck").update(created=timezone.now() - timedelta(minutes=11))
    run()
    assert state("stuck") == "failed" and Message.objects.get(key="stuck").text == ""


# ------------------------------------------------------------------ delivery reports


@pytest.mark.django_db
@given(said=st.lists(st.sampled_from(["taken", "delivered", "failed"]), max_size=6))
@settings(max_examples=60)
def test_reports_in_any_order_lead_to_one_end(said: list[Any]) -> None:
    Message.objects.all().delete()
    row = Message.objects.create(key="k", medium="sms", address="+1", lane=50, state="sent", text="x")
    for words in said:
        reports.report(row.pk, words, "why")
    row.refresh_from_db()
    end = "delivered" if "delivered" in said else "failed" if "failed" in said else "sent"
    assert row.state == end and (row.delivered is not None) == (end == "delivered")


@pytest.mark.django_db
def test_a_report_that_is_faster_than_we_are_is_not_undone(wire: Wire) -> None:
    route()
    sms("+22370000001", "k")
    fast = Message.objects.get()
    Message.objects.update(state="sending")
    reports.report(fast.pk, "delivered")
    queue.settle([queue.Outcome(fast.pk, "sent", reference="r")])
    fast.refresh_from_db()
    assert (fast.state, fast.reference) == ("delivered", "r")
