"""An appointment at 320 pixels without JavaScript, in a real browser: nothing that axe finds, nothing that overflows."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from toguna.engines.bookings import setup
from toguna.engines.bookings.models import Slot
from toguna.engines.bookings.tests.conftest import CLERK, at, told
from toguna.engines.people.testing import staff
from toguna.kernel.testing_browser import look, press, sound


def test_an_appointment_on_a_small_screen(chromium, counter, books):
    setup.save_resource("counter", told(asks_place=True, most_places=2, capacity=6, price=500), by=CLERK)
    for _n in range(6):
        books(counter, at(hour=9))
    page = chromium.page()
    page.goto("/appointments/")
    sound(page, "choose")
    press(page.locator("main .list a").first)
    sound(page, "times")
    press(page.locator("main button[name=start]").first)
    sound(page, "who")
    press(page.locator("main form button").first)
    assert page.locator(".error").count() == 3
    sound(page, "errors")
    page.fill("[name=name]", "Fanta Koné")
    page.fill("[name=contact]", "70 00 00 01")
    page.fill("[name=place]", "Badalabougou, derrière la mosquée")
    press(page.locator("main form button").first)
    sound(page, "done")
    press(page.locator("button[value=cancel]"))
    sound(page, "cancelled")
    chromium.sign_in(page.context, staff())
    Slot.objects.filter(start=at(hour=9)).update(start=timezone.now() - timedelta(minutes=1), end=at())
    for path in ("", f"new?day={timezone.localdate(at())}", "set-up/"):
        look(page, f"/desk/appointments/{path}")
    setup.set_day("counter", timezone.localdate(at(5)), [], by=CLERK)
    look(page, "/desk/appointments/set-up/counter")
