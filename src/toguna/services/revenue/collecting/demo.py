"""The collectors of the demo town, and what they did today and yesterday: through the door by which devices send."""

from __future__ import annotations

import uuid
from datetime import timedelta
from random import Random
from typing import Any

from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.services.revenue.collecting import day, devices, records, setting_up
from toguna.services.revenue.collecting.devices import COLLECT
from toguna.services.revenue.models import Base, Collector, Device

MOST, VISITS = 3, 24
LIMIT, TARGET = 150_000, 60_000


def load(_files: DemoFiles) -> None:
    """Idempotent: each device and each record has an id that depends on its number alone."""
    found = [one for one in people.staff_with(COLLECT) if one.email][:MOST]
    for n, account in enumerate(found):
        collector = setting_up.make(account.pk, setting_up.Terms(most=LIMIT, target=TARGET), by=SYSTEM)
        _day(collector, n)


def _id(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, "toguna.demo.collecting:" + ":".join(map(str, parts))))


def _day(collector: Collector, number: int) -> None:
    device = devices.known(collector, _id("device", number), "Android")
    if device.visits.exists():
        return
    random = Random(61 + number)  # noqa: S311 - the same each time
    bases = list(Base.objects.filter(active=True, slug__in=["etal", "place-du-jour", "stationnement"]))
    rows = [row for row in day.places(collector, SYSTEM, bases) if row.point][number::MOST][:VISITS]
    block = devices.blocks(device, by=SYSTEM)[-1]
    begun = timezone.now() - timedelta(hours=1, minutes=7 * len(rows))
    for seq, row in enumerate(rows, 1):
        assert row.point is not None
        record: dict[str, Any] = {
            "id": _id("record", number, seq), "seq": seq, "code": row.thing.code, "at": (begun + timedelta(minutes=7 * seq)).isoformat(),
            "lon": row.point[0] + random.uniform(-1, 1) * 2e-4, "lat": row.point[1] + random.uniform(-1, 1) * 2e-4, "accuracy": 12,
        }  # fmt: skip
        if random.random() < 0.3:
            record |= {"kind": "visit", "outcome": random.choice(["absent", "later", "refused", "contests"])}
        else:
            record |= _payment(row, block, seq, random)
        records.apply(record, device, by=SYSTEM)
    Device.objects.filter(pk=device.pk).update(heard=timezone.now() - timedelta(minutes=11 * number + 2))


def _payment(row: day.Place, block: ledger.Block, seq: int, random: Random) -> dict[str, Any]:
    amount = random.choice([500, 1000, 2000, 2500, 3000])
    number = block.first + seq - 1
    return {
        "kind": "pay", "amount": amount, "block": block.pk, "number": number, "bills": [],
        "proof": ledger.proof(ledger.secret(block), number, amount, "XOF"),
    }  # fmt: skip
