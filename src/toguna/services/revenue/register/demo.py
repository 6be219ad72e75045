"""The register of the demo town, the bills of this year and the one before, and what was paid of them in all ways, up to its day: the
same for the same town and day."""

from __future__ import annotations

import csv
import uuid
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.kernel import text, town
from toguna.kernel.access import SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.services.revenue.models import Base, Part, Taxed
from toguna.services.revenue.register import bulk, reads, starter

LEAST, MOST, PER_TAXPAYER = 40, 6000, 8  # one taxpayer for each eight people
TIMES = {"mois": 12, "jours": 300}
WAYS = {"mtn": 4, "orange-money": 5, "wave": 3}  # of a francophone town
# (upto, desk, method): of a hundred who pay; the rest by telephone.
PLACES = (
    (24, "counter", "cash"),
    (48, "collector", "cash"),
    (53, "cheques", "cheque"),
    (56, "cards", "card"),
    (60, "bank", "bank"),
)
MOST_PAID = 900  # one by one, as people pay
TRADES = (
    "Tissus",
    "Céréales",
    "Quincaillerie",
    "Légumes",
    "Volaille",
    "Restaurant",
    "Coiffure",
    "Téléphones",
    "Boucherie",
    "Menuiserie",
    "Pharmacie",
    "Couture",
)
# share of a hundred: (base, (least, most) of its measure)
KINDS = (
    (34, "etal", (2, 14)), (56, "foncier", (60, 420)), (78, "patente", (6, 160)), (85, "stationnement", None),
    (90, "terrain", (150, 900)), (94, "place-du-jour", (1, 8)), (97, "betail", (1, 6)), (100, "ordures", None),
)  # fmt: skip
BESIDE = {"etal": ("ordures", 10), "foncier": ("ordures", 60), "patente": ("enseigne", 45), "terrain": ("", 0)}


def load(files: DemoFiles) -> None:
    """Idempotent: each thing has an id that depends on its number alone, each bill and each payment a key."""
    starter.load()
    _tariff_of_land(files.until)
    random = Random(31)  # noqa: S311 - the same each time
    rows = _rows(files, random)
    bulk.bring(rows, by=SYSTEM)
    _heirs(rows)
    for year in (files.until.year - 1, files.until.year):
        if date(year, 2, 1) < files.until:
            _bills(year)
    _payments(files.until)


def _id(kind: str, number: int) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"toguna.demo.{kind}:{number}")


def _tariff_of_land(until: date) -> None:
    """The council of the demo voted one for land too: as the example has it."""
    example = ledger.Tariff.objects.filter(slug="terrain", active=False).first()
    since = until.replace(year=until.year - 1, month=1, day=1)
    if example is not None:
        ledger.Tariff.objects.get_or_create(
            slug="terrain", since=since,
            defaults={
                "titles": example.titles, "rule": example.rule, "unit": example.unit, "income": example.income,
                "law": "Délibération n° 2025-014 du conseil municipal (ville fictive), art. 10",
            },
        )  # fmt: skip


def _spots(sql: str) -> list[tuple[float, float]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [(lon, lat) for lon, lat in cursor.fetchall()]


_BUILDINGS = """
SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_PointOnSurface(f.geom) p, f.source FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id
WHERE l.slug = 'buildings' AND f.valid_to IS NULL ORDER BY md5(f.source) LIMIT 20000) x ORDER BY md5(source)
"""
_MARKETS = """
SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_PointOnSurface(f.geom) p, f.source FROM territory_feature f JOIN territory_layer l ON l.id = f.layer_id
WHERE l.slug = 'facilities' AND f.kind = 'market' AND f.valid_to IS NULL) x ORDER BY md5(source)
"""


def _rows(files: DemoFiles, random: Random) -> list[bulk.Row]:
    with (files.folder / "residents.csv").open(newline="", encoding="utf-8") as file:
        residents = list(csv.DictReader(file))
    houses = _spots(_BUILDINGS) or [(-1.0, 12.0)]
    markets = _spots(_MARKETS) or houses[:2]
    bases = dict(Base.objects.values_list("slug", "pk"))
    rows: list[bulk.Row] = []
    seen = timezone.make_aware(datetime.combine(files.until - timedelta(days=400), time(9)))
    for n in range(max(LEAST, min(MOST, files.people // PER_TAXPAYER))):
        if n < len(residents):
            name, phone = residents[n]["name"], residents[n]["phone"]
        else:  # a first name of one, the family of another
            one, other = residents[random.randrange(len(residents))], residents[random.randrange(len(residents))]
            name = f"{one['name'].split()[0]} {other['name'].split()[-1]}"
            phone = f"+22331{n:06d}" if random.random() < 0.7 else ""
        if n % 60 == 59 and rows:  # whom two agents wrote down, each in their way
            name, phone = rows[-1].name.upper().replace("OU", "U"), rows[-1].phone
        drawn = random.uniform(0, 100)
        slug, measure = next((slug, bounds) for upto, slug, bounds in KINDS if drawn <= upto)
        business = slug == "patente" or (slug == "etal" and random.random() < 0.2)
        trade = random.choice(TRADES) if slug in ("etal", "patente", "place-du-jour") else ""
        lon, lat = houses[n % len(houses)]
        if slug in ("etal", "place-du-jour", "betail"):
            lon, lat = markets[n % len(markets)]
            lon, lat = lon + random.gauss(0, 0.0004), lat + random.gauss(0, 0.0004)
        common: dict[str, Any] = {
            "who": _id("taxpayer", n), "name": f"{trade} {name}" if business else name, "kind": "business" if business else "person",
            "trade": trade, "phone": phone, "tax_number": f"{random.randrange(10**8, 10**9)}" if business else "",
            "lon": lon, "lat": lat, "seen": seen if random.random() < 0.8 else None,
            "since": date(files.until.year - 1 - random.randrange(5), 1, 1),
        }  # fmt: skip
        things = [(slug, measure)]
        extra, chance = BESIDE.get(slug, ("", 0))
        if random.uniform(0, 100) < chance:
            things.append((extra, (1, 6) if extra == "enseigne" else None))
        for m, (which, bounds) in enumerate(things):
            asked = "têtes" if which == "betail" else "m2"
            plate = f"{random.choice('ABCDEFGH')}{random.randrange(1000, 9999)}MD" if which == "stationnement" else ""
            words = f"Place {1 + n % 240}, rangée {chr(65 + n % 8)}" if which in ("etal", "place-du-jour") else ""
            exemption = "veuve" if which == "foncier" and random.random() < 0.04 else ""
            rows.append(
                bulk.Row(
                    client_id=_id(f"taxed-{m}", n), base=bases[which], plate=plate, words=words, exemption=exemption,
                    measures={asked: str(random.randint(*bounds))} if bounds else {}, **common,
                )
            )  # fmt: skip
    return rows


def _heirs(rows: list[bulk.Row]) -> None:
    """Some houses have two or three heirs, not in equal parts."""
    houses = Taxed.objects.filter(base__slug="foncier", client_id__in=[row.client_id for row in rows]).order_by("pk")
    things = list(houses[:240])
    if Part.objects.filter(taxed__in=things[::8]).count() > len(things[::8]):
        return
    payers = dict(Part.objects.filter(taxed__in=things).values_list("taxed", "taxpayer"))
    parts = []
    for n in range(0, len(things) - 3, 8):
        heirs = [payers[things[n + k].pk] for k in range(1, 2 + n % 16 // 8)]
        parts += [Part(taxed=things[n], taxpayer_id=heir, weight=1 + k) for k, heir in enumerate(heirs)]
    Part.objects.bulk_create(parts, ignore_conflicts=True)


def _bills(year: int) -> None:
    """A run for each base, as a campaign would."""
    day, due = date(year, 2, 1), date(year, 6, 30)
    for base in reads.bases():
        tariff = ledger.tariff(base.tariff, day)
        if tariff is None:
            continue
        staged = []
        shares: dict[int, list[Part]] = {}
        for part in (
            Part.objects.filter(taxed__base=base, taxed__since__lte=day).select_related("taxpayer").order_by("pk")
        ):
            shares.setdefault(part.taxed_id, []).append(part)
        for thing in Taxed.objects.filter(base=base, pk__in=list(shares)).select_related("base").order_by("pk"):
            parts = shares[thing.pk]
            try:
                quote = reads.quoted(thing, TIMES, tariff=tariff)
            except ledger.Missing:
                continue
            if quote is None or quote.total <= 0:
                continue
            said = f"{year} · {'; '.join(line.words for line in quote.lines)}"[:200]
            for part, amount in zip(parts, ledger.shares(quote.total, [p.weight for p in parts]), strict=True):
                key = reads.key_of(f"{base.slug}-{year}", thing, part.taxpayer)
                staged.append((key, part.taxpayer.payer_id, amount, said, "taxed", thing.code))
        with transaction.atomic():
            ledger.stage()
            columns = "key, payer, amount, words, about_kind, about"
            with connection.cursor() as cursor, cursor.copy(f"COPY ledger_run ({columns}) FROM STDIN") as copy:
                for row in staged:
                    copy.write_row(row)
            ledger.run(income=tariff.income.code, due=due, by=SYSTEM, tariff=tariff, at=day)


def _payments(until: date) -> None:
    """About half of the bills, in the order of the days: in cash at the counter and to a collector, by cheque, card, transfer and
    telephone; some in part, one in thirty too much."""
    random, currency = Random(32), town.current().currency  # noqa: S311
    desks = {
        "counter": ledger.new_desk("Guichet des taxes", by=SYSTEM),
        "collector": ledger.new_desk("Collecte des marchés", by=SYSTEM, kind=ledger.Desk.Kind.COLLECTOR),
        "bank": _online("bank", "BANK", ledger.account("521", "asset")),
        **{
            f"{method}s": _online(str(title), prefix, ledger.account(code, "asset"))
            for method, (code, prefix, title) in ledger.OTHER_WAYS.items()
        },
        **{
            way: _online(
                way, way[:5].upper(), ledger.account(f"552-{way}", "asset", {"": ledger.way_title(way)}, "552", "5113")
            )
            for way in WAYS
        },
    }
    first = date(until.year - 1, 2, 1)
    bills = ledger.Bill.objects.filter(about_kind="taxed", issued__in=(first, date(until.year, 2, 1))).order_by("key")
    chosen = sorted(bills, key=lambda bill: uuid.uuid5(uuid.NAMESPACE_OID, bill.words + str(bill.amount)).hex)
    taken = []
    for bill in chosen[: min(len(chosen) // 2, MOST_PAID)]:
        drawn = random.random()
        amount = bill.amount if drawn < 0.75 else max(1, bill.amount // 2) if drawn < 0.97 else bill.amount + 1000
        since = max(bill.issued + timedelta(days=9), until - timedelta(days=360))
        day = since + timedelta(days=random.randrange(max(1, (until - since).days)))
        at = timezone.make_aware(datetime.combine(day, time(8 + random.randrange(9), random.randrange(60))))
        who, way = random.uniform(0, 100), random.choices(list(WAYS), list(WAYS.values()))[0]
        where, method = next(((desk, method) for upto, desk, method in PLACES if who < upto), (way, way))
        said = "" if method == "cash" else f"{text.fold(method)}{random.randrange(10**9)}"
        taken.append((at, bill, amount, desks[where], method, said))
    for at, bill, amount, desk, method, said in sorted(taken, key=lambda one: (one[0], one[1].key)):
        if at < timezone.now():
            ledger.take(
                amount, currency, method, desk=desk, key=f"demo-revenue:{bill.key}", by=SYSTEM, payer=bill.payer_id, bills=[bill.pk], at=at,
                reference=said,
            )  # fmt: skip


def _online(name: str, prefix: str, account: ledger.Account) -> ledger.Desk:
    """Where money lies that is not cash."""
    values = {"name": name, "kind": ledger.Desk.Kind.ONLINE, "account": account}
    return ledger.Desk.objects.get_or_create(prefix=prefix, defaults=values)[0]
