"""A collector's morning: all that the device takes along, in a few statements, and small enough for a slow network."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import access, money, text, town
from toguna.kernel.access import Actor
from toguna.services.revenue.collecting import board, devices, fees
from toguna.services.revenue.collecting.devices import COLLECT
from toguna.services.revenue.collecting.walking import Point, walked
from toguna.services.revenue.models import Base, Collector, Device, Taxed, Taxpayer

MOST = 3000  # places
DIGITS = 5  # of coordinates: a metre

_PLACES = """
SELECT t.id, t.code, t.base_id, t.words, t.plate, t.measures, t.exemption, t.zone_id, t.street, t.street_name,
       ST_X(t.point), ST_Y(t.point), p.payers, v.outcome, (v.done AT TIME ZONE %(tz)s)::date
FROM revenue_taxed t
CROSS JOIN LATERAL (SELECT array_agg(p.taxpayer_id ORDER BY p.weight DESC, p.id) AS payers,
    bool_or(EXISTS (SELECT FROM ledger_bill b WHERE b.payer_id = x.payer_id AND b.state = 'open')) AS owes
    FROM revenue_part p JOIN revenue_taxpayer x ON x.id = p.taxpayer_id WHERE p.taxed_id = t.id) p
LEFT JOIN LATERAL (SELECT outcome, done FROM revenue_visit WHERE taxed_id = t.id ORDER BY done DESC NULLS LAST, seq DESC, id DESC LIMIT 1) v ON true
WHERE t.state <> 'gone' AND (t.until IS NULL OR t.until >= %(today)s) AND t.base_id = ANY(%(bases)s)
  AND (%(zones)s::bigint[] IS NULL OR t.zone_id = ANY(%(zones)s)) AND p.payers IS NOT NULL
ORDER BY p.owes DESC, t.id LIMIT %(most)s
"""


@dataclass
class Place:
    """A taxed thing, as a row of the list. payers: ids of taxpayers; fee: what today costs, 0 for what is not taken by the day."""

    thing: Taxed
    street: int | None
    street_name: str
    point: Point | None
    payers: list[int]
    outcome: str
    seen: date | None
    fee: int = 0
    due: bool = True  # today's fee was not taken yet


def zones_of(collector: Collector, actor: Actor) -> list[int] | None:
    """Where they may collect: their own zone and all inside it, as far as their grants go; None for the whole town."""
    granted = access.zones(actor, COLLECT)
    if collector.zone_id is None:
        return None if granted is None else sorted(granted)
    own = set(territory.zone_tree_ids(collector.zone_id))
    return sorted(own if granted is None else own & granted)


def places(collector: Collector, actor: Actor, bases: Iterable[Base]) -> list[Place]:
    """Those who owe first, when there are more than fit; in no order yet."""
    by_pk = {one.pk: one for one in bases}
    values: dict[str, Any] = {
        "tz": str(timezone.get_current_timezone()), "today": timezone.localdate(), "bases": list(by_pk), "zones": zones_of(collector, actor),
        "most": MOST,
    }  # fmt: skip
    found = []
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, values)
        for (
            pk,
            code,
            base,
            words,
            plate,
            measures,
            exemption,
            zone,
            street,
            name,
            x,
            y,
            payers,
            outcome,
            seen,
        ) in cursor:
            thing = Taxed(
                pk=pk, code=code, base=by_pk[base], words=words, plate=plate, measures=_read(measures), exemption=exemption, zone_id=zone
            )  # fmt: skip
            point = (x, y) if x is not None else None
            found.append(Place(thing, street, name, point, payers, outcome or "", seen))
    return found


def _read(measures: Any) -> dict[str, Any]:
    found = json.loads(measures) if isinstance(measures, str) else measures
    return found if isinstance(found, dict) else {}


def _with_fees(rows: Sequence[Place], today: date) -> None:
    """What today costs each, and whether it was taken already."""
    tariffs = {base.pk: row for base, row in fees.daily()}
    known: dict[tuple[Any, ...], int] = {}
    keys: dict[str, Place] = {}
    for row in rows:
        tariff = tariffs.get(row.thing.base_id)
        if tariff is None:
            continue
        like = (row.thing.base_id, row.thing.zone_id, row.thing.exemption, tuple(sorted(row.thing.measures.items())))
        if like not in known:
            quote = fees.price(tariff, row.thing)
            known[like] = quote.total if quote else 0
        row.fee = known[like]
        if row.fee:
            keys[fees.key_of(row.thing, today)] = row
    if keys:
        paid = ledger.Bill.objects.filter(key__in=list(keys)).exclude(state=ledger.Bill.State.OPEN)
        for key in paid.values_list("key", flat=True):
            keys[key].due = False


def start_of(typed: str) -> Point:
    """Where the walk begins: the position that was given, else the middle of the town."""
    if (found := territory.read_point(typed)) is not None:
        return found
    west, south, east, north = territory.town_bounds() or (0.0, 0.0, 0.0, 0.0)
    return (west + east) / 2, (south + north) / 2


def whole(collector: Collector, device: Device, actor: Actor, start: Point) -> dict[str, Any]:
    """All that the device keeps, as JSON.

    places: [code, base, words, plate, street, lon, lat, [payers], fee, fee due, outcome, day]; payers: [number, name, [bills]]; bills:
    [reference, left, words, due, about, [[words, amount]...]]: base, street and payers are places in their own lists."""
    today, currency = timezone.localdate(), town.current().currency
    bases = list(Base.objects.filter(active=True))
    rows = places(collector, actor, bases)
    _with_fees(rows, today)
    rows = [rows[n] for n in walked(start, [(row.street or row.street_name or None, row.point) for row in rows])]
    streets = {name: n for n, name in enumerate(dict.fromkeys(row.street_name for row in rows))}
    order = {base.pk: n for n, base in enumerate(bases)}
    ids = list(dict.fromkeys(pk for row in rows for pk in row.payers))
    taxpayers = {one.pk: one for one in Taxpayer.objects.filter(pk__in=ids).only("number", "name", "payer_id")}
    bills = _bills([one.payer_id for one in taxpayers.values()], currency)
    at = {pk: n for n, pk in enumerate(ids)}
    now = board.of(collector)
    return {
        "account": actor.account, "made": timezone.now().isoformat(), "day": today.isoformat(), "device": str(device.name),
        "currency": currency, "exponent": money.exponent(currency), "town": town.current().name, "collector": actor.name,
        "desk": collector.desk.name, "prefix": collector.desk.prefix, "most": collector.most, "target": collector.target,
        "held": now.held, "float": now.begun_with, "open": now.open, "taken": now.taken, "pieces": list(ledger.pieces(currency)),
        "blocks": [
            {"id": one.pk, "year": one.year, "first": one.first, "last": one.last, "next": ledger.next_of(one), "secret": ledger.secret(one)}
            for one in devices.blocks(device, by=actor)
        ],
        "bases": [{"slug": one.slug, "title": text.pick(one.titles), "icon": one.icon} for one in bases],
        "fees": [
            {
                "base": base.slug, "title": text.pick(row.titles), "law": row.law,
                "offers": [{"words": one.words, "measures": one.measures, "amount": one.amount} for one in fees.offers(row)],
            }
            for base, row in fees.daily()
        ],
        "streets": list(streets),
        "places": [
            [
                row.thing.code, order[row.thing.base_id], row.thing.words, row.thing.plate, streets[row.street_name],
                round(row.point[0], DIGITS) if row.point else None, round(row.point[1], DIGITS) if row.point else None,
                [at[pk] for pk in row.payers], row.fee, int(row.due), row.outcome, row.seen.isoformat() if row.seen else "",
            ]
            for row in rows
        ],
        "payers": [
            [taxpayers[pk].number, taxpayers[pk].name, bills.get(taxpayers[pk].payer_id, [])] for pk in ids
        ],
    }  # fmt: skip


def _bills(payers: Sequence[int], currency: str) -> dict[int, list[list[Any]]]:
    """What is left to pay, with the lines that explain it, by payer. Two statements."""
    rows = ledger.Bill.objects.filter(payer__in=payers, state=ledger.Bill.State.OPEN, currency=currency).order_by(
        "due", "pk"
    )
    found: dict[int, list[list[Any]]] = {}
    lines: dict[int, list[list[Any]]] = {}
    for pk, payer, reference, amount, paid, words, due, about in rows.values_list(
        "pk", "payer", "reference", "amount", "paid", "words", "due", "about"
    ):
        lines[pk] = []
        found.setdefault(payer, []).append([reference, amount - paid, words, due.isoformat(), about, lines[pk]])
    for pk, words, amount in (
        ledger.BillLine.objects.filter(bill__in=list(lines))
        .order_by("bill", "number")
        .values_list("bill", "words", "amount")
    ):
        lines[pk].append([words, amount])
    for bills in found.values():
        for one in bills:
            if len(one[5]) == 1 and one[5][0][0] == one[2]:  # its only line says what the bill says
                one[5] = []
    return found
