"""An appointment on the web and at the desk, with forms alone."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.test import Client
from django.utils import timezone

from toguna.engines.bookings import reads, setup
from toguna.engines.bookings.models import Booking, Resource, Slot
from toguna.engines.bookings.tests.conftest import CLERK, at, told
from toguna.engines.channels.models import Message
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.territory.models import Zone
from toguna.kernel.models import AuditEntry


@pytest.fixture
def visitor() -> Client:
    return Client(headers={"accept-language": "en"})


def choose(client, start, *, slug="counter", **more):
    page = client.get(f"/appointments/{slug}").content.decode()
    sent = {"client_id": re.search(r'name="client_id" value="([^"]+)"', page)[1], "start": start.isoformat(), **more}
    return client.post(f"/appointments/{slug}", sent), sent


def test_from_the_list_to_the_code_and_away_again(counter, visitor):
    assert "/appointments/counter" in visitor.get("/appointments/").content.decode()
    response, sent = choose(visitor, at(hour=8))
    held = Booking.objects.get()
    assert held.state == "held" and response.url == reads.address_of(held)
    assert visitor.post("/appointments/counter", sent).url == response.url  # sent twice
    assert "kept for you until" in visitor.get(response.url).content.decode()
    wrong = visitor.post(response.url, {"name": "Fanta", "contact": "12"})
    assert wrong.status_code == 422 and "phone number" in wrong.content.decode()
    done = visitor.post(response.url, {"name": "Fanta Koné", "contact": "70 00 00 01"}, follow=True).content.decode()
    assert "Your appointment is made" in done and "Bring your papers" in done
    held.refresh_from_db()
    assert held.state == "booked" and held.person.name == "Fanta Koné"
    assert Message.objects.get().address == "+22370000001"
    other, _sent = choose(visitor, at(hour=8))
    assert other.status_code == 200 and "just been taken" in other.content.decode()
    calendar = visitor.get(f"/appointments/b/{held.code}/calendar.ics?key={reads.key_of(held)}")
    assert calendar["Content-Type"].startswith("text/calendar") and b"BEGIN:VEVENT" in calendar.content
    moved = visitor.post(
        "/appointments/counter", {"start": at(hour=9).isoformat(), "move": held.code, "key": reads.key_of(held)}
    )
    held.refresh_from_db()
    assert moved.status_code == 302 and held.slot.start == at(hour=9)
    gone = visitor.post(f"/appointments/b/{held.code}/act", {"key": reads.key_of(held), "do": "cancel"}, follow=True)
    assert "is cancelled" in gone.content.decode() and not Slot.objects.filter(taken__gt=0).exists()


def test_without_the_key_nobody_learns_anything(counter, visitor, books):
    made = books(counter, at())
    for path in (f"/appointments/b/{made.code}", f"/appointments/b/{made.code}/calendar.ics", "/appointments/b/XXXXXX"):
        assert visitor.get(path).status_code == 404
        assert visitor.get(f"{path}?key=wrong").status_code == 404
    assert visitor.post(f"/appointments/b/{made.code}/act", {"do": "cancel", "key": "no"}).status_code == 404
    made.refresh_from_db()
    assert made.state == "booked"


def test_a_full_hour_is_waited_for(counter, visitor, books):
    books(counter, at())
    page = visitor.get("/appointments/counter").content.decode()
    assert "full: wait" in page
    waits = visitor.post("/appointments/counter", {"client_id": str(uuid.uuid4()), "wait": at().isoformat()})
    assert "This hour is full" in visitor.get(waits.url).content.decode()
    visitor.post(waits.url, {"name": "Issa", "contact": "issa@example.org"})
    assert Booking.objects.get(person__name="Issa").state == "waiting"


def test_who_is_logged_in_is_not_asked_who_they_are(counter):
    person = people.person_for(name="Fanta Koné", phone="+22370000001")
    client = Client(headers={"accept-language": "en"})
    sign_in(client, people.Account.objects.create(person=person))
    response, _sent = choose(client, at())
    page = client.get(response.url).content.decode()
    assert "Fanta Koné" in page and 'name="contact"' not in page
    client.post(response.url)
    made = Booking.objects.get()
    assert (made.person, made.state) == (person, "booked")
    assert made.code in client.get("/account/").content.decode()


@pytest.mark.parametrize("typed", ["", "tomorrow", "2026-01-01T08:00", "9" * 40])
def test_an_hour_that_is_none_is_said(counter, visitor, typed):
    response = visitor.post("/appointments/counter", {"client_id": "x", "start": typed})
    assert response.status_code == 200 and "Choose an hour." in response.content.decode()


def test_the_feed_has_no_names_and_needs_its_key(counter, visitor, books):
    books(counter, at())
    assert visitor.get("/appointments/counter/calendar.ics").status_code == 404
    feed = visitor.get(f"/appointments/counter/calendar.ics?key={counter.feed_key}").content.decode()
    assert "BEGIN:VEVENT" in feed and "Fanta" not in feed
    setup.renew_feed("counter", by=CLERK)
    assert visitor.get(f"/appointments/counter/calendar.ics?key={counter.feed_key}").status_code == 404


def test_the_day_at_the_desk(counter, hire, books, visitor):
    made = books(counter, at())
    Slot.objects.update(start=timezone.now() - timedelta(minutes=5), end=timezone.now() + timedelta(minutes=5))
    assert visitor.get("/desk/appointments/").status_code in (302, 403)
    reader, agent = hire("reader"), hire("agent")
    assert "Fanta Koné" in reader.get("/desk/appointments/").content.decode()
    assert AuditEntry.objects.filter(action="bookings.read").count() == 1, "who looked at names and telephones is known"
    district = Zone.objects.create(
        level=2, name="Nord", source="t:1", geom=MultiPolygon(Polygon.from_bbox((0, 0, 1, 1)))
    )
    assert hire("agent", district.pk).get("/desk/appointments/").status_code == 403, "a counter lies in no district"
    assert reader.post("/desk/appointments/", {"booking": made.pk, "do": "came"}).status_code == 403
    page = agent.get("/desk/appointments/").content.decode()
    assert 'value="came"' in page and 'value="no_show"' in page and "+223 70 00 00 10" in page
    agent.post("/desk/appointments/", {"booking": made.pk, "do": "came"})
    made.refresh_from_db()
    assert made.state == "came"


def test_somebody_on_the_telephone_gets_an_hour(counter, hire):
    agent = hire("agent")
    day = timezone.localdate(at()).isoformat()
    page = agent.get(f"/desk/appointments/new?at=counter&day={day}").content.decode()
    assert at(hour=9).isoformat() in page.replace("&#x2B;", "+")
    sent = {
        "at": "counter", "day": day, "start": at(hour=9).isoformat(), "name": "Issa", "contact": "70000002",
        "client_id": str(uuid.uuid4()),
    }  # fmt: skip
    for _twice in range(2):
        assert "Issa" in agent.post("/desk/appointments/new", sent, follow=True).content.decode()
    made = Booking.objects.get()
    assert (made.state, made.channel) == ("booked", "counter")


def test_hours_are_set_up_without_code(counter, hire):
    assert hire("agent").get("/desk/appointments/set-up/").status_code == 403
    chief = hire("manager")
    page = chief.get("/desk/appointments/set-up/new").content.decode()
    assert "Monday" in page
    sent = {
        "title_en": "Sewing workshop", "day_6": "9:00-11:00, 14h-16h", "minutes": "120", "capacity": "12", "most_places": "2",
        "ahead_days": "60", "notice_minutes": "0", "price": "500", "active": "on", "waiting_list": "on",
    }  # fmt: skip
    bad = chief.post("/desk/appointments/set-up/new", sent | {"day_6": "morning"})
    assert bad.status_code == 422 and "Write hours as" in bad.content.decode()
    done = chief.post("/desk/appointments/set-up/new", sent)
    assert done.url == "/desk/appointments/set-up/sewing-workshop"
    made = Resource.objects.get(slug="sewing-workshop")
    assert made.hours == [
        {"days": [6], "from": "09:00", "to": "11:00"}, {"days": [6], "from": "14:00", "to": "16:00"},
    ]  # fmt: skip
    assert made.price == 500 and not made.asks_place
    day = timezone.localdate() + timedelta(days=3)
    chief.post(f"{done.url}/act", {"do": "day", "day": day.isoformat(), "hours": "18:00-20:00"})
    made.refresh_from_db()
    assert made.exceptions == {day.isoformat(): {"hours": [["18:00", "20:00"]]}}
    assert "18:00-20:00" in chief.get(done.url).content.decode()
    refused = chief.post(f"{done.url}/act", {"do": "day", "day": day.isoformat(), "hours": "20:00-18:00"}, follow=True)
    assert "Write hours as" in refused.content.decode()
    chief.post(f"{done.url}/act", {"do": "week", "day": day.isoformat()})
    made.refresh_from_db()
    assert made.exceptions == {}


def test_what_it_is_about_is_shown_only_when_known(counter, visitor):
    response, _sent = choose(visitor, at(), about="nothing:known")
    assert response.status_code == 302 and Booking.objects.get().subject_kind == ""
    assert reads.appointment_url("no-such") == ""
    assert reads.appointment_url("counter", ("procedure", "birth")) == "/appointments/counter?about=procedure%3Abirth"


def test_a_pick_up_at_a_door_asks_where(counter, visitor):
    setup.save_resource(
        "waste", told(titles={"en": "Bulky waste"}, asks_place=True, most_places=2, capacity=4), by=CLERK
    )
    response, _sent = choose(visitor, at(), slug="waste", places="2")
    page = visitor.post(response.url, {"name": "Fanta", "contact": "70000001"})
    assert page.status_code == 422
    visitor.post(response.url, {"name": "Fanta", "contact": "70000001", "place": "Behind the mosque"})
    made = Booking.objects.get()
    assert (made.place, made.places, made.state) == ("Behind the mosque", 2, "booked")
