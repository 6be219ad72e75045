"""A pick-up ordered from a small telephone without a script; every public page of waste is sound, and those of the desk."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.gis.geos import Point
from django.utils import timezone

from toguna.engines.people import api as people
from toguna.engines.people.testing import staff
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing_browser import look, press
from toguna.services.waste import households
from toguna.services.waste.models import Material, PickUp, PreCollector, Reward, SortingCampaign, Taken, WastePlace
from toguna.services.waste.orders import actions, matching, telling
from toguna.services.waste.sorting import actions as sorting
from toguna.services.waste.tests.conftest import CART


def test_from_the_hub_to_the_order_and_through_the_back_office(chromium, settings, town, collectors):
    settings.TOGUNA_URL = chromium.url
    place = WastePlace.objects.create(
        code="ACH222", kind="buyer", name="Plastiques Sira", point=Point(0.05, 0.05, srid=4326), zone=town.north
    )
    Taken.objects.create(place=place, material=Material.objects.get(slug="plastic"), price=75)
    Reward.objects.create(slug="soap", titles={"en": "A bar of soap"}, points=100)
    person = people.person_for(name="Fanta", phone="+22370000001")
    home = households.keep("+22370000001", spot=households.read_spot("Mosquée de Nord"))
    sorting.earn(home, Material.objects.get(slug="plastic"), 20_000, key="a", by=SYSTEM)
    campaign = SortingCampaign.objects.create(
        slug="c",
        titles={"en": "Spring"},
        since=timezone.localdate() - timedelta(weeks=4),
        until=timezone.localdate() + timedelta(days=9),
    )
    campaign.zones.add(town.north)
    clerk = staff()
    people.Account.objects.filter(pk=clerk.session["_auth_user_id"]).update(person=person)
    people.Contact.objects.create(person=person, kind="phone", value=CART, verified=timezone.now())
    phone, page = chromium.page(locale="en", java_script_enabled=False), chromium.page(clerk, locale="en")
    phone.goto("/waste/")
    press(phone.locator("a[href='/waste/pickup']"))
    press(phone.locator("a[href='/waste/pickup/household']"))
    phone.fill("[name=where]", "Mosquée de Nord")
    phone.fill("[name=contact]", "70000001")
    phone.select_option("[name=start]", index=3)
    press(phone.locator("main form button.button").last)
    row = PickUp.objects.get()
    assert phone.url.startswith(f"{chromium.url}/waste/pickup/o/{row.code}?key=")
    assert matching.offer_next(row.pk)
    actions.accept(actions.by_id(row.pk), collectors.awa)
    phone.reload()
    assert row.secret in phone.locator("main").inner_text()

    for path in (
        "/waste/", "/waste/pickup", "/waste/pickup/household", telling.path_of(row), "/waste/places", "/waste/places?material=plastic&q=Nord",
        "/waste/p/ACH222", "/waste/sorting", "/waste/mine", "/waste/jobs", "/desk/waste/pickups/", "/desk/waste/pickups/new", f"/desk/waste/pickups/{row.code}",
        "/desk/waste/collectors/", f"/desk/waste/collectors/{PreCollector.objects.first().pk}", "/desk/waste/collectors/new",
        "/desk/waste/places/", "/desk/waste/places/new", "/desk/waste/places/import", "/desk/waste/scales/", "/desk/waste/scales/new", "/desk/waste/sorting/",
        "/desk/waste/sorting/new", "/desk/waste/sorting/c", "/desk/waste/figures/",
    ):  # fmt: skip
        look(page, path)
