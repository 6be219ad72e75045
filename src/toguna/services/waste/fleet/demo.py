"""What the demo town's devices said in the last week: sensors in bins, trackers of trucks, a weather station. By the door that all use."""

from __future__ import annotations

import math
import random
from datetime import timedelta

from django.utils import timezone

from toguna.engines.telemetry import api as telemetry
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.services.waste.models import PresentRound, Truck, WastePlace

SENSORS, DAYS = 12, 7
STATION = "weather-1"
HTTP = telemetry.Device.Door.HTTP


def load(files: DemoFiles) -> None:
    """Idempotent: a town that has its weather station has the rest."""
    if telemetry.devices().filter(code=STATION).exists() or not Truck.objects.exists():
        return
    draw = random.Random(7)  # noqa: S311 - a game
    now = (
        timezone.now()
    )  # of this very moment: what was measured long before it was sent looks like a clock that is wrong
    hours = [(now - timedelta(hours=n)).timestamp() for n in range(DAYS * 24, -1, -1)]
    middle = Truck.objects.select_related("depot").first()
    assert middle is not None
    point = middle.depot.point
    telemetry.register_device(
        STATION,
        HTTP,
        telemetry.Told(name="Station météo", lat=point.y, lon=point.x, every=3600, public=True),
        by=SYSTEM,
    )
    telemetry.ingest(STATION, [_weather(at, n, draw) for n, at in enumerate(hours)], door=HTTP)
    bins = WastePlace.objects.filter(kind__in=("bin", "point"), device=None).order_by("pk")[:SENSORS]
    for number, place in enumerate(bins):
        told = telemetry.Told(
            name=place.name[:80], service="waste", ref=f"{place.kind}:{place.code}", zone=place.zone_id, every=3600, lat=place.point.y, lon=place.point.x
        )  # fmt: skip
        device = telemetry.register_device(f"bin-{place.code}".lower(), HTTP, told, by=SYSTEM)
        WastePlace.objects.filter(pk=place.pk).update(device=device.pk)
        telemetry.ingest(device.code, _filling(hours, number, draw), door=HTTP)
    for truck in Truck.objects.filter(device=None).select_related("depot"):
        told = telemetry.Told(
            name=truck.plate, kind=telemetry.Device.Kind.TRACKER, service="waste", ref=f"truck:{truck.plate}"
        )
        device = telemetry.register_device(f"truck-{truck.plate}".lower(), HTTP, told, by=SYSTEM)
        Truck.objects.filter(pk=truck.pk).update(device=device.pk)
        telemetry.ingest(device.code, _driving(truck, now.timestamp(), draw), door=HTTP)


def _weather(at: float, number: int, draw: random.Random) -> telemetry.Observation:
    warm = math.cos((timezone.localtime(timezone.now()).hour - 15 + number) / 24 * 2 * math.pi)
    return telemetry.Observation(
        at=at, seq=number,
        values={
            "temperature": round(28 + 6 * warm + draw.gauss(0, 0.4), 1), "humidity": round(min(95, max(15, 45 - 20 * warm + draw.gauss(0, 2)))),
            "rain": round(max(0.0, draw.gauss(-6, 4)), 1), "battery": 90 - number // 24,
        },
    )  # fmt: skip


def _filling(hours: list[float], number: int, draw: random.Random) -> list[telemetry.Observation]:
    """Emptied every second or third day; the first two were not, and are full now."""
    level, rate = draw.uniform(5, 40), draw.uniform(0.8, 1.8)
    found = []
    for n, at in enumerate(hours):
        level = min(100.0, level + rate * draw.uniform(0.4, 1.6))
        left = len(hours) - n
        if level > 70 + number % 3 * 8 and (number > 1 or left > 60):
            level = 3.0
        if number < 2 and left == 1:
            level = max(level, 94.0)
        found.append(telemetry.Observation(at=at, seq=n, values={"fill": round(level), "battery": 97 - n // 40}))
    return found


def _driving(truck: Truck, now: float, draw: random.Random) -> list[telemetry.Observation]:
    """From the garage by the places of its present round and back, a fix every ten minutes from seven to two, and one of now."""
    kept = PresentRound.objects.filter(truck=truck).first()
    points = dict(WastePlace.objects.filter(pk__in=kept.places if kept else []).values_list("pk", "point"))
    home = truck.depot.point
    way = [home, *(points[pk] for pk in (kept.places if kept else []) if pk in points), home]
    found: list[telemetry.Observation] = []
    odometer = 41_000.0
    start = timezone.localtime(timezone.now()).replace(hour=7, minute=0, second=0, microsecond=0)
    for day in range(DAYS, -1, -1):
        for step in range(43):
            at = (start - timedelta(days=day)).timestamp() + step * 600
            if at > now:
                break
            share = step / 42 * (len(way) - 1)
            before, part = min(int(share), len(way) - 2), share - min(int(share), len(way) - 2)
            a, b = way[before], way[before + 1]
            odometer += 1.4
            found.append(
                telemetry.Observation(
                    at=at, seq=len(found), lat=a.y + (b.y - a.y) * part, lon=a.x + (b.x - a.x) * part, speed=round(draw.uniform(5, 32), 1),
                    values={"odometer": round(odometer, 1), "fuel": round(110 - step * 0.9, 1)},
                )
            )  # fmt: skip
    last = found[-1]
    found.append(telemetry.Observation(at=now, seq=len(found), lat=last.lat, lon=last.lon, speed=0, values=last.values))
    return found
