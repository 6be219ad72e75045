"""Orders on the web and at the desk; hours that nobody overbooks; subscriptions; who may see what."""

from __future__ import annotations

import re
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.bookings import api as bookings
from toguna.engines.channels import sms
from toguna.engines.channels.models import Message
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.providers import ways
from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs, run_jobs, until
from toguna.services.waste import households
from toguna.services.waste.households import Spot
from toguna.services.waste.models import PickUp, PickUpKind, PreCollector, Subscription
from toguna.services.waste.orders import actions, forgetting, money, precollectors, subscriptions, telling
from toguna.services.waste.tests.conftest import CART, HOME
from toguna.simulate.payments import GIVEN

EN = {"headers": {"accept-language": "en"}}


def offer(slug: str = "waste-doors") -> datetime:
    today = timezone.localdate()
    return bookings.free(bookings.resource(slug), today, today + timedelta(days=10))[2].start


def wanted(address: str = HOME, *, slug: str = "household", **more) -> actions.Wanted:
    kind = PickUpKind.objects.get(slug=slug)
    return actions.Wanted(
        kind, more.pop("start", None) or offer(kind.resource), Spot("Nord", 0.05, 0.05), address, language="en", **more
    )


@pytest.fixture
def accepted(collectors):
    """An order that Awa took, whose hour is now."""
    row = actions.ask(wanted(size=2), client_id=uuid.uuid4(), by=SYSTEM)
    run_jobs()
    actions.accept(actions.by_id(row.pk), collectors.awa)
    run_jobs()
    start = timezone.now() - timedelta(minutes=30)
    PickUp.objects.filter(pk=row.pk).update(start=start, end=start + timedelta(hours=4))
    return actions.by_id(row.pk)


def form(client, slug: str = "household") -> dict[str, str]:
    page = client.get(f"/waste/pickup/{slug}", **EN).content.decode()
    start = re.findall(r'<option value="([^"]+T[^"]+)"', page)[3]
    return {
        "client_id": str(uuid.uuid4()),
        "size": "2",
        "start": start,
        "where": "Mosquée de Nord",
        "contact": "70000001",
        "name": "Fanta",
    }


def test_ordered_on_the_web_without_script_followed_paid_for_and_rated(
    client, collectors, heard, django_assert_max_num_queries
):
    assert 'from <span class="nowrap">500' in " ".join(
        client.get("/waste/pickup", **EN).content.decode().replace("\xa0", " ").split()
    )
    sent = form(client)
    made = [client.post("/waste/pickup/household", sent, **EN) for _again in range(2)]
    assert made[0].status_code == 302 and made[0]["Location"] == made[1]["Location"]
    row = PickUp.objects.get()
    assert (row.price, row.where, row.household.address) == (500, "Mosquée de Nord", HOME)
    assert f"/waste/pickup/o/{row.code}?key=" in heard(HOME), "the link is in their SMS"
    with django_assert_max_num_queries(12):
        page = client.get(made[0]["Location"], **EN).content.decode()
    assert "It is ordered" in page and row.secret not in page, "the code is shown once somebody comes"
    actions.accept(actions.by_id(row.pk), collectors.awa)
    page = client.get(made[0]["Location"], **EN).content.decode()
    assert row.secret in page and "Awa" in page
    assert client.get(f"/waste/pickup/o/{row.code}?key=wrong").status_code == 404
    assert client.get(f"/waste/pickup/o/{row.code}").status_code == 404
    actions.done(actions.by_id(row.pk), collectors.awa, row.secret)
    page = client.get(made[0]["Location"], **EN).content.decode()
    bill = ledger.Bill.objects.get()
    assert f"/pay/{bill.reference}" in page
    desk = ledger.Desk.objects.create(name="Site", prefix="EN", account=ledger.account("571"))
    ledger.take(500, bill.currency, "cash", desk=desk, key="t", by=SYSTEM, bills=[bill.pk])
    assert "EN-" in heard(HOME), "the receipt comes by SMS"
    client.post(
        f"/waste/pickup/o/{row.code}/act",
        {"key": telling.path_of(row).partition("key=")[2], "do": "rate", "stars": "4"},
    )
    row.refresh_from_db()
    assert row.stars == 4


def test_what_is_typed_wrong_is_said_and_nothing_is_ordered(client, collectors):
    for change in ({"size": "99"}, {"where": ""}, {"contact": "abc"}, {"start": "yesterday"}):
        assert client.post("/waste/pickup/household", form(client) | change, **EN).status_code == 422, change
    assert not PickUp.objects.exists() and not bookings.Booking.objects.exists()


def test_a_stranger_does_not_move_the_door_of_others(client, collectors):
    home = households.keep(HOME, spot=Spot("Nord, ma porte", 0.05, 0.05))
    client.post("/waste/pickup/household", form(client) | {"where": "Mosquée de Sud"}, **EN)
    home.refresh_from_db()
    assert home.where == "Nord, ma porte" and PickUp.objects.get().where == "Mosquée de Sud"


@pytest.mark.parametrize("language", ["fr", "pt", "en"])
def test_what_a_pre_collector_is_told_is_one_sms_on_any_day(accepted, collectors, language):
    """The longest day, month, place and price too."""
    PreCollector.objects.update(language=language)
    PickUp.objects.update(where="Derrière la grande mosquée du marché central, porte bleue", price=1_250_000)
    for month in range(1, 13):
        start = datetime(2027, month, 28, 7, tzinfo=UTC)
        PickUp.objects.update(start=start, end=start + timedelta(hours=4))
        Message.objects.all().delete()
        PickUp.objects.update(state="offered")
        telling._offered(actions.by_id(accepted.pk), actions.by_id(accepted.pk).collector)
        PickUp.objects.update(state="accepted")
        telling._collector(actions.by_id(accepted.pk), actions.by_id(accepted.pk).collector, "accepted")
        texts = [one.text for one in Message.objects.all()]
        assert len(texts) == 2 and all(sms.size(text).parts == 1 for text in texts), texts


@pytest.mark.django_db(transaction=True)
def test_many_at_once_want_the_last_places_and_no_more_get_one(town):
    start, places, many = offer("waste-bulky"), 8, 24
    kind = PickUpKind.objects.get(slug="bulky")
    barrier, got = threading.Barrier(many), []

    def one(n: int) -> None:
        try:
            barrier.wait()
            actions.ask(wanted(f"+22371{n:06d}", slug=kind.slug, start=start), client_id=uuid.uuid4(), by=SYSTEM)
            got.append(n)
        except actions.Refused:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(n,)) for n in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    forget_jobs()
    assert len(got) == places == PickUp.objects.count() == bookings.Booking.objects.filter(state="booked").count()


def test_two_who_act_at_once_are_not_both_right(accepted, collectors):
    stale = actions.by_id(accepted.pk)
    actions.cancel(actions.by_id(accepted.pk), by=SYSTEM, own=True)
    with pytest.raises(actions.Conflict), transaction.atomic():
        actions.done(stale, collectors.awa, stale.secret)
    assert not ledger.Bill.objects.exists() and ledger.balance("401") == 0


def test_a_complaint_is_answered_and_the_bill_taken_back(accepted, collectors, hire, client, heard, town):
    actions.done(accepted, collectors.awa, accepted.secret)
    key = actions.key_of(accepted)
    client.post(
        f"/waste/pickup/o/{accepted.code}/act", {"key": key, "do": "complain", "words": "Half of it is still here"}
    )
    agent = hire("agent", town.north.pk)
    assert accepted.code[:4] in agent.get("/desk/waste/pickups/?view=complaints").content.decode()
    assert hire("agent", town.south.pk).get(f"/desk/waste/pickups/{accepted.code}").status_code == 404
    free = {"do": "settle", "words": "We come again tomorrow", "free": "1"}
    assert 'name="free"' not in agent.get(f"/desk/waste/pickups/{accepted.code}").content.decode()
    assert agent.post(f"/desk/waste/pickups/{accepted.code}/act", free).status_code == 403
    assert ledger.Bill.objects.get().state == "open", "a bill is taken back by a head of the service"
    hire("manager", town.north.pk).post(f"/desk/waste/pickups/{accepted.code}/act", free)
    assert "come again tomorrow" in heard(HOME)
    assert ledger.Bill.objects.get().state == "cancelled"


def test_the_desk_gives_and_closes_what_nobody_took(collectors, hire, django_assert_max_num_queries):
    PreCollector.objects.update(state="resting")
    row = actions.ask(wanted(), client_id=uuid.uuid4(), by=SYSTEM)
    run_jobs()
    agent = hire("agent")
    with django_assert_max_num_queries(25):
        assert row.code[:4] in agent.get("/desk/waste/pickups/?view=unserved").content.decode()
    PreCollector.objects.filter(pk=collectors.issa.pk).update(state="active")
    agent.post(f"/desk/waste/pickups/{row.code}/act", {"do": "give", "collector": collectors.issa.pk})
    row.refresh_from_db()
    assert (row.state, row.collector) == ("accepted", collectors.issa)
    agent.post(f"/desk/waste/pickups/{row.code}/act", {"do": "done", "words": ""})
    row.refresh_from_db()
    assert row.state == "accepted", "not without saying how one knows"
    agent.post(f"/desk/waste/pickups/{row.code}/act", {"do": "done", "words": "The household called"})
    row.refresh_from_db()
    assert (row.state, row.proof) == ("done", "desk")


def test_what_the_town_owes_is_paid_out_once_and_no_more(accepted, collectors, hire):
    actions.done(accepted, collectors.awa, accepted.secret)
    collectors.awa.refresh_from_db()
    manager = hire("manager")
    sent = {"client_id": str(uuid.uuid4()), "amount": "200", "way": "571", "note": "cash"}
    for _again in range(2):
        manager.post(f"/desk/waste/collectors/{collectors.awa.pk}", sent)
    assert precollectors.sums(collectors.awa).owed == 150
    too_much = manager.post(
        f"/desk/waste/collectors/{collectors.awa.pk}", sent | {"client_id": str(uuid.uuid4()), "amount": "151"}
    )
    assert too_much.status_code == 422 and precollectors.sums(collectors.awa).owed == 150
    hire("agent").post(
        f"/desk/waste/collectors/{collectors.awa.pk}", sent | {"client_id": str(uuid.uuid4()), "amount": "1"}
    )
    assert ledger.balance("571") == -200


@pytest.mark.django_db(transaction=True)
def test_a_pay_out_that_is_sent_several_times_at_once_is_one(accepted, collectors):
    actions.done(accepted, collectors.awa, accepted.secret)
    collectors.awa.refresh_from_db()
    sent, barrier, made = uuid.uuid4(), threading.Barrier(4), []

    def one() -> None:
        try:
            barrier.wait()
            made.append(money.pay_out(200, way="571", client_id=sent, by=SYSTEM, collector=collectors.awa).pk)
        finally:
            connection.close()

    with transaction.atomic():  # all four have come before the first is done
        ledger.Payer.objects.select_for_update().get(pk=collectors.awa.payer_id)
        threads = [threading.Thread(target=one) for _n in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: waiting_for_a_lock() == 4)
    for thread in threads:
        thread.join()
    forget_jobs()
    assert len(made) == 4 and len(set(made)) == 1 and ledger.balance("571") == -200


def waiting_for_a_lock() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_stat_clear_snapshot()"
        )  # else a transaction sees them as they were when it first looked
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0]


def test_a_weekly_pick_up_makes_its_pick_ups_and_one_bill_a_month(collectors, heard):
    first = actions.ask(wanted(weekly=True), client_id=uuid.uuid4(), by=SYSTEM)
    row = Subscription.objects.get()
    day = timezone.localdate(first.start)
    assert (row.day, first.price, ledger.Bill.objects.get().amount) == (day.isoweekday(), 0, 2000)
    for _again in range(2):
        subscriptions.sweep(day + timedelta(days=5))
    starts = [timezone.localdate(one) for one in PickUp.objects.order_by("start").values_list("start", flat=True)]
    assert starts == [day, day + timedelta(days=7)]
    assert ledger.Bill.objects.count() == 1 + ((day + timedelta(days=5)).month != day.month)
    run_jobs()
    actions.accept(actions.by_id(first.pk), collectors.awa)
    actions.done(actions.by_id(first.pk), collectors.awa, first.secret)
    first.refresh_from_db()
    assert first.bill is None and first.earned == 2000 * 12 // 52 * 70 // 100
    subscriptions.end(row, by=SYSTEM, own=True)
    assert list(PickUp.objects.order_by("start").values_list("state", flat=True)) == ["done", "cancelled"]


def test_a_subscription_may_be_paid_by_itself_and_its_order_ends_with_it(collectors, monkeypatch, say):
    monkeypatch.setattr(ways, "tables", lambda: {"mtn": GIVEN["mtn"]})
    say("PICKUP")
    asked = say("Each week: 2,000 FCFA a month")
    assert "Where" in asked, asked
    say("Mosquée de Nord")
    assert "by itself" in say("1")
    assert "2,000 FCFA a month" in say("1")
    say("1")
    row = Subscription.objects.get()
    order = ledger.orders_of(row.household.payer_id).get()
    assert (order.way, order.phone, order.most, order.ended) == ("mtn", HOME, 2000, None)
    subscriptions.end(row, by=SYSTEM, own=True)
    assert ledger.orders_of(row.household.payer_id).get().ended is not None


def test_an_hour_booked_as_an_appointment_is_an_order_too(collectors, heard):
    person = people.person_for(name="Fanta", phone=HOME, language="en")
    booked = bookings.book(
        bookings.resource("waste-doors"),
        offer(),
        person=person,
        wish=bookings.Wish(place="Mosquée de Nord"),
        by=SYSTEM,
        client_id=uuid.uuid4(),
    )
    assert "Job" in heard(CART)
    row = PickUp.objects.get()
    assert row.booking_id == booked.pk and row.zone is not None and row.price == 500


def test_nothing_is_offered_without_a_price(town, client):
    ledger.Tariff.objects.all().delete()
    assert "not set the price" in client.get("/waste/pickup", **EN).content.decode()
    assert client.get("/waste/pickup/household", **EN).status_code == 404
    with pytest.raises(money.NoPrice):
        actions.ask(wanted(), client_id=uuid.uuid4(), by=SYSTEM)


def test_the_register_of_pre_collectors_is_written_by_the_head_of_service(town, hire):
    sent = {
        "name": "Oumar",
        "phone": "70 00 00 33",
        "vehicle": "tricycle",
        "zones": [town.north.pk],
        "hours": "7:00-12:00",
        "most": "9",
    }
    assert hire("agent").post("/desk/waste/collectors/new", sent).status_code == 403
    manager = hire("manager")
    for _again in range(2):
        manager.post("/desk/waste/collectors/new", sent)
    row = PreCollector.objects.get()
    assert (row.phone, row.state, row.zones.get()) == ("+22370000033", "active", town.north)


def test_erasing_a_person_cancels_and_empties_what_is_theirs(collectors):
    row = actions.ask(wanted(note="Blue door"), client_id=uuid.uuid4(), by=SYSTEM)
    person = row.household.person_id
    assert forgetting.export(person)[0]["pickups"][0]["note"] == "Blue door"
    PickUp.objects.filter(pk=row.pk).update(closed=timezone.now() - timedelta(days=500))
    other = actions.ask(wanted("+22370000077", note="Green door"), client_id=uuid.uuid4(), by=SYSTEM)
    forgetting.forget_old()
    assert list(PickUp.objects.order_by("pk").values_list("note", flat=True)) == ["", other.note]
    PickUp.objects.filter(pk=row.pk).update(closed=None)
    forgetting.erase(person)
    row.refresh_from_db()
    row.household.refresh_from_db()
    assert (row.state, row.where, row.note, row.point) == ("cancelled", "", "", None)
    assert (row.household.address, row.household.where, row.household.person) == ("", "", None)


def test_a_pre_collector_who_asks_is_forgotten_and_their_jobs_go_to_others(collectors):
    row = actions.ask(wanted(), client_id=uuid.uuid4(), by=SYSTEM)
    run_jobs()
    row.refresh_from_db()
    theirs = PreCollector.objects.get(pk=row.collector_id)
    person = people.person_for(name=theirs.name, phone=theirs.phone)
    (told,) = forgetting.export_precollector(person.pk)
    assert (told["code"], told["phone"]) == (theirs.code, theirs.phone) and told["pickups"][0]["code"] == row.code
    neighbour = people.person_for(name="Neighbour", phone=theirs.phone)
    assert forgetting.export_precollector(neighbour.pk) == [], "a shared telephone proves nothing"
    people.Contact.objects.filter(person=neighbour).delete()
    forgetting.erase_precollector(person.pk)
    run_jobs()
    row.refresh_from_db()
    kept = PreCollector.objects.get(pk=theirs.pk)
    assert (kept.state, kept.name, kept.phone, kept.point) == ("ended", theirs.code, f"gone:{theirs.code}", None)
    assert row.collector_id != theirs.pk and row.state in PickUp.OPEN
    assert forgetting.export_precollector(person.pk) == []
