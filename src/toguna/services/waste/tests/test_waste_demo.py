"""The demo's share of this service, on a town of two districts: loaded twice, it is there once."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.gis.geos import Point
from django.utils import timezone

from toguna.engines.people import api as people
from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory.models import Feature, Layer
from toguna.kernel.demo import DemoFiles
from toguna.services.waste.fleet import demo as fleet
from toguna.services.waste.models import (
    Household,
    PickUp,
    PointEntry,
    PreCollector,
    Scale,
    Taken,
    Truck,
    WastePlace,
    Weighing,
)
from toguna.services.waste.orders import demo as orders
from toguna.services.waste.places import demo as places
from toguna.services.waste.rounds import demo as rounds
from toguna.services.waste.sorting import demo as sorting
from toguna.services.waste.weighing import demo as weighing


def test_places_orders_and_points_of_the_demo(town, tmp_path):
    layer = Layer.objects.create(slug="buildings", names={"fr": "Bâtiments"})
    Feature.objects.bulk_create(
        Feature(layer=layer, source=f"b:{n}", geom=Point(0.01 + 0.18 * n / 200, 0.02 + 0.06 * (n % 7) / 7, srid=4326))
        for n in range(200)
    )
    for n in range(50):
        people.person_for(name=f"P{n}", phone=f"+2237100{n:04d}")
    files = DemoFiles(tmp_path, 4000, timezone.localdate() - timedelta(days=1), lambda step, part: None)
    for _again in range(2):
        for part in (places, orders, sorting, weighing):
            part.load(files)
    kinds = dict.fromkeys(WastePlace.objects.values_list("kind", flat=True))
    assert set(kinds) == {"bin", "point", "sorting", "buyer", "reward", "dump", "station"}
    assert WastePlace.objects.filter(kind="bin").count() == 16 and not WastePlace.objects.filter(zone=None).exists()
    assert Taken.objects.filter(place__kind="buyer", price__gt=0).exists()
    assert WastePlace.objects.filter(kind="dump").count() == 2, "one on each side of the town"
    assert (PreCollector.objects.count(), Household.objects.count()) == (4, 50)
    done = PickUp.objects.all()
    assert done.count() == 333 and not done.exclude(state="done").exists()
    assert all(row.earned == row.price * 70 // 100 and row.price >= 500 for row in done[:50])
    scale = Scale.objects.select_related("place").get()
    assert (scale.place.kind, scale.tariff) == ("station", "pesee")
    assert Weighing.objects.filter(scale=scale, why="", at__lt=timezone.now()).count() == 60 * 7
    for _again in range(2):
        for part in (rounds, fleet):
            part.load(files)
    devices = telemetry.devices()
    sensors = devices.filter(kind="sensor")
    assert sensors.count() == 1 + fleet.SENSORS and devices.filter(kind="tracker").count() == Truck.objects.count() >= 2
    last = telemetry.latest(list(devices.values_list("pk", flat=True)))
    assert {round(one.values["fill"][0]) >= 94 for pk, one in last.items() if "fill" in one.values} == {True, False}
    week = (timezone.now() - timedelta(days=8), timezone.now())
    assert len(telemetry.readings(devices.get(code=fleet.STATION).pk, "temperature", *week)) == 24 * fleet.DAYS + 1
    assert len(list(telemetry.track(devices.filter(kind="tracker")[0].pk, *week))) > 250
    assert telemetry.Alarm.objects.filter(cleared=None, rule__name="waste-bin-full").exists()
    ours = [code for code in sensors.values_list("code", flat=True) if code != fleet.STATION]
    assert not telemetry.Refused.objects.filter(code__in=ours).exists()
    assert not PointEntry.objects.exists(), "two districts are too few for a campaign and what it is compared with"
