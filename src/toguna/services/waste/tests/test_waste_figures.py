"""The figures of waste, on a day of which everything is known."""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta

import pytest
from django.contrib.gis.geos import Point, Polygon
from django.db.models import Sum
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.cases.models import Work
from toguna.engines.indicators import counting
from toguna.engines.indicators.api import Measure
from toguna.engines.indicators.models import Snapshot
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import billing
from toguna.engines.territory.models import Feature, Layer
from toguna.kernel import registry
from toguna.kernel.access import NOBODY, SYSTEM
from toguna.services.waste import households
from toguna.services.waste.figures import reads
from toguna.services.waste.fleet import playing
from toguna.services.waste.models import (
    Call,
    DayPlan,
    Depot,
    Material,
    PickUp,
    PickUpKind,
    PointEntry,
    Round,
    Scale,
    Truck,
    Visit,
    WastePlace,
    Weighing,
)
from toguna.services.waste.rounds import driving
from toguna.services.waste.tests.conftest import HOME

LAT_M = 1 / 111_195  # degrees of a metre to the north


@pytest.fixture
def day(town):
    """Yesterday at noon, in the town's time."""
    return timezone.make_aware(datetime.combine(timezone.localdate() - timedelta(days=1), time(12)))


def counted(name: str, day: datetime) -> tuple[float, float]:
    """(numerator, denominator) of its month, of all zones, as the figures' own counting stores them."""
    (measure,) = [one for one in registry.declared(Measure) if one.name == name]
    counting.refresh(measure)
    rows = Snapshot.objects.filter(measure=name, month=timezone.localdate(day).replace(day=1))
    found = rows.aggregate(a=Sum("numerator"), b=Sum("denominator"))
    return round(float(found["a"] or 0), 6), round(float(found["b"] or 0), 6)


def by_zone(name: str, day: datetime) -> dict[int | None, float]:
    rows = Snapshot.objects.filter(measure=name, month=timezone.localdate(day).replace(day=1))
    return dict(rows.values_list("zone", "numerator"))


def place(town, kind: str, code: str, lon: float = 0.05, lat: float = 0.05, **more) -> WastePlace:
    return WastePlace.objects.create(
        code=code, kind=kind, name=code, point=Point(lon, lat, srid=4326), zone=town.north, **more
    )


def test_what_rounds_save_and_whether_they_come_on_time(town, day):
    figures = {
        "plan": {"km": 80, "litres": 32.5, "co2": 87.1},
        "present": {"same": {"km": 100.5, "litres": 40.5, "co2": 108.5}, "all": {"km": 900, "litres": 400, "co2": 1000}},
    }  # fmt: skip
    on = timezone.localdate(day)
    plan = DayPlan.objects.create(day=on, state="published", published=day, figures=figures)
    DayPlan.objects.create(day=on, state="ready", figures=figures)  # a trial
    depot = Depot.objects.create(name="Depot", point=Point(0.05, 0.05, srid=4326))
    truck = Truck.objects.create(plate="AA-1", depot=depot, volume=8000, weight=3500, begins=time(7), ends=time(17))
    hours = {"plan": plan, "departs": day, "returns": day + timedelta(hours=3)}
    one = Round.objects.create(truck=truck, metres=60_000, **hours)
    other = Truck.objects.create(plate="BB-2", depot=depot, volume=8000, weight=3500, begins=time(7), ends=time(17))
    Round.objects.create(truck=other, metres=20_000, **hours)
    bins = [place(town, "bin", f"BIN{n}") for n in range(4)]
    dump = place(town, "dump", "DUMP")
    visits = [
        Visit(
            round=one, number=n, kind=kind, place=where, arrives=day, leaves=day + timedelta(minutes=5), metres=10, volume=0, weight=0, state=state,
            at=None if late is None else day + timedelta(minutes=5 + late),
        )
        for n, (kind, where, state, late) in enumerate(
            [("stop", bins[0], "done", -10), ("stop", bins[1], "done", 30), ("stop", bins[2], "done", 31), ("stop", bins[3], "skipped", 0), ("dump", dump, "done", 99)]
        )
    ]  # fmt: skip
    Visit.objects.bulk_create(visits)

    def saved() -> list[float]:
        return [counted(f"waste-{what}-saved", day)[0] for what in ("km", "litres", "co2")]

    assert saved() == [0, 0, 0], "nobody drove"
    one.started = day
    one.save()
    assert saved() == [15.375, 6, 16.05], "three quarters of it was driven"
    Round.objects.update(started=day)
    assert saved() == [20.5, 8, 21.4]
    assert counted("waste-on-time", day) == (2, 3)
    assert counted("waste-stops-done", day) == (3, 4)


def test_the_fleet_plays_no_trial(town):
    """The newest plan of today is a trial: what is driven is the whole one before it."""
    today = timezone.localdate()
    whole = DayPlan.objects.create(day=today, state="ready")
    for asked in ({"without": [1]}, {"dumps": [1]}):
        DayPlan.objects.create(day=today, state="ready", asked=asked)
    assert playing.plan_of_today() == whole
    whole.refresh_from_db()
    assert whole.state == "published" and playing.plan_of_today() == whole


def test_tonnes_what_they_cost_and_what_of_the_fees_is_paid(town, day, hire):
    station = place(town, "station", "STAT")
    home = households.keep(HOME, spot=households.read_spot("Mosquée de Nord"), language="en")
    scale = Scale.objects.create(code="SC1", name="Scale", place=station, device=1)
    plastic, rest = Material.objects.get(slug="plastic"), Material.objects.get(slug="household")
    rows = [(plastic, 2_000_000, ""), (rest, 2_250_000, ""), (None, 1_250_000, ""), (rest, 9_000_000, "range")]
    weighed = [
        Weighing.objects.create(
            scale=scale, number=n, at=day, grammes=grammes, material=material, place=station, zone=town.north, why=why
        )
        for n, (material, grammes, why) in enumerate(rows)
    ]
    values = {"household": home, "points": 1, "material": plastic, "zone": town.north, "at": day}
    PointEntry.objects.create(key="a", grammes=500_000, **values)  # at a sorting point
    PointEntry.objects.create(key="b", grammes=2_000_000, weighing=weighed[0], **values)  # of the scale: not twice
    assert counted("waste-weighed", day)[0] == 5.5
    assert counted("waste-sorted", day)[0] == 2500
    page = hire("manager").get("/desk/waste/figures/")
    assert [row[::2] for row in page.context["streams"]] == [
        ("Household waste", "2.25"),
        ("Plastic", "2.50"),
        ("Mixed", "1.25"),
    ]
    assert hire("manager", town.south.pk).get("/desk/waste/figures/").context["streams"] == []

    kind = PickUpKind.objects.first()
    for n, (state, earned, stars) in enumerate(
        [("done", 700, 4), ("done", 300, None), ("cancelled", 0, None), ("unserved", 0, None)]
    ):
        PickUp.objects.create(
            code=f"P{n}", client_id=uuid.uuid4(), kind=kind, household=home, state=state, zone=town.north, start=day, end=day, secret="1234",
            earned=earned, stars=stars, closed=day if state == "done" else None,
        )  # fmt: skip
    topic = cases.Topic.objects.create(case_type="reports", slug="waste-pile", names={"en": "Pile"}, days=3)
    asked = cases.Asked(type="reports", topic=topic, text="Here", lon=0.05, lat=0.05, client_id=uuid.uuid4())
    Work.objects.create(case=cases.open_case(asked, by=NOBODY)[0], at=day, minutes=90, cost=10_000)
    assert counted("waste-cost-tonne", day) == (11_000, 5.5)  # 2,000 a tonne
    # Trucks: 20 km at 300, 2 hours as driven at 2,500, the day at 4,000; half of the stops in each district; one that never began.
    depot = Depot.objects.create(name="Depot", point=Point(0.05, 0.05, srid=4326))
    plan = DayPlan.objects.create(day=timezone.localdate(day), state="published", published=day)
    for plate, started in (("AA-1", day), ("AA-2", None)):
        truck = Truck.objects.create(
            plate=plate, depot=depot, volume=8000, weight=3500, begins=time(7), ends=time(17), cost_km=300, cost_hour=2500, cost_day=4000
        )  # fmt: skip
        one = Round.objects.create(
            plan=plan, truck=truck, departs=day, returns=day + timedelta(hours=5), metres=20_000, started=started,
            ended=started and started + timedelta(hours=2),
        )  # fmt: skip
        for n, zone in enumerate((town.north, town.south)):
            bin_ = place(town, "bin", f"{plate[-1]}BIN{n}")
            WastePlace.objects.filter(pk=bin_.pk).update(zone=zone)
            Visit.objects.create(
                round=one, number=n, kind="stop", place=bin_, arrives=day, leaves=day, metres=1, volume=0, weight=0
            )
    assert counted("waste-cost-tonne", day) == (11_000 + 15_000, 5.5)
    assert by_zone("waste-cost-tonne", day)[town.south.pk] == 7500
    Round.objects.filter(truck__plate="AA-1").update(ended=None)  # not yet back: the hours of the plan
    assert counted("waste-cost-tonne", day)[0] == 11_000 + 15_000 + 7500
    Visit.objects.all().delete()  # in no district: the town's
    assert counted("waste-cost-tonne", day)[0] == 11_000 + 22_500 and by_zone("waste-cost-tonne", day)[None] == 22_500
    assert counted("waste-served", day) == (2, 3) and counted("waste-households", day)[0] == 1
    assert counted("waste-rating", day) == (4, 1)

    payer = ledger.payer("Awa")
    desk = ledger.Desk.objects.create(name="Counter", prefix="CC", account=ledger.account("571"))
    for n, (about, amount, paid) in enumerate([("waste", 6000, 6000), ("waste", 4000, 1000), ("market", 9000, 0)]):
        bill = billing.issue(
            payer, [billing.Due("principal", "Fee", amount, "7068")], key=f"b{n}", due=day.date(), by=SYSTEM, about=(about, str(n)), at=day.date()
        )  # fmt: skip
        if paid:
            ledger.take(paid, bill.currency, "cash", desk=desk, key=f"k{n}", by=SYSTEM, bills=[bill.pk])
    assert counted("waste-recovery", day) == (7000, 10_000)


def test_sites_of_wild_dumps_with_what_rounds_fetched_of_them_and_nothing_is_counted_twice(town, day, hire):
    topic = cases.Topic.objects.create(case_type="reports", slug="waste-pile", names={"en": "Pile"}, days=3)

    def report(metres: float, words: str) -> cases.Case:
        asked = cases.Asked(
            type="reports", topic=topic, text=words, place=words, lon=0.05, lat=0.05 + metres * LAT_M, client_id=uuid.uuid4()
        )  # fmt: skip
        return cases.open_case(asked, by=NOBODY)[0]

    first, _second, third, far = (
        report(*one) for one in ((0, "Wall"), (40, "By the wall"), (85, "Behind the wall"), (400, "Far"))
    )
    cases.log_work(first.pk, minutes=90, cost=10_000, by=SYSTEM, what="By hand")
    assert [(one.reports, one.minutes, one.cost) for one in reads.sites(timezone.localdate(), zones=None)] == [
        (3, 90, 10_000)
    ]
    assert reads.sites(timezone.localdate(), zones=[town.south.pk]) == []

    depot = Depot.objects.create(name="Depot", point=Point(0.05, 0.05, srid=4326))
    plan = DayPlan.objects.create(day=timezone.localdate(), state="published", published=timezone.now())
    truck = Truck.objects.create(
        plate="AA-1", depot=depot, volume=8000, weight=3500, begins=time(7), ends=time(17), cost_km=300, cost_hour=2500, cost_day=4000
    )  # fmt: skip
    departs = timezone.now() - timedelta(hours=2)
    one = Round.objects.create(
        plan=plan, truck=truck, departs=departs, returns=departs + timedelta(hours=2), metres=20_000
    )
    calls = [
        Call.objects.create(case=row.pk, point=row.point, zone=town.north, name="Pile", volume=1000, weight=200)
        for row in (third, far)
    ]
    bins = [place(town, "bin", f"BIN{n}") for n in range(2)]
    WastePlace.objects.filter(pk=bins[1].pk).update(zone=town.south)
    for n, more in enumerate([{"call": calls[0]}, {"call": calls[1]}, {"place": bins[0]}, {"place": bins[1]}], 1):
        leaves = departs + timedelta(minutes=20 * n)
        Visit.objects.create(
            round=one, number=n, kind="stop", arrives=leaves, leaves=leaves, metres=1, volume=0, weight=0, why="call" if n < 3 else "full", **more
        )  # fmt: skip
    whole = 4000 + 20 * 300 + 2 * 2500
    for call in calls:
        said = {
            "id": str(uuid.uuid4()),
            "round": one.pk,
            "do": "done",
            "kind": "stop",
            "key": f"c{call.pk}",
            "at": timezone.now().isoformat(),
        }
        for _again in range(2):
            assert driving.apply(said, by=SYSTEM).state == "sent"
    found = reads.sites(timezone.localdate(), zones=None)
    assert [(site.reports, site.minutes, site.cost, site.place) for site in found] == [
        (3, 110, 10_000 + whole // 4, "Behind the wall"), (1, 20, whole // 4, "Far"),
    ]  # fmt: skip
    page = " ".join(hire("manager").get("/desk/waste/figures/").content.decode().replace("\xa0", " ").split())
    assert "Behind the wall" in page and "13,750 FCFA" in page and "17,500 FCFA</span>, 2 h" in page
    assert counted("waste-cost-tonne", timezone.now())[0] == 10_000 + whole
    assert by_zone("waste-cost-tonne", timezone.now()) == {
        town.north.pk: 10_000 + whole * 3 / 4,
        town.south.pk: whole / 4,
    }
    Visit.objects.filter(place__isnull=False).delete()  # all that it did was fetching what was reported
    assert counted("waste-cost-tonne", timezone.now())[0] == 10_000 + whole


def test_homes_near_a_bin_and_places_on_the_map(town):
    now = timezone.now()
    place(town, "bin", "NEAR")
    place(town, "bin", "SHUT", lat=0.06, state="closed")
    layer = Layer.objects.create(slug="buildings", names={"en": "Buildings"})
    for n, north in enumerate((100, 240, 260, 0.01 / LAT_M)):  # the last one beside the bin that is shut
        lat = 0.05 + north * LAT_M
        shape = Polygon.from_bbox((0.05 - 1e-5, lat - 1e-5, 0.05 + 1e-5, lat + 1e-5))
        shape.srid = 4326
        Feature.objects.create(layer=layer, source=f"b:{n}", name="", kind="house", geom=shape)
    assert counted("waste-near", now) == (2, 4)
    assert counted("waste-places", now)[0] == WastePlace.objects.count() == 2
