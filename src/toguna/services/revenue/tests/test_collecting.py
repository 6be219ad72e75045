"""A collector's day at the town hall's side: the morning's load, a sync that is replayed and reordered, a wrong clock, a thief."""

from __future__ import annotations

import gzip
import json
import uuid
from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toguna.engines.channels.api import Message
from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.revenue.collecting import forgetting, odd, walking
from toguna.services.revenue.collecting.urls import urlpatterns
from toguna.services.revenue.models import Base, Collected, Collector, Counted, Device, Part, Taxed, Taxpayer, Visit
from toguna.services.revenue.tests.collecting_world import Phone


def year() -> int:
    return timezone.localdate().year


def owner(thing: Taxed) -> Taxpayer:
    return Taxpayer.objects.get(parts__taxed=thing)


@pytest.fixture
def phone(zongo):
    made = Phone(zongo.pk)
    made.load()
    return made


# --- The morning


def test_the_day_has_what_one_needs_and_no_telephone(stall, bill, zongo):
    thing, other = stall("Awa Traoré", phone="+22370000001"), stall("Ali Cissé", lon=-0.97)
    due = bill(owner(thing), 5000, thing=thing)
    bill(owner(other), 900, thing=other)
    market = stall("Fanta Diallo", base="place-du-jour", m2="3")
    phone = Phone(zongo.pk)
    day = phone.load()
    assert {one[0] for one in day["places"]} == {thing.code, market.code}, "the stall of Plateau is another's"
    assert "70000001" not in json.dumps(day)
    number, name, bills = day["payers"][phone.place(thing.code)[7][0]]
    assert (number, name) == (owner(thing).number, "Awa Traoré")
    assert bills == [
        [due.reference, 5000, "2026 · Market stall", due.due.isoformat(), thing.code, [["Market stall: 4 m2", 5000]]]
    ]
    assert phone.place(market.code)[8:10] == [200, 1], "the fee of the day, by the tariff, not taken yet"
    assert [one["amount"] for one in day["fees"][0]["offers"]] == [100, 200, 500]
    block = day["blocks"][0]
    assert block["last"] - block["first"] == 199 and block["next"] == block["first"]
    assert phone.load()["blocks"] == day["blocks"], "loaded again it has the same numbers"


def test_who_is_no_collector_gets_nothing(hire, stall):
    stall()
    assert hire("agent").get("/collect/day", {"device": str(uuid.uuid4())}).status_code == 409
    assert hire("reader").get("/collect/day").status_code == 403
    assert Client().get("/collect/day").status_code == 302


def test_every_page_asks_who_it_is(hire):
    public = {"collect-worker", "collect-manifest", "kiosk"}
    reader = hire("reader")
    for one in urlpatterns:
        path = "/" + str(one.pattern).replace("<int:pk>", "1").replace("<slug:number>", "R2K7M4TP")
        for client, status in ((Client(), 302), (reader, 403)):
            expected = 200 if one.name in public else status
            assert client.get(path).status_code == expected, one.name


def test_two_thousand_stalls_in_a_few_statements_and_small(zongo):
    made = Phone(zongo.pk)
    base, today = Base.objects.get(slug="etal"), timezone.localdate()
    names = ["Awa Traoré", "Moussa Keïta", "Fatoumata Coulibaly", "Ibrahim Diallo", "Mariam Sangaré"]
    payers = ledger.new_payers([f"{names[n % 5]} {n}" for n in range(2000)])
    taxpayers = Taxpayer.objects.bulk_create(
        [Taxpayer(number=code(8, n), name=f"{names[n % 5]} {n}", payer_id=pk) for n, pk in enumerate(payers)]
    )
    things = Taxed.objects.bulk_create(
        Taxed(
            code=code(7, n), base=base, zone=zongo, words=f"Place {n % 240}, rangée {n % 8}", measures={"m2": str(2 + n % 9)},
            point=Point(-0.999 + n % 50 * 2e-5, 12.001 + n // 50 * 2e-5, srid=4326), since=today, street_name=f"Allée {n // 50}",
        )
        for n in range(2000)
    )  # fmt: skip
    Part.objects.bulk_create([Part(taxed=a, taxpayer=b) for a, b in zip(things, taxpayers, strict=True)])
    ledger.stage()
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY ledger_run (key, payer, amount, words, about_kind, about) FROM STDIN") as copy,
    ):
        for n, (thing, pk) in enumerate(zip(things, payers, strict=True)):
            copy.write_row(
                (
                    f"k{n}",
                    pk,
                    1500 + n % 9 * 750,
                    f"{year()} · Étal: {2 + n % 9} m2 × 750 FCFA × 1 mois",
                    "taxed",
                    thing.code,
                )
            )
    ledger.run(income="7336", due=today, by=SYSTEM, at=today)
    with CaptureQueriesContext(connection) as seen:
        raw = made.client.get("/collect/day", {"device": made.device}).content
    weight = len(gzip.compress(raw, 6))
    assert len(json.loads(raw)["places"]) == 2000
    assert len(seen) <= 48, [q["sql"][:90] for q in seen.captured_queries]
    assert weight < 100_000, weight


def code(length: int, n: int) -> str:
    """Codes as random as real ones, for the weight of a load."""
    number, letters = uuid.uuid5(uuid.NAMESPACE_OID, f"{length}:{n}").int, "23456789ACDEFGHJKMNPRSTVWXYZ"
    return "".join(letters[number // 28**k % 28] for k in range(length))


def test_a_walk_goes_street_after_street_from_end_to_end():
    street = [("a", (0.001 * n, 0.0)) for n in (3, 1, 2, 0)]
    other = [("b", (0.005, 0.001 * n)) for n in (2, 0, 1)]
    order = walking.walked((-0.001, 0.0), [*street, (None, None), *other])
    assert order == [3, 1, 2, 0, 6, 7, 5, 4]


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.none() | st.tuples(st.floats(-1, 1), st.floats(-1, 1))),
        max_size=30,
    )
)
def test_a_walk_visits_each_once(places):
    assert sorted(walking.walked((0.0, 0.0), places)) == list(range(len(places)))


# --- The evening


def test_cash_on_bills_is_in_the_book_once_and_told(phone, stall, bill):
    thing = stall("Awa Traoré", phone="+22370000001")
    due = bill(owner(thing), 5000, thing=thing)
    row = phone.pay(
        5000, code=thing.code, taxpayer=owner(thing).number, bills=[due.reference], lon=-0.995, lat=12.0051, accuracy=8,
        phone="70000001",
    )  # fmt: skip
    first = phone.send(row)
    assert first == phone.send(row) and first[0]["state"] == "sent"
    payment = ledger.Payment.objects.get()
    assert first[0]["receipt"] == ledger.receipt_number(payment) == f"{phone.day['prefix']}-{year()}-000001"
    due.refresh_from_db()
    assert due.state == "paid" and ledger.held_at([phone.collector.desk_id]) == {phone.collector.desk_id: 5000}
    visit = Visit.objects.get()
    assert visit.outcome == "paid" and visit.collected.metres < 5 and "far" not in visit.collected.odd
    run_jobs()
    told = Message.objects.get()  # the number that she says is the one in the register: not told twice
    assert told.address == "+22370000001" and first[0]["receipt"] in told.text and "5 000 FCFA" in told.text
    thing.refresh_from_db()
    assert thing.state == "seen" and thing.seen is not None


def test_the_fee_of_the_day_is_billed_and_paid_once(phone, stall):
    thing = stall("Fanta Diallo", base="place-du-jour", m2="3")
    (one,) = phone.send(phone.pay(200, code=thing.code, fee=True))
    (two,) = phone.send(phone.pay(200, code=thing.code, fee=True))
    assert (one["state"], two["state"]) == ("sent", "sent")
    due = ledger.Bill.objects.get()
    assert due.state == "paid" and due.amount == 200 and due.about == thing.code
    assert ledger.advance_of(owner(thing).payer_id) == 200, "taken twice, it is paid ahead: no franc is lost"
    assert phone.load() and phone.place(thing.code)[9] == 0


def test_a_passing_seller_pays_the_tariff_without_being_in_the_register(phone, town):
    rows = phone.send(
        phone.pay(200, base="place-du-jour", measures={"m2": "5"}, phone="70 00 00 09"),
        phone.pay(2000, base="place-du-jour", measures={"m2": "5"}),
        phone.pay(300, base="etal", measures={}),
    )
    assert [one["state"] for one in rows] == ["sent", "sent", "kept"]
    phone.collector.refresh_from_db()
    assert set(ledger.Bill.objects.values_list("payer", "state")) == {(phone.collector.passing_id, "paid")}
    assert ledger.advance_of(phone.collector.passing_id) == 0
    flags = list(Collected.objects.order_by("pk").values_list("odd", flat=True))
    assert "fee" not in flags[0] and {"fee", "round"} <= set(flags[1]) and "aside" in flags[2]
    assert ledger.Suspense.objects.count() == 1 and ledger.balance(ledger.SUSPENSE) == -300


def test_visits_without_payment(phone, stall):
    thing = stall()
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    rows = [
        phone.record("visit", code=thing.code, outcome=outcome, note="fermé", promised=tomorrow)
        for outcome in ("absent", "later")
    ]
    rows.append(phone.record("visit", code=thing.code, outcome="paid"))
    rows.append(phone.record("visit", code="2222222", outcome="absent"))
    states = [one["state"] for one in phone.send(*rows)]
    assert states == ["sent", "sent", "refused", "refused"]
    assert [str(one) for one in Visit.objects.order_by("seq").values_list("promised", flat=True)] == ["None", tomorrow]


def test_the_morning_says_what_was_done_last_and_when_not_what_was_heard_last(phone, stall, zongo):
    thing, yesterday = stall(), timezone.now() - timedelta(days=1)
    at = lambda hours, *, seq, outcome: {  # noqa: E731
        **phone.record("visit", code=thing.code, outcome=outcome), "seq": seq, "at": (yesterday + timedelta(hours=hours)).isoformat()
    }  # fmt: skip
    absent, later, refused = (
        at(0, seq=1, outcome="absent"),
        at(1, seq=2, outcome="later"),
        at(1, seq=3, outcome="refused"),
    )
    phone.send(refused, later, absent)
    phone.load()
    when = timezone.localdate(yesterday + timedelta(hours=1))
    assert phone.place(thing.code)[10:] == ["refused", when.isoformat()]


def test_what_was_written_of_somebody_is_theirs_to_read_and_to_be_forgotten(phone, stall):
    thing = stall("Awa Traoré")
    person = people.Person.objects.create(name="Awa Traoré")
    Taxpayer.objects.filter(pk=owner(thing).pk).update(person=person)
    phone.send(
        phone.record(
            "visit", code=thing.code, outcome="later", note="her son is ill", promised="2027-01-02", lon=-0.99, lat=12.0
        )
    )
    assert forgetting.known(person.pk)[0]["note"] == "her son is ill"
    forgetting.erase(person.pk)
    assert [(one["outcome"], one["note"], one["promised"]) for one in forgetting.known(person.pk)] == [
        ("later", "", "")
    ]
    assert Visit.objects.get().point is None


def test_what_is_wrong_is_answered_and_no_money_lost(phone, stall):
    thing = stall()
    wrong = [
        {**phone.pay(100, code=thing.code), **more}
        for more in ({"amount": "x"}, {"amount": -1}, {"number": "x"}, {"block": 999999}, {"id": "x"}, {"seq": None})
    ]
    assert [one["state"] for one in phone.send(*wrong)] == ["refused"] * 6
    assert all(one["says"] for one in phone.send(*wrong)) and not ledger.Payment.objects.exists()
    visit = phone.record("visit", code=thing.code, outcome="absent")
    twice = phone.send(visit, {**phone.pay(100, code=thing.code), "id": visit["id"]})
    assert [one["state"] for one in twice] == ["sent", "refused"]
    (aside,) = phone.send(phone.pay(700, taxpayer="22222222"))
    assert aside["state"] == "kept" and ledger.balance(ledger.SUSPENSE) == -700
    phone.send(account=1, status=403)
    assert phone.client.post("/collect/sync", "{", content_type="application/json").status_code == 400
    phone.send(*[{}] * 21, status=413)


def test_another_collector_cannot_send_it_again_or_use_the_device(phone, stall, zongo):
    thing = stall()
    row = phone.pay(100, code=thing.code)
    phone.send(row)
    thief = Phone(zongo.pk)
    thief.load()
    (said,) = thief.send(row)
    assert said["state"] == "refused" and ledger.Payment.objects.count() == 1
    thief.device = phone.device
    thief.send(row, status=409)


def test_a_clock_wrong_by_two_years_is_noticed_and_the_order_kept(phone, stall, bill):
    thing = stall()
    due = bill(owner(thing), 3000)
    wrong = timezone.now() - timedelta(days=730)
    rows = []
    for n, outcome in enumerate(["absent", "later"]):
        rows.append(
            {
                **phone.record("visit", code=thing.code, outcome=outcome),
                "at": (wrong - timedelta(minutes=60 - 10 * n)).isoformat(),
            }
        )
    rows.append(
        {**phone.pay(3000, code=thing.code, bills=[due.reference]), "at": (wrong - timedelta(minutes=30)).isoformat()}
    )
    phone.send(*reversed(rows), now=wrong)
    payment = ledger.Payment.objects.get()
    assert abs(payment.at - (timezone.now() - timedelta(minutes=30))) < timedelta(minutes=1), (
        "put right by what the clock says now"
    )
    assert payment.year == year() and "clock" in Collected.objects.get().odd
    done = list(Visit.objects.order_by("seq").values_list("done", flat=True))
    assert done == sorted(done) and Visit.objects.earliest("seq").said < timezone.now() - timedelta(days=700)
    assert abs(Device.objects.get().skew - 730 * 86400) < 60
    # Set right at noon: what the device said in the morning cannot be, and its order still stands.
    late = {**phone.record("visit", code=thing.code, outcome="closed"), "at": wrong.isoformat()}
    after = phone.record("visit", code=thing.code, outcome="contests")
    phone.send(after, late)
    done = list(Visit.objects.order_by("seq").values_list("done", flat=True))
    assert done == sorted(done) and len(done) == 5


def test_two_devices_with_the_same_block_keep_both_payments(phone, stall, bill):
    one, two = stall("Awa Traoré"), stall("Ali Cissé")
    first, second = bill(owner(one), 1500), bill(owner(two), 2500)
    copy = Phone.__new__(Phone)
    copy.__dict__.update(phone.__dict__)  # a backup that was put back: the same name, the same numbers
    (a,) = phone.send(phone.pay(1500, code=one.code, bills=[first.reference]))
    (b,) = copy.send(copy.pay(2500, code=two.code, bills=[second.reference]))
    assert a["state"] == "sent" and b["state"] == "kept" and a["receipt"] != b["receipt"]
    assert set(ledger.Bill.objects.values_list("state", flat=True)) == {"paid"}
    assert (
        "twice" in Collected.objects.get(payment__amount=2500).odd and ledger.gaps(phone.collector.desk, year()) == []
    )


def test_a_stolen_device_is_cut_off_and_what_it_sends_is_put_aside(phone, stall, bill, hire):
    thing = stall()
    due = bill(owner(thing), 2000)
    phone.send(phone.pay(500, code=thing.code, bills=[due.reference]))
    late, fee = (
        phone.pay(1500, code=thing.code, bills=[due.reference]),
        phone.pay(200, base="place-du-jour", measures={"m2": "5"}),
    )
    head = hire("manager")
    device = Device.objects.get()
    page = f"/desk/collecting/{phone.collector.pk}"
    assert "stolen or lost" in head.get(page).content.decode()
    head.post(f"/desk/collecting/devices/{device.pk}/cut", {"why": "snatched at the market"})
    assert phone.client.get("/collect/me").status_code == 302, "whoever holds it is logged out"
    shown = head.get(page).content.decode()
    assert "000002–000200" in shown and "snatched at the market" in shown
    sign_in(phone.client, phone.account)
    assert phone.client.get("/collect/day", {"device": phone.device}).status_code == 410
    for _twice in range(2):
        rows = phone.send(late, fee)
        assert [one["state"] for one in rows] == ["kept", "kept"]
    assert ledger.balance(ledger.SUSPENSE) == -1700 and ledger.Suspense.objects.count() == 2
    due.refresh_from_db()
    assert due.left == 1500 and ledger.gaps(phone.collector.desk, year()) == []
    assert not ledger.Bill.objects.filter(payer=phone.collector.passing_id, state="open").exists()
    assert phone.load(str(uuid.uuid4()))["blocks"][0]["first"] > 200, "another device has numbers of its own"
    assert head.post(f"/desk/collecting/devices/{device.pk}/cut", {"why": "again"}).status_code == 302


def test_a_count_is_kept_once(phone, hire):
    row = phone.record("count", pieces={"5000": 2, "500": 3}, expected=12000)
    assert phone.send(row)[0]["state"] == phone.send(row)[0]["state"] == "sent"
    made = Counted.objects.get()
    assert (made.total, made.expected) == (11500, 12000)
    assert phone.send(phone.record("count", pieces={"7": 2}))[0]["state"] == "refused"
    assert "11,500" in hire("manager").get("/desk/collecting/").content.decode().replace("\xa0", " ")


@settings(
    max_examples=8,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_day_replayed_reordered_and_cut_is_the_same_day(data, zongo, stall, bill):
    """Whatever comes in whatever order, however often: each franc is in one place, no number is lost, and the order is the device's."""
    phone = Phone(zongo.pk)
    phone.load()
    thing, market = stall(f"Awa {uuid.uuid4().hex[:6]}"), stall(base="place-du-jour", m2="3")
    due = bill(owner(thing), 4000, thing=thing)
    rows = [
        phone.pay(1000, code=thing.code, bills=[due.reference]),
        phone.pay(200, code=market.code, fee=True),
        phone.record("visit", code=thing.code, outcome="later"),
        phone.pay(500, base="place-du-jour", measures={"m2": "9"}),
        phone.pay(3000, code=thing.code, bills=[due.reference]),
        phone.pay(700, taxpayer="22222222"),
        phone.record("count", pieces={"500": 10}),
    ]
    again = data.draw(st.lists(st.sampled_from(range(len(rows))), max_size=8))
    order = data.draw(st.permutations([*range(len(rows)), *again]))
    size = data.draw(st.integers(1, 6))
    for n in range(0, len(order), size):
        for result in phone.send(*[rows[k] for k in order[n : n + size]]):
            assert result["state"] in ("sent", "kept")
    due.refresh_from_db()
    desk = phone.collector.desk
    taken = ledger.Payment.objects.filter(desk=desk)
    assert due.left == 0 and sum(taken.values_list("amount", flat=True)) == 5400 == ledger.held_at([desk.pk])[desk.pk]
    assert taken.count() == 5 and ledger.gaps(desk, year()) == []
    assert sorted(taken.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    visits = list(Visit.objects.filter(collector=phone.collector).order_by("seq").values_list("seq", "done"))
    assert [seq for seq, _done in visits] == [1, 2, 3, 4, 5, 6] and [d for _s, d in visits] == sorted(
        d for _s, d in visits
    )


# --- Who supervises


def test_what_is_odd_is_looked_at_and_closed_with_a_word(phone, stall, bill, hire, plateau):
    thing = stall()
    due = bill(owner(thing), 2750)
    far = {"lon": -0.985, "lat": 12.01, "accuracy": 10}
    at = timezone.now().replace(hour=2, minute=0) - timedelta(days=1)
    phone.send({**phone.pay(2000, code=thing.code, bills=[due.reference], **far), "at": at.isoformat()})
    phone.send(
        {
            **phone.pay(750, code=thing.code, bills=[due.reference]),
            "at": (at + timedelta(seconds=5)).isoformat(),
            "proof": "WRONG2",
        }
    )
    first, second = Collected.objects.order_by("pk")
    assert set(first.odd) == {"round", "far", "night"} and first.metres > 900
    assert {"fast", "proof", "night"} <= set(second.odd)
    head = hire("manager")
    page = head.get("/desk/collecting/odd").content.decode()
    assert all(str(odd.WORDS[word]) in page for word in ("round", "far", "night", "fast"))
    assert head.post(f"/desk/collecting/odd/{first.pk}", {"word": ""}).status_code == 302
    first.refresh_from_db()
    assert first.looked is None
    head.post(f"/desk/collecting/odd/{first.pk}", {"word": "The market was closed: asked, and seen."})
    assert "asked, and seen" in head.get("/desk/collecting/odd?closed=1").content.decode()
    # Taken back by a supervisor, it is to be looked at again.
    ledger.void(first.payment_id, reason="wrong amount", by=SYSTEM)
    run_jobs()
    first.refresh_from_db()
    assert first.looked is None and "void" in first.odd
    # Of another's zone: nothing to see, nothing to close.
    other = hire("manager", zone=plateau.pk)
    assert (
        first.payment.printed
        or ledger.receipt_number(first.payment) not in other.get("/desk/collecting/odd").content.decode()
    )
    assert other.post(f"/desk/collecting/odd/{first.pk}", {"word": "x"}).status_code == 403
    assert other.get(f"/desk/collecting/{phone.collector.pk}").status_code == 403


def test_nobody_closes_what_is_odd_of_their_own(zongo, stall):
    phone = Phone(zongo.pk, role="manager")
    phone.load()
    phone.send(phone.pay(5000, code=stall().code))
    made = Collected.objects.get()
    phone.client.post(f"/desk/collecting/odd/{made.pk}", {"word": "fine"})
    made.refresh_from_db()
    assert made.looked is None


def test_the_board_in_a_few_statements(zongo, stall, bill, hire, django_assert_max_num_queries):
    phones = [Phone(zongo.pk, most=1000) for _n in range(6)]
    for phone in phones:
        phone.load()
        thing = stall()
        phone.send(phone.pay(1500, code=thing.code, lon=-0.995, lat=12.0051), waiting=3, carried=900)
    head = hire("manager")
    head.get("/desk/collecting/")
    with django_assert_max_num_queries(24):
        page = head.get("/desk/collecting/").content.decode()
    assert page.count("above the limit") == 6 and page.count("3 records wait") == 6 and "Rue du Marché" in page


def test_a_collector_is_made_and_changed(hire, zongo, town):
    head = hire("manager")
    who = people.create_staff(
        email="c@town.test", password="long enough to be one", name="Oumar Ba", grants=[("agent", "revenue", None)]
    )
    page = head.post("/desk/collecting/new", {"account": who.pk, "zone": zongo.pk, "most": "150 000", "target": ""})
    made = Collector.objects.get(account=who.pk)
    assert page.status_code == 302 and (made.most, made.zone_id, made.desk.kind) == (150000, zongo.pk, "collector")
    assert head.post("/desk/collecting/new", {"account": who.pk}).status_code == 422, (
        "who is one already is not offered"
    )
    head.post(f"/desk/collecting/{made.pk}", {"zone": "", "most": "1000", "target": "500"})
    made.refresh_from_db()
    assert (made.most, made.target, made.active, made.zone_id) == (1000, 500, False, None)


# --- What the paper says


def test_a_receipt_made_without_network_is_genuine_before_it_is_sent(phone, stall, client):
    thing = stall()
    row = phone.pay(1500, code=thing.code)
    number = f"{phone.day['prefix']}-{year()}-000001"
    address = f"/receipt/{number}?a=1500&p={row['proof']}"
    headers = {"headers": {"accept-language": "en"}}
    assert "without network" in client.get(address, **headers).content.decode()
    assert client.get(address.replace("a=1500", "a=9500"), **headers).status_code == 404
    phone.send(row)
    assert "it is good" in client.get(address, **headers).content.decode()
    assert "it is good" not in client.get(address.replace("a=1500", "a=9500"), **headers).content.decode()
