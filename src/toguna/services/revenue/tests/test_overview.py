"""The overview: exact sums, each one's own zones, nothing of anybody in public."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from toguna.engines.indicators.api import refresh
from toguna.engines.indicators.models import Snapshot
from toguna.engines.ledger import api as ledger
from toguna.engines.territory.models import Feature
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.models import Base, Collector, DunningStep, Part, Reminded, Standing, Visit
from toguna.services.revenue.overview import counting, figures, layers, open_data, reads


@pytest.fixture
def market(stall, bill):
    """Six stalls in Zongo on one street, two of them paid; one in Plateau, half paid."""
    desk = ledger.new_desk("Counter", by=SYSTEM)
    things = [stall(f"Owner {n}", lon=-0.995 + n * 0.001) for n in range(6)] + [stall("Far", lon=-0.975, lat=12.015)]
    for n, thing in enumerate(things):
        owner = Part.objects.get(taxed=thing).taxpayer
        owed = bill(owner, 6000, thing=thing)
        paid = {0: 6000, 1: 6000, 6: 3000}.get(n)
        if paid:
            ledger.take(paid, "XOF", "cash" if n else "wave", desk=desk, key=f"k{n}", by=SYSTEM, bills=[owed.pk])
    counting.count()
    return things


def test_sums_are_those_of_the_book(market, hire, django_assert_max_num_queries):
    total, at = reads.totals(SYSTEM)
    assert (total.things, total.unpaid, total.billed, total.paid, total.late) == (7, 5, 42_000, 15_000, 27_000)
    assert total.potential == 7 * 12 * 3000 and at is not None
    client = hire("reader")
    with django_assert_max_num_queries(25):
        page = client.get("/desk/revenue/")
    words = page.content.decode()
    assert page.status_code == 200 and "27,000" in words and "Plateau" in words and "Wave" in words
    assert reads.by_age(SYSTEM)[0] == (5, 27_000)
    counting.count()
    assert reads.totals(SYSTEM)[0] == total


def test_who_has_one_district_sees_that_one(market, hire, plateau):
    words = hire("reader", zone=plateau.pk).get("/desk/revenue/").content.decode()
    assert "27,000" not in words and "24,000" not in words and "3,000" in words and "Zongo: –" in words
    assert hire("", service="reports").get("/desk/revenue/").status_code in (302, 403)


def tile(client, name, point, z=15):
    lon, lat = point
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT floor((%s + 180) / 360 * 2 ^ %s)::int, floor((1 - ln(tan(radians(%s)) + 1 / cos(radians(%s))) / pi()) / 2 * 2 ^ %s)::int",
            [lon, z, lat, lat, z],
        )
        x, y = cursor.fetchone()
    return client.get(f"/tiles/{name}/{z}/{x}/{y}.mvt")


def test_who_paid_is_for_the_desk_of_that_district(market, hire, plateau, zongo):
    where = (market[0].point.x, market[0].point.y)
    assert tile(Client(), "revenue", where).status_code == 403
    own = tile(hire("reader", zone=zongo.pk), "revenue", where)
    assert own.status_code == 200 and market[0].code.encode() in own.content and b"late" in own.content
    other = tile(hire("reader", zone=plateau.pk), "revenue", where)
    assert market[0].code.encode() not in other.content and other["ETag"] != own["ETag"]
    far = tile(hire("reader", zone=plateau.pk), "revenue", where, z=11)
    near = tile(hire("reader", zone=zongo.pk), "revenue", where, z=11)
    assert far.content != near.content


def test_in_public_only_streets_of_five_payers(market):
    street = Feature.objects.get(source="s:1")
    assert Standing.objects.get(street=street.pk, zone=market[0].zone_id).payers == 6
    seen = tile(Client(), "revenue-streets", (market[0].point.x, market[0].point.y))
    assert (
        seen.status_code == 200
        and "Rue du Marché".encode() in seen.content
        and market[0].code.encode() not in seen.content
    )
    Standing.objects.filter(street=street.pk).update(payers=layers.LEAST - 1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE revenue_standing SET at = now() + interval '1 second'")
    assert (
        "Rue du Marché".encode()
        not in tile(Client(), "revenue-streets", (market[0].point.x, market[0].point.y)).content
    )


def test_the_next_street_is_explained(market, hire):
    (street, *_rest) = reads.next_streets(SYSTEM)
    assert street.name == "Rue du Marché" and street.visits == 4 and street.late == 24_000 and street.chance == 0.3
    assert street.expected == 7200 and street.a_visit == 1800 and street.km > 1.5
    collector = Collector.objects.create(account=7, desk=ledger.new_desk("C", by=SYSTEM))
    for n in range(10):
        Visit.objects.create(
            client_id=uuid.uuid4(), collector=collector, taxed=market[n % 4], outcome="paid" if n < 7 else "absent"
        )
    assert reads.next_streets(SYSTEM)[0].chance == 0.5
    page = hire("reader").get("/desk/revenue/streets").content.decode()
    assert "Rue du Marché" in page and "50 %" in page
    assert (street.potential, street.paid) == (6 * 12 * 3000, 12_000) and "216,000" in page and "12,000" in page


def test_a_street_says_what_it_paid_against_what_it_could_bring(market, hire, plateau, zongo):
    """On the map of the desk, of one's own district; a kind of which nothing is late counts in its street too."""
    where = (market[0].point.x, market[0].point.y)
    assert tile(Client(), "revenue-potential", where).status_code == 403
    own = tile(hire("reader", zone=zongo.pk), "revenue-potential", where)
    assert own.status_code == 200 and b"12 000 / 216 000" in own.content and b"late" in own.content
    assert b"Rue du" not in tile(hire("reader", zone=plateau.pk), "revenue-potential", where).content
    assert "revenue-potential" in hire("reader").get("/desk/revenue/").content.decode()
    Standing.objects.create(
        base=Base.objects.get(slug="foncier"),
        zone=zongo.pk, street=market[0].street, street_name="Rue du Marché", things=1, payers=1, unpaid=0, potential=70_000, billed=70_000,
        paid=70_000, late=0,
    )  # fmt: skip
    (street, *_rest) = reads.next_streets(SYSTEM)
    assert (street.potential, street.paid, street.visits, street.late) == (286_000, 82_000, 4, 24_000)


def test_figures_are_counted_from_the_book(market, bill, zongo, plateau):
    today = timezone.localdate()
    month, before = today.replace(day=1), (today.replace(day=1) - timedelta(days=20)).replace(day=1)
    owner, desk = Part.objects.get(taxed=market[2]).taxpayer, ledger.new_desk("Last month", by=SYSTEM)
    old = bill(owner, 4000, thing=market[2], due=today - timedelta(days=100))
    past = timezone.make_aware(datetime.combine(before, time(12)))
    ledger.take(1000, "XOF", "orange", desk=desk, key="before", by=SYSTEM, bills=[old.pk], at=past)
    step = DunningStep.objects.create(after=3, way="sms", cost=25)
    for row, done in (
        (old, timezone.now()),
        (ledger.Bill.objects.get(about=market[3].code), timezone.now()),
        (ledger.Bill.objects.get(about=market[6].code), None),
    ):
        Reminded.objects.create(step=step, bill=row, left=row.left, done=done)
    for code, amount in (("6611", 1000), ("631", 500), ("6588", 77)):
        ledger.post("cost", [ledger.Leg(code, amount), ledger.Leg("521", -amount)], key=code, by=SYSTEM)
    for measure in figures.MEASURES:
        refresh(measure, everything=True)

    def counted(measure: str) -> dict:
        rows = Snapshot.objects.filter(measure=f"revenue-{measure}", zone__in=(zongo.pk, plateau.pk))
        return {(row.zone_id, row.month): (row.numerator, row.denominator) for row in rows}

    here, there = (zongo.pk, month), (plateau.pk, month)
    assert counted("collected") == {here: (12_000, 0), there: (3000, 0), (zongo.pk, before): (1000, 0)}
    assert counted("cash") == {here: (6000, 0), there: (3000, 0), (zongo.pk, before): (0, 0)}
    assert counted("mobile") == {here: (6000, 12_000), there: (0, 3000), (zongo.pk, before): (1000, 1000)}
    assert counted("recovery") == {here: (13_000, 40_000), there: (3000, 6000)}
    assert counted("cost") == {here: (50, 12_000), there: (0, 3000), (zongo.pk, before): (0, 1000)}
    due, longer = ((today - timedelta(days=days)).replace(day=1) for days in (30, 100))
    assert counted("arrears") == {
        (zongo.pk, due): (24_000, 0),
        (plateau.pk, due): (3000, 0),
        (zongo.pk, longer): (3000, 0),
    }
    assert reads.by_channel(SYSTEM, before) == {month: {"cash": 9000, "wave": 6000}, before: {"orange": 1000}}
    assert reads.by_age(SYSTEM) == [(5, 27_000), (0, 0), (1, 3000), (0, 0)]
    cost = Snapshot.objects.get(measure="revenue-cost-of-collecting", month=month)
    assert (cost.numerator, cost.denominator) == (1500, 15_000), (
        "what the book says that it cost, of all that was paid on bills"
    )


def test_open_data_never_shows_fewer_than_five(market, stall, bill):
    def rows():
        with connection.cursor() as cursor:
            cursor.execute(open_data.COLLECTED.sql)
            return cursor.fetchall()

    assert rows() == [], "three paid"
    desk = ledger.new_desk("Other", by=SYSTEM)
    for n in range(2, 6):
        for owed in ledger.Bill.objects.filter(about=market[n].code):
            ledger.take(1000, "XOF", "cash", desk=desk, key=f"more{n}", by=SYSTEM, bills=[owed.pk])
    found = {(row[2]): row[5] for row in rows()}
    assert found == {"Zongo": 16_000}, "the one of Plateau alone is left out"
    assert timezone.localdate() - timedelta(days=40) < rows()[0][0]
