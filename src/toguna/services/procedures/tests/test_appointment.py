"""From a procedure to its counter, and what the clerk reads of it there."""

from __future__ import annotations

from toguna.engines.bookings import starter as counters
from toguna.engines.bookings.models import Booking
from toguna.services.procedures.models import Procedure

LINK = "/appointments/civil-status?about=procedure%3Abirth"


def test_a_procedure_leads_to_its_counter_when_there_is_one(town, visitor, hire):
    assert Procedure.objects.get(slug="birth").booking == "civil-status"
    assert LINK not in visitor.open("/procedures/birth")  # no such counter in this town yet
    counters.load()
    assert LINK in visitor.open("/procedures/birth")
    assert "/appointments/" not in visitor.open("/procedures/taxi").partition("<main")[2].partition("</main")[0]
    page = visitor.open(LINK)
    assert "About what" in page
    start = page.partition('name="start" value="')[2].partition('"')[0]
    visitor.press("", 'name="client_id"', start=start)
    visitor.press("", "Take this hour", name="Fanta", contact="70000001")
    made = Booking.objects.get()
    assert (made.state, made.subject_kind, made.subject) == ("booked", "procedure", "birth")
    assert Procedure.objects.get(slug="birth").names["en"] in visitor.html


def test_a_clerk_chooses_the_counter(town, hire):
    counters.load()
    chief = hire("manager")
    page = chief.get("/desk/procedures/taxi").content.decode()
    assert 'value="civil-status"' in page
