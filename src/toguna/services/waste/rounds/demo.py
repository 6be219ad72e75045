"""Trucks of the demo town, the rounds that they drive today, and two months of visits to its bins: the same town gives the same."""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib.gis.geos import Point
from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.services.waste.bins import learning
from toguna.services.waste.models import Depot, PresentRound, Truck, WastePlace
from toguna.services.waste.rounds import planning, vehicles

BINS_A_TRUCK = 45
DAYS = 60
# Each bin has a rate of its own (15 to 45 percent a day, from its id), was last emptied two or three days ago, each visit its noise, and some days are market days.
_VISITS = """
INSERT INTO waste_fill (place_id, at, level, source, emptied, client_id)
SELECT p.id, v.at, LEAST(180, GREATEST(5, round(
        (15 + abs(hashtext(p.code)) %% 31) * 2 * (0.75 + (abs(hashtext(p.code || v.n)) %% 51) / 100.0)
        * CASE WHEN abs(hashtext(v.n || p.code)) %% 14 = 0 THEN 1.7 ELSE 1 END / 5) * 5))::int,
    'driver', true, md5('visit' || p.client_id || v.n)::uuid
FROM (SELECT id, code, client_id, row_number() OVER (ORDER BY id) AS number FROM waste_place WHERE kind IN ('bin', 'point')) p
CROSS JOIN LATERAL (
    SELECT n, %(until)s::timestamptz - make_interval(days => n::int) + make_interval(mins => (420 + abs(hashtext(p.code || 'm')) %% 300)::int) AS at
    FROM generate_series(2 + p.number %% 2, %(days)s, 2) n
) v
ON CONFLICT (client_id) DO NOTHING
"""


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: a town that has trucks keeps them."""
    bins = list(WastePlace.objects.filter(kind__in=("bin", "point")).order_by("pk"))
    if Truck.objects.exists() or not bins:
        return
    middle = Point(sum(b.point.x for b in bins) / len(bins), sum(b.point.y for b in bins) / len(bins), srid=4326)
    home = min(bins, key=lambda b: b.point.distance(middle)).point
    depot = Depot.objects.create(name="Garage municipal", point=home)
    drivers = [a for a in people.staff_with("waste.work") if a.email and not a.is_superuser]
    many = max(2, -(-len(bins) // BINS_A_TRUCK))
    sectors = _sectors(bins, (home.x, home.y), many)
    # Two crews a day: whoever tries a breakdown in the afternoon sees another truck take its stops.
    for number, sector in enumerate(sectors):
        truck = Truck.objects.create(
            plate=f"VM-{101 + number}", name=("Benne", "Ampliroll", "Tasseuse")[number % 3], depot=depot, volume=(16_000, 12_000, 20_000)[number % 3],
            weight=(6_000, 5_000, 8_000)[number % 3], begins=time(6), ends=time(20), pause_from=time(10), pause_until=time(12), pause_minutes=30,
            cost_km=450, cost_hour=3_500, cost_day=10_000, burns=(380, 350, 420)[number % 3],
            driver=drivers[number % len(drivers)].pk if drivers else None,
        )  # fmt: skip
        truck.quarters.set(
            {
                b.zone_id
                for b in sector
                if b.zone_id is not None and sum(o.zone_id == b.zone_id for o in sector) > len(sector) / 5
            }
        )
        # Every other day, half of the sector, street by street as the crew has always done.
        for half, days in enumerate(([1, 3, 5, 7], [2, 4, 6])):
            PresentRound.objects.create(truck=truck, days=days, places=[b.pk for b in sector[half::2]])
    vehicles.register(list(Truck.objects.select_related("depot")), by=SYSTEM)
    start = timezone.make_aware(datetime.combine(files.until, time(0)))
    with connection.cursor() as cursor:
        cursor.execute(_VISITS, {"until": start, "days": DAYS})
    learning.forecast(start + timedelta(hours=5))
    if files.until == timezone.localdate():
        planning.ask(files.until, by=SYSTEM, seconds=15.0, whole=True)


def _sectors(bins: list[WastePlace], home: tuple[float, float], many: int) -> list[list[WastePlace]]:
    """As towns do it by hand: the town cut like a cake around the garage, each piece driven out along one side and back along the other."""

    def angle(one: Any) -> float:
        return math.atan2(one.point.y - home[1], one.point.x - home[0])

    def far(one: Any) -> float:
        return math.hypot(one.point.x - home[0], one.point.y - home[1])

    around = sorted(bins, key=angle)
    size = -(-len(around) // many)
    pieces = [around[n : n + size] for n in range(0, len(around), size)]
    ordered = []
    for piece in pieces:
        middle = len(piece) // 2
        ordered.append([*sorted(piece[:middle], key=far), *sorted(piece[middle:], key=far, reverse=True)])
    return ordered
