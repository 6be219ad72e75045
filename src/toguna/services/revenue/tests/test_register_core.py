"""The register: written once, found however it is asked, for whoever may see it."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from django.contrib.gis.geos import Point, Polygon
from django.db import connection
from django.db.models import F

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import book
from toguna.engines.territory.models import Feature, Layer
from toguna.kernel.access import AGENT, SYSTEM, Actor, Denied, Grant
from toguna.kernel.demo import DemoFiles
from toguna.services.revenue.models import Alike, Base, Part, Taxed, Taxpayer, ToCompare
from toguna.services.revenue.profile import actions as profile
from toguna.services.revenue.register import actions, bulk, demo, doubles, placing, reads, starter
from toguna.services.revenue.register.open_data import REGISTER


def agent_of(zone) -> Actor:
    return Actor(account=7, staff=True, grants=(Grant(AGENT, "revenue", frozenset({zone.pk})),))


def test_a_thing_is_found_where_it_stands_and_written_once(town, zongo):
    key, other = uuid.uuid4(), uuid.uuid4()
    who = actions.Who(name="Awa Traoré", phone="+22370000001")
    awa = actions.add_taxpayer(who, by=SYSTEM, client_id=other)
    assert actions.add_taxpayer(who, by=SYSTEM, client_id=other) == awa
    what = actions.What(measures={"m2": "4,50"}, point=Point(-0.995, 12.0051, srid=4326))
    base = Base.objects.get(slug="etal")
    thing = actions.declare(base, [awa.pk], what, by=SYSTEM, client_id=key)
    assert actions.declare(base, [awa.pk], what, by=SYSTEM, client_id=key) == thing
    assert (thing.zone, thing.street_name, thing.measures) == (zongo, "Rue du Marché", {"m2": "4.5"})
    quote = reads.quoted(thing, {"mois": 12})
    assert quote is not None and quote.total == 40500  # 4.5 m2 x 750 x 12


def test_a_thing_knows_the_parcel_or_the_building_that_it_stands_in(town):
    """However it came to the register, and again when it moves: the parcel before the building, nothing where the map has neither."""
    parcels, buildings = (
        Layer.objects.create(slug=slug, names={}, geometry="polygon") for slug in ("parcels", "buildings")
    )
    hall, house = (
        Feature.objects.create(layer=buildings, source=f"b:{west}", geom=Polygon.from_bbox((west, 12, west + 0.001, 12.001)))
        for west in (-0.999, -0.989)
    )  # fmt: skip
    parcel = Feature.objects.create(
        layer=parcels, source="p:1", geom=Polygon.from_bbox((-0.9895, 11.9995, -0.987, 12.002))
    )
    gone = Polygon.from_bbox((-0.9995, 12, -0.998, 12.001))
    Feature.objects.create(layer=parcels, source="p:0", valid_to=date(2020, 1, 1), geom=gone)
    in_hall, in_house, nowhere = (Point(lon, 12.0005, srid=4326) for lon in (-0.9985, -0.9885, -0.985))
    base, who = Base.objects.get(slug="etal"), actions.add_taxpayer(actions.Who(name="Awa"), by=SYSTEM)

    def declared(**values) -> Taxed:
        return actions.declare(base, [who.pk], actions.What(**values), by=SYSTEM)

    thing, unplaced = declared(point=in_hall), declared()
    assert (thing.feature, unplaced.feature, declared(point=nowhere).feature) == (hall.pk, None, None)
    assert declared(point=in_house).feature == parcel.pk != house.pk
    assert actions.see(unplaced.pk, by=SYSTEM, point=in_hall).feature == hall.pk
    kept = actions.edit_taxed(thing.pk, actions.What(words="Stall 3", point=in_hall, feature=thing.feature), by=SYSTEM)
    assert kept.feature == hall.pk
    for point, ground in ((in_house, parcel.pk), (nowhere, None)):
        kept = actions.edit_taxed(thing.pk, actions.What(point=point, feature=kept.feature), by=SYSTEM)
        assert kept.feature == ground
    rows = [
        bulk.Row(client_id=uuid.uuid4(), base=base.pk, who=uuid.uuid4(), name=f"Of a file {n}", lon=point.x, lat=point.y)
        for n, point in enumerate((in_hall, in_house, nowhere))
    ]  # fmt: skip
    bulk.bring(rows, by=SYSTEM)
    found = dict(Taxed.objects.filter(parts__taxpayer__name__startswith="Of").values_list("parts__taxpayer__name", "feature"))  # fmt: skip
    assert found == {"Of a file 0": hall.pk, "Of a file 1": parcel.pk, "Of a file 2": None}
    later = Feature.objects.create(
        layer=parcels, source="p:2", geom=Polygon.from_bbox((-0.986, 12, -0.984, 12.001))
    )  # the town's plan comes after the register
    placing.ground()
    assert set(Taxed.objects.filter(point=nowhere).values_list("feature", flat=True)) == {later.pk}
    assert Taxed.objects.get(pk=unplaced.pk).feature == hall.pk, "what had one keeps it"


def test_found_by_whatever_is_said(stall, bill):
    thing = stall("Fatoumata Diarra", phone="+22370112233")
    taxpayer = thing.parts.get().taxpayer
    reference = bill(taxpayer, thing=thing).reference
    for said in (
        taxpayer.number.lower(),
        thing.code,
        reference,
        "70 11 22 33",
        "fatumata diara",
        "DIARRA Fatoumata",
        "place 12",
    ):
        assert [one.taxpayer for one in reads.find(said, actor=SYSTEM)][:1] == [taxpayer], said
    assert reads.find("Zzyzx", actor=SYSTEM) == []


def test_an_agent_sees_and_writes_their_quarter_only(stall, zongo, plateau):
    here, there = stall("Awa"), stall("Binta", lon=-0.97)
    agent = agent_of(zongo)
    assert list(reads.taxed(agent)) == [here]
    assert [one.taxpayer.name for one in reads.find("place 12", actor=agent)] == ["Awa"]
    with pytest.raises(Denied):
        actions.end(there.pk, reason="gone", by=agent)
    with pytest.raises(Denied):
        actions.edit_taxpayer(there.parts.get().taxpayer_id, actions.Who(name="X Y"), by=agent)
    assert actions.end(here.pk, reason="moved away", by=agent).state == Taxed.State.GONE


def test_two_who_are_one_keep_what_each_owed(stall, bill):
    one, two = stall("Moussa Keita"), stall("Moussa Keïta", lon=-0.994)
    kept, gone = one.parts.get().taxpayer, two.parts.get().taxpayer
    bill(kept, 1000), bill(gone, 2500)
    actions.merge(kept.pk, gone.pk, by=SYSTEM)
    actions.merge(kept.pk, gone.pk, by=SYSTEM)
    kept.refresh_from_db()
    assert set(reads.taxed_of(kept)) == {one, two}
    assert reads.balance(kept).left == 3500 and reads.bills_of(kept).count() == 2
    assert reads.by_number(gone.number) == kept and reads.of_payer(gone.payer_id) == kept


def test_what_one_of_two_had_paid_ahead_pays_what_the_other_owes(stall, bill):
    kept, gone = (stall(name).parts.get().taxpayer for name in ("Awa Sow", "Awa Sô"))
    owed, theirs = bill(kept, 1000), bill(gone, 2400)
    wish = profile.ask_plan(gone, theirs, 3, reason="", client_id=uuid.uuid4(), by=SYSTEM)
    desk = ledger.new_desk("Counter", by=SYSTEM)
    ledger.take(1500, "XOF", "cash", desk=desk, payer=gone.payer_id, bills=[], key="ahead", by=SYSTEM)
    actions.merge(kept.pk, gone.pk, by=SYSTEM)
    owed.refresh_from_db(), theirs.refresh_from_db()
    assert owed.left + theirs.left == 1900 and reads.balance(kept) == reads.Balance(1900, 0)
    wish.refresh_from_db()
    assert wish.taxpayer == kept and profile.answer_plan(wish.pk, agree=True, by=SYSTEM).state == "agreed"
    ledger.take(2000, "XOF", "cash", desk=desk, payer=kept.payer_id, key="rest", by=SYSTEM)
    assert reads.balance(kept).left == -100 and bill(gone, 60).left == 0


def test_heirs_share_and_a_measure_that_is_no_number_is_refused(stall):
    thing = stall("Heir One")
    other = actions.add_taxpayer(actions.Who(name="Heir Two"), by=SYSTEM)
    first = thing.parts.get().taxpayer_id
    actions.share(thing.pk, {first: 1, other.pk: 2}, by=SYSTEM)
    assert dict(thing.parts.values_list("taxpayer", "weight")) == {first: 1, other.pk: 2}
    with pytest.raises(actions.Refused):
        actions.edit_taxed(thing.pk, actions.What(measures={"m2": "four"}), by=SYSTEM)
    with pytest.raises(actions.Refused):
        actions.share(thing.pk, {}, by=SYSTEM)


def test_thousands_are_brought_at_once_and_once(town, django_assert_max_num_queries):
    base = Base.objects.get(slug="etal").pk
    rows = [
        bulk.Row(client_id=uuid.uuid5(uuid.NAMESPACE_OID, str(n)), base=base, who=uuid.uuid5(uuid.NAMESPACE_URL, str(n // 2)), name=f"Trader {n // 2}",
                 measures={"m2": "3"}, lon=-0.995, lat=12.0051)
        for n in range(500)
    ]  # fmt: skip
    with django_assert_max_num_queries(20):
        assert bulk.bring(rows, by=SYSTEM) == bulk.Brought(250, 500)
    assert bulk.bring(rows, by=SYSTEM) == bulk.Brought(0, 0)
    thing = Taxed.objects.first()
    assert thing.zone.name == "Zongo" and thing.street_name == "Rue du Marché"
    assert Part.objects.count() == 500 and Taxpayer.objects.count() == 250
    assert not Taxpayer.objects.exclude(payer__name=F("name")).exists()
    with (
        connection.cursor() as cursor
    ):  # their history came with them, by the statement: no trigger looks at them one by one
        cursor.execute("SELECT (SELECT count(*) FROM revenue_taxpayerevent), (SELECT count(*) FROM revenue_taxedevent)")
        assert cursor.fetchone() == (250, 500)
        Taxed.objects.filter(words="").update(seen=thing.created)
        cursor.execute("SELECT pgh_label, count(*) FROM revenue_taxedevent GROUP BY 1 ORDER BY 1")
        assert cursor.fetchall() == [("insert", 500), ("update", 500)]
        cursor.execute(
            "SELECT count(*) FILTER (WHERE tgtype & 1 = 1), count(*) FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgrelid IN ('revenue_taxed'::regclass, 'revenue_taxpayer'::regclass)"
        )
        assert cursor.fetchone() == (0, 6)
    with django_assert_max_num_queries(8):
        doubles.look()
    assert not ToCompare.objects.exists()


def test_pairs_that_are_kept_are_those_that_the_page_finds(stall, zongo, plateau, django_assert_num_queries):
    one, two = stall("Moussa Keita", phone="+22370000005"), stall("Moussa Keïta", phone="+22370000005", lon=-0.99501)
    third, far = stall("Mousa Keita"), stall("Musa Keita", phone="+22370000005", lon=-0.97)
    found = doubles.pairs(SYSTEM)
    assert not Alike.objects.exists() and len(found) == 5
    doubles.look()
    assert not ToCompare.objects.exists()
    assert Alike.objects.count() == len(found)
    with django_assert_num_queries(3):
        assert doubles.pairs(SYSTEM) == found
    here = [thing.parts.get().taxpayer_id for thing in (one, two, third)]
    assert {pk for pair in doubles.pairs(agent_of(zongo)) for pk in (pair.one.pk, pair.other.pk)} == set(here)
    assert doubles.pairs(agent_of(plateau)) == []
    actions.edit_taxpayer(here[1], actions.Who(name="Binta Sow", phone="+22370000099"), by=SYSTEM)
    fewer = [{pair.one.pk, pair.other.pk} for pair in doubles.pairs(SYSTEM)]  # before the worker has looked
    assert len(fewer) == 2 and not any(here[1] in pair for pair in fewer)
    doubles.look()
    assert [{pair.one.pk, pair.other.pk} for pair in doubles.pairs(SYSTEM)] == fewer and Alike.objects.count() == 2
    actions.merge(here[0], far.parts.get().taxpayer_id, by=SYSTEM)
    assert [{pair.one.pk, pair.other.pk} for pair in doubles.pairs(SYSTEM)] == [{here[0], here[2]}]


def test_the_demo_town_has_a_register_bills_and_payments(town, tmp_path):
    names = "\n".join(f"+2233000{n:04d},Awa{n} Traoré,fr" for n in range(30))
    (tmp_path / "residents.csv").write_text(f"phone,name,language\n{names}\n", "utf-8")
    files = DemoFiles(tmp_path, 800, date(2026, 11, 1), lambda step, share: None)
    demo.load(files)
    figures = (
        Taxpayer.objects.count(),
        Taxed.objects.count(),
        ledger.Bill.objects.count(),
        ledger.Payment.objects.count(),
    )
    assert figures[0] == 100 and min(figures) > 40
    demo.load(files)
    assert figures == (
        Taxpayer.objects.count(),
        Taxed.objects.count(),
        ledger.Bill.objects.count(),
        ledger.Payment.objects.count(),
    )
    assert sum(book.balance(account.code) for account in ledger.Account.objects.all()) == 0
    assert {bill.currency for bill in ledger.Bill.objects.all()} and ledger.Bill.objects.filter(state="open").exists()


def test_what_a_town_starts_with_does_not_bill_by_examples(db):
    starter.load()
    starter.load()
    assert Base.objects.count() == 10
    assert (
        ledger.tariff("etal") is None and ledger.Tariff.objects.exclude(law="").count() == ledger.Tariff.objects.count()
    )


def test_what_is_published_names_nobody_and_no_small_number(stall):
    for n in range(6):
        stall(f"Trader {n}", lon=-0.995 + n / 10_000)
    stall("Alone", lon=-0.97)
    REGISTER.trial()
    with connection.cursor() as cursor:
        cursor.execute(REGISTER.sql)
        assert cursor.fetchall() == [("etal", "Étal ou boutique de marché", "Zongo", 6, 0, 24.0)]
