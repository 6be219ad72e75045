"""The scale of the demo town's first transfer station, and two months of what it weighed: trucks, and what people brought themselves."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.services.waste.models import Household, Scale, WastePlace, Weighing
from toguna.services.waste.weighing import actions

DAYS, TRUCKS, PEOPLE = 60, 4, 3
EACH = 500  # grammes of an inhabitant in a day
MOST = 40_000_000  # grammes, of a truck with its load


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: a town that has a scale keeps it. What was weighed is not billed, as a register that was brought from paper;
    `./toguna simulate scale` weighs more, which is."""
    place = WastePlace.objects.filter(kind=WastePlace.Kind.STATION).order_by("pk").first()
    if place is None or Scale.objects.exists():
        return
    told = actions.Told(f"Bascule, {place.name}"[:80], place, "pesee", least=100, most=MOST)
    scale = actions.save(None, told, by=SYSTEM)
    draw = random.Random(7)  # noqa: S311 - a game
    homes = list(Household.objects.exclude(address="").order_by("pk")[:200])
    carried = min(MOST // 2, max(300_000, files.people * EACH // TRUCKS))
    rows: list[Weighing] = []
    for day in range(DAYS, 0, -1):
        for turn in range(TRUCKS + PEOPLE):
            at = timezone.make_aware(
                datetime.combine(files.until - timedelta(days=day), datetime.min.time())
            ) + timedelta(hours=7 + turn, minutes=draw.randrange(60))
            truck = turn < TRUCKS or not homes
            grammes = round(carried * draw.uniform(0.6, 1.4), -4) if truck else draw.randrange(3_000, 60_000, 100)
            rows.append(
                Weighing(
                    scale=scale, number=len(rows) + 1, at=at, received=at, grammes=grammes, place=place, zone_id=place.zone_id,
                    household=None if truck else draw.choice(homes),
                )
            )  # fmt: skip
    Weighing.objects.bulk_create(rows)
