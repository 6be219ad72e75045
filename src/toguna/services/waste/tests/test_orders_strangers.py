"""What somebody else does in my name, or beside me, does me no harm."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from toguna.engines.bookings import api as bookings
from toguna.engines.bookings.models import Booking, Slot
from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM, Denied
from toguna.kernel.testing import run_jobs
from toguna.services.waste.models import PickUp, PreCollector, Subscription
from toguna.services.waste.orders import actions, subscriptions
from toguna.services.waste.sorting import campaigns
from toguna.services.waste.tests.conftest import OTHER
from toguna.services.waste.tests.test_orders_web import EN, form, offer, wanted

WEEK = timedelta(days=7)


def test_a_strangers_appointment_about_my_pick_up_does_not_end_it(collectors, client):
    mine = actions.ask(wanted(), client_id=uuid.uuid4(), by=SYSTEM)
    run_jobs()
    sent = {"start": offer().isoformat(), "about": f"waste-pickup:{mine.code}", "client_id": str(uuid.uuid4())}
    made = client.post("/appointments/waste-doors", sent, **EN)
    held = Booking.objects.exclude(pk=mine.booking_id).get()
    assert made.status_code == 302 and held.subject == "", "what is about an order is booked by its own service alone"
    Booking.objects.filter(pk=held.pk).update(subject_kind="waste-pickup", subject=mine.code)
    key = made["Location"].partition("key=")[2].partition("&")[0]
    client.post(f"/appointments/b/{held.code}/act", {"do": "cancel", "key": key}, **EN)
    run_jobs()
    held.refresh_from_db()
    mine.refresh_from_db()
    assert held.state == "cancelled" and mine.state in PickUp.OPEN


def test_a_subscription_that_a_stranger_typed_costs_nothing_until_its_household_gives_its_digits(
    collectors, client, heard
):
    client.post("/waste/pickup/household", form(client) | {"weekly": "on"}, **EN)
    row, first = Subscription.objects.get(), PickUp.objects.get()
    assert not ledger.Bill.objects.exists()
    day = timezone.localdate(first.start)
    subscriptions.sweep(day + timedelta(days=5))
    assert not ledger.Bill.objects.exists() and PickUp.objects.count() == 1
    run_jobs()
    actions.accept(actions.by_id(first.pk), collectors.awa)
    for _again in range(2):
        actions.done(actions.by_id(first.pk), collectors.awa, first.secret)
    row.refresh_from_db()
    assert [b.amount for b in ledger.Bill.objects.all()] == [2000]
    assert row.billed == timezone.localdate(first.start).replace(day=1) and row.ended is None
    subscriptions.sweep(day + timedelta(days=5))
    assert PickUp.objects.count() == 2


def test_a_weekly_pick_up_whose_hour_others_took_comes_at_another_or_is_told_of(collectors, heard):
    first = actions.ask(wanted(weekly=True), client_id=uuid.uuid4(), by=SYSTEM)
    again = first.start + WEEK
    day = timezone.localdate(first.start)
    slots = bookings.resource("waste-doors")

    def fill(start) -> None:
        """Somebody books, and so many others."""
        taken = people.person_for(name="Issa", phone="+22371100000", language="fr")
        made = bookings.book(slots, start, person=taken, by=SYSTEM, wish=bookings.Wish(), client_id=uuid.uuid4())
        left = [one.left for one in bookings.free(slots, day + WEEK, day + WEEK) if one.start == start]
        Slot.objects.filter(pk=made.slot_id).update(taken=F("taken") + sum(left))

    fill(again)
    subscriptions.sweep(day + timedelta(days=5))
    other = PickUp.objects.exclude(pk=first.pk).get()
    assert other.start != again and timezone.localdate(other.start) == timezone.localdate(again)
    actions.cancel(other, by=SYSTEM, own=True)
    second = actions.ask(wanted(OTHER, weekly=True, start=first.start), client_id=uuid.uuid4(), by=SYSTEM)
    assert second.code in heard(OTHER)
    for one in bookings.free(slots, day + WEEK, day + WEEK):
        fill(one.start)
    for _again in range(2):
        subscriptions.sweep(day + timedelta(days=5))
    assert PickUp.objects.filter(subscription=second.subscription).count() == 1
    assert "No hour is left for your weekly pick-up" in heard(OTHER)


def test_it_is_over_when_whoever_has_the_number_cancels_it(collectors, client):
    client.post("/waste/pickup/household", form(client) | {"weekly": "on"}, **EN)
    actions.cancel(actions.by_id(PickUp.objects.get().pk), by=SYSTEM, own=True)
    assert Subscription.objects.get().ended is not None and not ledger.Bill.objects.exists()
    made = client.post("/waste/pickup/household", form(client) | {"weekly": "on"}, **EN)
    assert made.status_code == 302, "another may begin"


def test_the_price_of_the_place_is_agreed_to_before_it_is_owed(collectors, client, town):
    tariff = ledger.Tariff.objects.get(slug="enlevement")
    ledger.Tariff.objects.create(
        slug="enlevement", since=timezone.localdate(), titles=tariff.titles, law="Act 2", income=tariff.income,
        rule=tariff.rule | {"zones": {str(town.north.pk): 200}},
    )  # fmt: skip
    sent = form(client)
    asked = client.post("/waste/pickup/household", sent, **EN)
    page = asked.content.decode().replace("\xa0", " ")
    assert asked.status_code == 422 and "1,000 FCFA" in page and not PickUp.objects.exists()
    assert 'name="agreed" value="1000"' in page
    assert client.post("/waste/pickup/household", sent | {"agreed": "1000"}, **EN).status_code == 302
    assert PickUp.objects.get().price == 1000
    south = form(client) | {"where": "Mosquée de Sud"}
    assert client.post("/waste/pickup/household", south, **EN).status_code == 302, (
        "the same price as shown: no question"
    )


def test_a_head_of_one_district_pays_and_changes_only_who_works_there(collectors, hire, town):
    north = hire("manager", town.north.pk)
    sent = {"client_id": str(uuid.uuid4()), "amount": "10", "way": "571", "note": ""}
    assert north.post(f"/desk/waste/collectors/{collectors.awa.pk}", sent).status_code == 422, "nothing is owed yet"
    page = north.get(f"/desk/waste/collectors/{collectors.issa.pk}").content.decode()
    assert 'name="amount"' not in page, "who works in the whole town is the whole town's"
    assert north.post(f"/desk/waste/collectors/{collectors.issa.pk}/state", {"state": "resting"}).status_code == 403
    assert north.post(f"/desk/waste/collectors/{collectors.awa.pk}/state", {"state": "resting"}).status_code == 302
    assert list(PreCollector.objects.order_by("name").values_list("state", flat=True)) == ["resting", "active"]


def test_a_campaign_of_another_district_is_neither_changed_nor_told(collectors, hire, town):
    told = campaigns.Told(
        "sud", {"en": "South"}, {"en": "Sort"}, timezone.localdate(), timezone.localdate() + WEEK, [town.south.pk]
    )
    row = campaigns.save(None, told, by=SYSTEM)
    account = hire("manager", town.north.pk).account
    with pytest.raises(Denied):
        campaigns.tell(row, by=people.authority(account.pk))
    with pytest.raises(Denied):
        campaigns.save(row, replace(told, zones=[town.north.pk]), by=people.authority(account.pk))
    row.refresh_from_db()
    assert row.told is None and [zone.pk for zone in row.zones.all()] == [town.south.pk]
