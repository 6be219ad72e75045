"""Equipment of the demo town, and half a year of its life: fuel, breakdowns, upkeep, papers that end. The same town gives the same."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, time, timedelta

from django.contrib.gis.geos import Point
from django.db import transaction
from django.utils import timezone

from toguna.engines.assets import actions, work
from toguna.engines.assets.models import Asset, Fill, Paper, Part, Reading, StateChange, UpkeepPlan, WorkOrder
from toguna.engines.territory import api as territory
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles

DAYS = 180
LITRE = 775
# kind, name, serial, maker, department, tank
EQUIPMENT = (
    ("vehicle", "Pick-up de la voirie", "VM-201", "Toyota Hilux", "Voirie", 80),
    ("vehicle", "Voiture de la mairie", "VM-202", "Peugeot 301", "Secrétariat général", 50),
    ("vehicle", "Moto de l’état civil", "VM-203", "Yamaha AG 125", "État civil", 12),
    ("machine", "Niveleuse", "NV-01", "Caterpillar 120", "Voirie", 400),
    ("machine", "Chargeuse", "CH-01", "SDLG 936", "Voirie", 180),
    ("generator", "Groupe électrogène de la mairie", "GE-40", "Perkins 40 kVA", "Secrétariat général", 100),
    ("generator", "Groupe électrogène du centre de santé", "GE-20", "Kipor 20 kVA", "Santé", 60),
    ("pump", "Pompe du forage du marché", "PF-01", "Grundfos SP 9", "Hydraulique", 0),
    ("pump", "Pompe du forage de l’école", "PF-02", "Grundfos SP 5", "Hydraulique", 0),
    ("computer", "Ordinateur du guichet 1", "PC-011", "HP ProDesk", "État civil", 0),
    ("computer", "Ordinateur du guichet 2", "PC-012", "HP ProDesk", "État civil", 0),
    ("computer", "Imprimante des actes", "IM-003", "Brother HL", "État civil", 0),
    ("tool", "Débroussailleuse", "DB-07", "Stihl FS 450", "Espaces verts", 0),
)
PARTS = (
    ("FILTRE-HUILE", "Filtre à huile", "pièce", 14, 6, 4500),
    ("FILTRE-AIR", "Filtre à air", "pièce", 3, 4, 9000),
    ("HUILE-15W40", "Huile moteur 15W40", "litre", 60, 20, 2600),
    ("PNEU-825R16", "Pneu 8.25 R16", "pièce", 4, 2, 145000),
    ("PLAQUETTE-FREIN", "Plaquettes de frein", "jeu", 5, 2, 22000),
    ("COURROIE", "Courroie", "pièce", 2, 2, 12500),
)
FAULTS = ("Freins", "Crevaison", "Démarreur", "Fuite d’huile", "Radiateur", "Batterie", "Embrayage")


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: a town that has parts in store keeps what it has."""
    if Part.objects.exists():
        return
    draw = random.Random(11)  # noqa: S311 - a demo town
    box = territory.town_bounds()
    for number, (kind, name, serial, maker, unit, tank) in enumerate(EQUIPMENT):
        point = None
        if box:
            west, south, east, north = box
            for _try in range(20):
                x, y = (
                    west + (east - west) * draw.uniform(0.35, 0.65),
                    south + (north - south) * draw.uniform(0.35, 0.65),
                )
                if territory.place(x, y).inside:
                    point = Point(round(x, 6), round(y, 6), srid=4326)
                    break
        actions.save(
            None,
            actions.Told(
                kind, name, serial, maker, unit, point=point, tank=tank,
                bought=files.until - timedelta(days=400 + 170 * number), warranty=files.until + timedelta(days=45) if kind == "computer" else None,
            ),
            client_id=uuid.uuid5(uuid.NAMESPACE_URL, f"demo:{serial}"), by=SYSTEM,
        )  # fmt: skip
    for code, name, measure, many, low, price in PARTS:
        part = work.save_part(code, name, measure=measure, place=f"Étagère {code[0]}", low=low, by=SYSTEM)
        work.move(part.pk, "in", many, price=price, by=SYSTEM, client_id=uuid.uuid5(uuid.NAMESPACE_URL, f"demo:{code}"))
    until = min(timezone.now(), timezone.make_aware(datetime.combine(files.until, time(18))))
    for asset in Asset.objects.order_by("pk"):
        _live(asset, until, draw)
    for serial, words in (("PF-02", "La pompe ne démarre plus"), ("VM-202", "Fumée au démarrage")):
        broken = Asset.objects.get(serial=serial)
        work.say_broken(broken.pk, words, by=SYSTEM, client_id=uuid.uuid5(uuid.NAMESPACE_URL, f"demo:broken:{serial}"))
    work.run_plans()


def _live(asset: Asset, until: datetime, draw: random.Random) -> None:
    """Half a year: fuel every few days, breakdowns and their repair, papers and plans."""
    start = until - timedelta(days=DAYS)
    StateChange.objects.create(asset=asset, state="service", at=start)
    moves = asset.kind in ("vehicle", "machine")
    km = draw.randrange(30_000, 90_000)
    burns = {"vehicle": 0.32 if asset.tank > 100 else 0.11, "machine": 0.9}.get(asset.kind, 0.0)
    fills, readings, litres = [], [], 0.0
    if moves:
        readings.append(Reading(asset=asset, at=start, metres=km * 1000, source="typed"))
        day = start
        while (day := day + timedelta(days=draw.choice((3, 4, 5)))) < until:
            gone = min(round(asset.tank * 0.75 / burns), round(draw.uniform(55, 110) * 4))
            litres = gone * burns * draw.uniform(0.92, 1.08)
            odd = []
            if draw.random() < 0.015:
                litres, odd = litres * 1.9, ["burns"]
                if litres > asset.tank * 1.05:
                    odd = ["tank"]
            km += gone
            at = day.replace(hour=7, minute=draw.randrange(60))
            fills.append(
                Fill(
                    asset=asset, at=at, volume=round(litres * 1000), price=round(litres) * LITRE, metres=km * 1000, odd=odd,
                    seen=at < until - timedelta(days=30),
                )
            )  # fmt: skip
            readings.append(Reading(asset=asset, at=at, metres=km * 1000, source="fuel"))
    elif asset.kind == "generator":
        day = start
        while (day := day + timedelta(days=draw.randrange(6, 12))) < until:
            litres = asset.tank * draw.uniform(0.5, 0.8)
            fills.append(Fill(asset=asset, at=day, volume=round(litres * 1000), price=round(litres) * LITRE))
    Fill.objects.bulk_create(fills)
    Reading.objects.bulk_create(readings)
    Asset.objects.filter(pk=asset.pk).update(
        created=start, metres=km * 1000 if moves else 0, said_metres=km * 1000 if moves else 0,
        minutes=draw.randrange(500, 4000) * 60 if asset.kind in ("generator", "machine") else 0,
    )  # fmt: skip
    if asset.kind in ("vehicle", "machine", "pump"):
        _breakdowns(asset, start, draw)
    today = timezone.localdate(until)
    if moves:
        Paper.objects.bulk_create(
            Paper(
                asset=asset, kind=kind, number=f"{kind[:2].upper()}-{draw.randrange(10_000, 99_999)}",
                ends=today + timedelta(days=draw.choice((-4, 6, 25, 90, 140, 200, 260))),
            )
            for kind in ("insurance", "visit")
        )  # fmt: skip
    titles = {
        "vehicle": ("Vidange et filtres", None, 5000, None), "machine": ("Graissage et vidange", None, None, 250),
        "generator": ("Vidange du groupe", 90, None, 200), "pump": ("Contrôle de la pompe", 180, None, None),
    }  # fmt: skip
    if asset.kind in titles:
        title, days, every_km, hours = titles[asset.kind]
        asset.refresh_from_db()
        used = draw.uniform(0.2, 1.02)
        UpkeepPlan.objects.create(
            asset=asset, title=title, every_days=days, every_km=every_km, every_hours=hours,
            last_day=today - timedelta(days=round((days or 0) * used)),
            last_metres=max(0, asset.metres - round((every_km or 0) * 1000 * used)),
            last_minutes=max(0, asset.minutes - round((hours or 0) * 60 * used)),
        )  # fmt: skip


def _breakdowns(asset: Asset, start: datetime, draw: random.Random) -> None:
    day = start
    for _one in range(draw.choice((0, 1, 1, 2, 3))):
        day += timedelta(days=draw.randrange(20, 50), hours=draw.randrange(8))
        lasts = timedelta(hours=draw.randrange(5, 90))
        title = "Panne de la pompe" if asset.kind == "pump" else draw.choice(FAULTS)
        StateChange.objects.bulk_create(
            StateChange(asset=asset, state=state, at=at, why=title)
            for state, at in (("broken", day), ("upkeep", day + lasts / 4), ("service", day + lasts))
        )
        WorkOrder.objects.create(
            asset=asset, title=title, state="done", stops=True, source="driver", opened=day, taken=day + lasts / 4,
            closed=day + lasts, minutes=draw.randrange(45, 400), other=draw.randrange(5, 90) * 1000,
        )  # fmt: skip
