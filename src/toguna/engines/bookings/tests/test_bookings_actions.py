"""Places are given once, given back, waited for; hours change without cutting anybody's."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.bookings import actions, hours, mine, reads, retention, setup, starter
from toguna.engines.bookings.models import Booking, Resource, Slot
from toguna.engines.bookings.tests.conftest import CLERK, at, told
from toguna.engines.channels.models import Message
from toguna.engines.channels.publish.reminders import remind
from toguna.engines.people import api as people
from toguna.kernel.access import Actor, Denied
from toguna.kernel.models import AuditEntry

NOBODY = Actor()


def free(resource, days=1):
    day = timezone.localdate(at(days))
    return [f"{timezone.localtime(one.start):%H:%M}" for one in reads.free(resource, day, day)]


def test_a_place_is_taken_once_and_said(counter, books):
    assert free(counter) == ["08:00", "08:30", "09:00", "09:30"]
    made = books(counter, at(hour=8))
    assert made.state == "booked" and free(counter) == ["08:30", "09:00", "09:30"]
    with pytest.raises(actions.Full, match="just been taken"):
        books(counter, at(hour=8))
    told_ = Message.objects.get(key__startswith=f"booking:{made.pk}:")
    assert made.code in told_.text and "Counter" in told_.text and "08:00" in told_.text
    assert AuditEntry.objects.filter(action="bookings.book").count() == 1


def test_the_same_request_twice_is_one_booking(counter, books):
    once = uuid.uuid4()
    assert books(counter, at(), client_id=once).pk == books(counter, at(), client_id=once).pk
    assert Slot.objects.get().taken == 1


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (at(hour=8, minute=10), "not offered"),
        (at(hour=12), "not offered"),
        (at(days=40), "too early"),
        (at(days=0) - timedelta(days=1), "too late"),
    ],
)
def test_only_what_is_offered(counter, books, start, why):
    with pytest.raises(actions.Refused, match=why):
        books(counter, start)
    assert not Booking.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_hundred_at_once_get_no_more_than_there_are(counter, someone):
    setup.save_resource("counter", told(capacity=7), by=CLERK)
    person, start, barrier = someone(), at(), threading.Barrier(50)
    connection.close()

    def client(number: int) -> str:
        try:
            if number < 50:
                barrier.wait(60)
            wish = actions.Wish()
            who = people.person_for(name=f"Client {number}", phone=f"+2237100{number:04}") or person
            actions.book(counter, start, person=who, wish=wish, by=NOBODY, client_id=uuid.uuid4())
            return "booked"
        except actions.Full:
            return "full"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as pool:
        said = list(pool.map(client, range(100)))
    assert said.count("booked") == 7 and said.count("full") == 93
    slot = Slot.objects.get()
    assert slot.taken == 7 == slot.bookings.filter(state="booked").count()
    assert Booking.objects.count() == 7


@pytest.mark.django_db(transaction=True)
def test_two_who_change_places_at_once_do_not_wait_for_each_other_for_ever(counter, books):
    setup.save_resource("counter", told(capacity=2), by=CLERK)
    pairs = [(books(counter, at(hour=8)), at(hour=9)), (books(counter, at(hour=9)), at(hour=8))]

    def client(pair) -> str:
        try:
            return actions.move(pair[0].pk, pair[1], by=NOBODY, key=reads.key_of(pair[0])).state
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(client, pairs)) == ["booked", "booked"]
    assert list(Slot.objects.values_list("taken", flat=True)) == [1, 1]


def test_a_hold_is_confirmed_or_given_back(counter, someone):
    held = actions.hold(counter, at(), wish=actions.Wish(), by=NOBODY, client_id=uuid.uuid4())
    assert "08:00" not in free(counter) and not Message.objects.exists()
    with pytest.raises(actions.Refused, match="not complete"):
        actions.confirm(held.pk, person=someone(), key="no", by=NOBODY)
    done = actions.confirm(held.pk, person=someone(), key=reads.key_of(held), by=NOBODY)
    assert done.state == "booked" and done.expires is None
    other = actions.hold(counter, at(hour=9), wish=actions.Wish(), by=NOBODY, client_id=uuid.uuid4())
    Booking.objects.filter(pk=other.pk).update(expires=timezone.now() - timedelta(minutes=1))
    assert "09:00" in free(counter)  # at once, before anything swept
    again = actions.hold(counter, at(hour=9), wish=actions.Wish(), by=NOBODY, client_id=uuid.uuid4())
    assert again.state == "held" and Slot.objects.get(start=at(hour=9)).taken == 1
    with pytest.raises(actions.Refused, match="could not keep"):
        actions.confirm(other.pk, person=someone(), key=reads.key_of(other), by=NOBODY)


def test_holds_alone_cannot_empty_a_counter(counter):
    setup.save_resource("counter", told(capacity=100), by=CLERK)
    for _n in range(50):
        actions.hold(counter, at(), wish=actions.Wish(), by=NOBODY, client_id=uuid.uuid4())
    with pytest.raises(actions.Refused, match="few minutes"):
        actions.hold(counter, at(), wish=actions.Wish(), by=NOBODY, client_id=uuid.uuid4())


def test_who_waits_first_gets_what_is_given_back(counter, books):
    first = books(counter, at())
    second, third = books(counter, at(), wait=True), books(counter, at(), wait=True)
    assert (second.state, third.state) == ("waiting", "waiting")
    with pytest.raises(Denied):
        actions.cancel(first.pk, by=NOBODY, key="wrong")
    assert actions.cancel(first.pk, by=NOBODY, key=reads.key_of(first)).state == "cancelled"
    actions.cancel(first.pk, by=NOBODY, key=reads.key_of(first))  # again: nothing changes
    second.refresh_from_db()
    third.refresh_from_db()
    assert (second.state, third.state) == ("booked", "waiting") and Slot.objects.get().taken == 1
    assert "is yours" in Message.objects.get(key=f"booking:{second.pk}:promoted").text
    actions.cancel(third.pk, by=NOBODY, key=reads.key_of(third))
    assert Slot.objects.get().taken == 1


def test_who_waits_gets_what_there_is_more_of(counter, books):
    books(counter, at())
    waits = books(counter, at(), wait=True)
    setup.save_resource("counter", told(capacity=2), by=CLERK)
    waits.refresh_from_db()
    assert waits.state == "booked" and Slot.objects.get().taken == 2


def test_a_place_given_back_while_the_name_was_typed_is_theirs(counter, books, someone):
    first = books(counter, at())
    waits = actions.hold(counter, at(), wish=actions.Wish(), by=NOBODY, client_id=uuid.uuid4(), wait=True)
    actions.cancel(first.pk, by=CLERK)
    assert actions.confirm(waits.pk, person=someone(), key=reads.key_of(waits), by=NOBODY).state == "booked"
    assert Slot.objects.get().taken == 1


def test_somebody_forgotten_is_not_given_what_they_waited_for(counter, books, someone):
    person = someone()
    books(counter, at(), person=person)
    books(counter, at(), person=person, wait=True)
    retention.erase(person.pk)
    assert Slot.objects.get().taken == 0 and not Booking.objects.exclude(state="cancelled").exists()


def test_moving_takes_before_it_gives(counter, books):
    mine_, other = books(counter, at(hour=8)), books(counter, at(hour=9))
    key = reads.key_of(mine_)
    with pytest.raises(actions.Full):
        actions.move(mine_.pk, at(hour=9), by=NOBODY, key=key)
    assert Slot.objects.get(start=at(hour=8)).taken == 1
    moved = actions.move(mine_.pk, at(days=2), by=NOBODY, key=key)
    assert moved.slot.start == at(days=2) and Slot.objects.get(start=at(hour=8)).taken == 0
    assert Slot.objects.get(pk=other.slot_id).taken == 1


def test_places_price_and_a_pick_up_at_a_door(counter, someone, books):
    waste, _days = setup.save_resource(
        "waste", told(capacity=5, most_places=3, asks_place=True, price=500, minutes=120), by=CLERK
    )
    made = books(waste, at(), wish=actions.Wish(places=3, place="Behind the mosque"))
    assert (made.price, made.place, Slot.objects.get().taken) == (1500, "Behind the mosque", 3)
    with pytest.raises(actions.Refused, match="3 places at most"):
        books(waste, at(), wish=actions.Wish(places=4))
    with pytest.raises(actions.Full):
        books(waste, at(), wish=actions.Wish(places=3))
    held = actions.hold(waste, at(), wish=actions.Wish(places=2), by=NOBODY, client_id=uuid.uuid4())
    with pytest.raises(actions.Refused, match="where we should come"):
        actions.confirm(held.pk, person=someone(), key=reads.key_of(held), by=NOBODY)


def test_came_or_not_is_written_by_who_may(counter, books, monkeypatch):
    made = books(counter, at())
    with pytest.raises(actions.Refused, match="not come yet"):
        actions.came(made.pk, by=CLERK)
    Slot.objects.update(start=timezone.now() - timedelta(minutes=5), end=timezone.now() + timedelta(minutes=5))
    with pytest.raises(Denied):
        actions.no_show(made.pk, by=NOBODY)
    assert actions.no_show(made.pk, by=CLERK).state == "no_show"
    assert actions.came(made.pk, by=CLERK).state == "came"
    with pytest.raises(actions.Refused, match="over"):
        actions.cancel(made.pk, by=CLERK)


def test_new_hours_cut_nobodys_appointment(counter, books):
    made = books(counter, at(days=3, hour=8, minute=30))
    _row, kept = setup.save_resource("counter", told(minutes=45), by=CLERK)
    day = timezone.localdate(made.slot.start)
    assert kept == [day]
    counter.refresh_from_db()
    assert [f"{s.start.astimezone(timezone.get_current_timezone()):%H:%M}" for s in hours.grid(counter, day)] == [
        "08:00", "08:30", "09:00", "09:30",
    ]  # fmt: skip
    assert free(counter) == ["08:00", "08:45"]
    with pytest.raises(actions.Refused, match="would cut"):
        setup.set_day("counter", day, [("08:15", "10:00")], by=CLERK)
    assert setup.set_day("counter", day, [], by=CLERK) == 1  # closed: one is to be told
    counter.refresh_from_db()
    assert free(counter, 3) == []


def test_a_single_day_can_differ(counter):
    day = timezone.localdate(at(4))
    setup.set_day("counter", day, [("18:00", "19:00")], by=CLERK)
    counter.refresh_from_db()
    assert free(counter, 4) == ["18:00", "18:30"]
    setup.set_day("counter", day, None, by=CLERK)
    counter.refresh_from_db()
    assert free(counter, 4) == ["08:00", "08:30", "09:00", "09:30"]


def test_a_person_cannot_take_all_hours(counter, someone, books):
    person = someone()
    for n in range(actions.MOST_OPEN):
        books(counter, at(days=n + 1), person=person)
    with pytest.raises(actions.Refused, match="several appointments"):
        books(counter, at(days=9), person=person)


def test_the_reminder_says_it_the_day_before_once(counter, books):
    made = books(counter, at(days=5))
    Booking.objects.update(created=timezone.now() - timedelta(days=1))
    late = books(counter, at(days=5, hour=9))
    Booking.objects.filter(pk=late.pk).update(created=at(days=5) - timedelta(hours=3))
    now = at(days=5, hour=8) - timedelta(hours=20)
    due = list(mine._due(now - timedelta(days=1), now + timedelta(days=1)))
    assert [one.key for one in due] == [f"{made.pk}:{made.slot_id}"]
    for _twice in range(2):
        remind(now)
    said = Message.objects.filter(key__startswith="remind:bookings.soon")
    assert said.count() == 1 and "08:00" in said.get().text and made.code in said.get().text


def test_what_is_known_of_people_goes(counter, someone, books):
    person = someone()
    old, new = books(counter, at(hour=8), person=person), books(counter, at(hour=9), person=person)
    assert [one["code"] for one in retention.export(person.pk)] == [old.code, new.code]
    ago = timezone.now() - retention.KEEP - timedelta(days=1)
    Slot.objects.filter(pk=old.slot_id).update(start=ago, end=ago)
    retention.forget_old()
    old.refresh_from_db()
    assert old.person is None and old.state == "booked"
    retention.erase(person.pk)
    new.refresh_from_db()
    assert new.person is None and new.state == "cancelled" and Slot.objects.get(pk=new.slot_id).taken == 0


def test_a_calendar_for_any_telephone(counter, books):
    counter.titles = {"en": "État civil; mariages, naissances et bien d’autres choses encore, à l’étage du bâtiment"}
    counter.save()
    made = Booking.objects.select_related("slot__resource").get(pk=books(counter, at()).pk)
    text = reads.calendar([made], named=True)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    whole = text.replace("\r\n ", "")
    assert f"DTSTART:{made.slot.start:%Y%m%dT%H%M%SZ}" in whole and "civil\\; mariages\\, naissances" in whole
    assert reads.key_of(made) in whole and reads.key_of(made) not in reads.calendar([made], named=False)


def read_calendar(text: str) -> list[dict[str, str]]:
    """As RFC 5545 says: lines end in CRLF, a line that begins with a space goes on; the properties of each event."""
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    found: list[dict[str, str]] = []
    for line in text.replace("\r\n ", "").split("\r\n"):
        name, _colon, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            found.append({})
        elif found:
            assert name not in found[-1] or name == "END"
            found[-1][name] = value
    return found


def test_a_calendar_that_has_it_already_learns_what_changed(counter, books):
    def now_says(one: Booking) -> dict[str, str]:
        row = Booking.objects.select_related("slot__resource").get(pk=one.pk)
        return read_calendar(reads.calendar([row], named=False))[0]

    made = books(counter, at())
    Booking.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(hours=1))
    first = now_says(made)
    waits = books(counter, at(), wait=True)
    assert (first["STATUS"], now_says(waits)["STATUS"]) == ("CONFIRMED", "TENTATIVE")
    Booking.objects.filter(pk=made.pk).update(changed=timezone.now() - timedelta(minutes=30))
    before = now_says(made)
    actions.move(made.pk, at(hour=9), by=CLERK)
    moved = now_says(made)
    assert moved["UID"] == first["UID"] and moved["DTSTART"] != first["DTSTART"]
    assert int(moved["SEQUENCE"]) > int(before["SEQUENCE"]) and moved["DTSTAMP"] > before["DTSTAMP"]
    assert now_says(waits)["STATUS"] == "CONFIRMED"  # the hour became theirs
    actions.cancel(made.pk, by=CLERK)
    gone = now_says(made)
    assert gone["STATUS"] == "CANCELLED" and int(gone["SEQUENCE"]) >= int(moved["SEQUENCE"])


def test_the_starter_keeps_what_the_town_changed(db):
    starter.load()
    Resource.objects.update(minutes=45)
    starter.load()
    assert Resource.objects.get().minutes == 45


@given(st.lists(st.tuples(st.integers(0, 1435), st.integers(0, 1439)), max_size=4))
def test_hours_are_read_as_they_are_shown(pairs):
    typed = [(f"{a // 60:02}:{a % 60:02}", f"{b // 60:02}:{b % 60:02}") for a, b in pairs]
    ordered = sorted(typed)
    right = all(a < b for a, b in typed) and all(ordered[n][1] <= ordered[n + 1][0] for n in range(len(ordered) - 1))
    if right:
        assert hours.read(hours.shown(typed)) == ordered
    else:
        with pytest.raises(hours.WrongHours):
            hours.read(hours.shown(typed))


@pytest.mark.parametrize(
    "typed", ["8-", "8:00", "noon", "8:00-7:00", "8:00-12:00 9:00-10:00", "8:00-12:00x", "25:00-26:00"]
)
def test_hours_that_cannot_be(typed):
    with pytest.raises(hours.WrongHours):
        hours.read(typed)


def test_hours_as_people_write_them():
    assert hours.read("14h30–17h; 8:00 - 12.00") == [("08:00", "12:00"), ("14:30", "17:00")]


def test_a_counter_is_not_closed_by_twenty_who_choose(counter):
    setup.save_resource("counter", told(capacity=3), by=CLERK)
    for n in range(1, 9):
        for _n in range(3):
            actions.hold(counter, at(n), wish=actions.Wish(), by=NOBODY, client_id=uuid.uuid4())
    assert actions.hold(counter, at(9), wish=actions.Wish(), by=NOBODY, client_id=uuid.uuid4()).state == "held"
