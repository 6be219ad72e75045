"""All that bounds a day, from the forms of the desk to the rows that are kept: hours, rests, quarters, even days, kilograms."""

from __future__ import annotations

from collections import Counter
from datetime import time, timedelta
from itertools import pairwise

from django.apps import apps
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.utils import timezone

from toguna.services.waste.models import PresentRound, Visit, WastePlace
from toguna.services.waste.rounds import planning, stops
from toguna.services.waste.rounds.tests.conftest import LAT, LON, place
from toguna.services.waste.rounds.tests.test_rounds import make, sound

KM = 0.0092  # degrees to the east


def quarter(name: str, west: float, east: float):
    around = MultiPolygon(Polygon.from_bbox((LON + west * KM, LAT - 0.05, LON + east * KM, LAT + 0.05)), srid=4326)
    return apps.get_model("territory", "Zone").objects.create(level=2, name=name, source=name, geom=around)


def test_a_plan_of_the_desk_keeps_all_that_bounds_a_day(yard, hire, monkeypatch):
    """Two quarters, a crew that knows each, and on the one side bins that are of neither: they make the days even. Two bins of each quarter lie
    where the other's crew passes. A bag of the market may be fetched before the market only. What bins hold is heavy."""
    monkeypatch.setattr(planning, "SECONDS", 0.4)
    PresentRound.objects.all().delete()
    WastePlace.objects.filter(kind="bin").delete()
    WastePlace.objects.filter(pk=yard.dump.pk).update(point=yard.depot.point)
    west, east = quarter("West", -4, 0), quarter("East", 0, 4)
    known = {"AA-1": west, "BB-2": east}
    for one in yard.trucks:
        one.volume, one.weight, one.begins, one.ends, one.cost_day = 60_000, 3500, time(7), time(11), 0
        one.pause_from, one.pause_until, one.pause_minutes = time(8, 15), time(8, 45), 30
        one.save()
        one.quarters.set([known[one.plate]])

    def put(name: str, km: float, north: float, zone, **more) -> WastePlace:
        return place("bin", name, (LON + km * KM, LAT + north * KM), capacity=5500, zone=zone, **more)

    for n in range(6):
        put(f"West {n}", -2 - 0.1 * n, 0.2 * (n % 2), west)
        put(f"East {n}", 2 + 0.1 * n, 0.2 * (n % 2), east)
    for n in range(2):
        put(f"West, on the way of East {n}", 0.3, 0.1 * n, west)
        put(f"East, on the way of West {n}", -0.3, 0.1 * n, east)
    for n in range(8):
        put(f"Nobody's {n}", 0.8 + 0.05 * n, -0.2 * (n % 2), None)
    every = list(range(1, 8))
    market = put("Market", -2.2, 0.3, west, served=[{"days": every, "from": "07:35", "to": "07:50"}])

    plan = make(hire("manager"))
    assert plan.state == "ready", plan.says
    sound(plan, {d.key for d in stops.due(plan.day)})
    rounds = list(plan.rounds.select_related("truck").prefetch_related("visits__place"))
    assert len(rounds) == 2
    for one in rounds:
        visits = list(one.visits.all())
        litres = sum(v.takes for v in visits)
        # Kilograms: a day's litres would go on board at once, and are emptied in mid-route all the same.
        assert litres <= one.truck.volume
        assert sum(v.kind == "dump" for v in visits) >= -(-sum(v.takes_kg for v in visits) // one.truck.weight) > 1
        # The rest: once, when it may begin, as long as it is, while nothing else is done.
        (rest,) = [v for v in visits if v.kind == "pause"]
        assert time(8, 15) <= timezone.localtime(rest.arrives).time() <= time(8, 45)
        assert rest.leaves - rest.arrives == timedelta(minutes=30)
        for before, after in pairwise(visits):
            assert before.leaves <= after.arrives
        assert timezone.localtime(one.returns).time() <= time(11)
    # Hours: the market is served within them.
    served = timezone.localtime(Visit.objects.get(round__plan=plan, place=market).arrives).time()
    assert time(7, 35) <= served <= time(7, 50)
    # Quarters: each crew stays in its own, though the other passes there.
    away = Counter(
        v.place.name for r in rounds for v in r.visits.all()
        if v.kind == "stop" and v.place.zone_id and v.place.zone_id != known[r.truck.plate].pk
    )  # fmt: skip
    assert not away, away
    # Even days: what is of no quarter is shared.
    days = [(r.returns - r.departs).total_seconds() for r in rounds]
    assert max(days) <= 1.12 * sum(days) / 2, days
    assert not plan.left.exists()
