"""What the overview shows: of the whole town, or of the zones of whoever looks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Max, QuerySet, Sum
from django.utils import timezone

from toguna.engines.territory import api as territory
from toguna.kernel import access
from toguna.kernel.access import Actor
from toguna.services.revenue.campaigns.notices import district
from toguna.services.revenue.models import Base, Standing

READ = "revenue.read"
MINUTES, SPEED = 5, 4.0  # of a visit; km an hour on foot
SUMS = ("things", "unpaid", "potential", "billed", "paid", "late")


def standings(actor: Actor) -> QuerySet[Standing]:
    zones = access.zones(actor, READ)
    return Standing.objects.all() if zones is None else Standing.objects.filter(zone__in=zones)


@dataclass(frozen=True)
class Row:
    """Of a district or of a kind of thing; minor units."""

    title: Any
    things: int
    unpaid: int
    potential: int
    billed: int
    paid: int
    late: int

    @property
    def share(self) -> float | None:
        """What was paid of what was billed, in percent."""
        return 100 * self.paid / self.billed if self.billed else None


def totals(actor: Actor) -> tuple[Row, datetime | None]:
    found = standings(actor).aggregate(at=Max("at"), **{name: Sum(name) for name in SUMS})
    at = found.pop("at")
    return Row("", **{name: found[name] or 0 for name in SUMS}), at


def _summed(actor: Actor, by: str) -> list[tuple[Any, ...]]:
    """(by, the sums of SUMS)."""
    rows = standings(actor).values(by).annotate(**{f"sum_{name}": Sum(name) for name in SUMS})
    return list(rows.values_list(by, *(f"sum_{name}" for name in SUMS)))


def by_base(actor: Actor) -> list[Row]:
    bases = Base.objects.in_bulk()
    rows = _summed(actor, "base")
    found = [Row(bases[row[0]].titles, *row[1:]) for row in rows]
    return sorted(found, key=lambda row: -row.potential)


def by_district(actor: Actor) -> list[tuple[int | None, Row]]:
    sums: dict[int | None, list[int]] = {}
    for row in _summed(actor, "zone"):
        into = sums.setdefault(district(row[0]), [0] * len(SUMS))
        for n, value in enumerate(row[1:]):
            into[n] += value
    found = [(zone, Row(territory.zone(zone), *values)) for zone, values in sums.items()]
    return sorted(found, key=lambda one: -one[1].late)


_IN_ZONES = "(%(all)s OR t.zone_id = ANY(%(zones)s))"
_BY_CHANNEL = f"""
SELECT date_trunc('month', p.at AT TIME ZONE %(tz)s)::date AS month, p.method, sum(s.amount)::bigint
FROM ledger_payment p JOIN ledger_share s ON s.payment_id = p.id JOIN ledger_bill b ON b.id = s.bill_id AND b.about_kind = 'taxed'
JOIN revenue_taxed t ON t.code = b.about
WHERE p.void = '' AND p.at >= %(since)s AND {_IN_ZONES} GROUP BY 1, 2
"""
_BY_AGE = f"""
SELECT CASE WHEN late <= 30 THEN 0 WHEN late <= 90 THEN 1 WHEN late <= 365 THEN 2 ELSE 3 END, count(*), sum(owed)::bigint FROM (
    SELECT %(today)s::date - b.due AS late, b.amount - b.paid AS owed FROM ledger_bill b JOIN revenue_taxed t ON t.code = b.about
    WHERE b.about_kind = 'taxed' AND b.state = 'open' AND b.due < %(today)s AND {_IN_ZONES}) x GROUP BY 1
"""


def _reach(actor: Actor) -> dict[str, Any]:
    zones = access.zones(actor, READ)
    return {"all": zones is None, "zones": list(zones or ())}


def by_channel(actor: Actor, since: date) -> dict[date, dict[str, int]]:
    """{month: {method: minor units}}, of what was paid for taxed things."""
    values = {**_reach(actor), "since": since, "tz": timezone.get_default_timezone_name()}
    found: dict[date, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_BY_CHANNEL, values)
        for month, method, amount in cursor.fetchall():
            found.setdefault(month, {})[method] = amount
    return found


def by_age(actor: Actor) -> list[tuple[int, int]]:
    """(bills, minor units) late by up to 30 days, 90, 365, and more."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_AGE, {**_reach(actor), "today": timezone.localdate()})
        found = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
    return [found.get(n, (0, 0)) for n in range(4)]


@dataclass(frozen=True)
class Street:
    """Where to go next. potential, paid, late: of everything in the street, minor units; km: its length; chance: of a visit to end with a payment, from what visits brought lately
    (a new town begins at 3 in 10); expected: late x chance; hours: of the visits and the walk."""

    name: str
    zone: Any
    visits: int
    late: int
    km: float
    chance: float
    potential: int = 0
    paid: int = 0

    @property
    def expected(self) -> int:
        return round(self.late * self.chance)

    @property
    def hours(self) -> float:
        return self.visits * MINUTES / 60 + self.km / SPEED

    @property
    def an_hour(self) -> int:
        return round(self.expected / self.hours) if self.hours else 0

    @property
    def a_visit(self) -> int:
        return round(self.expected / self.visits) if self.visits else 0

    @property
    def a_km(self) -> int | None:
        return round(self.expected / self.km) if self.km else None


_STREETS = """
SELECT s.street, min(s.street_name), min(s.zone), sum(s.unpaid)::int, sum(s.late)::bigint,
    COALESCE(ST_Length(min(f.geom::text)::geometry::geography) / 1000, 0), sum(s.potential)::bigint, sum(s.paid)::bigint
FROM revenue_standing s LEFT JOIN territory_feature f ON f.id = s.street
WHERE (s.street IS NOT NULL OR s.street_name <> '') AND (%(all)s OR s.zone = ANY(%(zones)s))
GROUP BY s.street, CASE WHEN s.street IS NULL THEN s.street_name END HAVING sum(s.late) > 0
"""
_CHANCES = """
SELECT t.zone_id, count(*) FILTER (WHERE v.outcome = 'paid'), count(*) FROM revenue_visit v JOIN revenue_taxed t ON t.id = v.taxed_id
WHERE v.at > now() - interval '180 days' AND v.outcome <> 'seen' GROUP BY 1
"""


def chance(paid: int, visits: int) -> float:
    """Of few visits little is known: ten that brought three are added to any."""
    return (paid + 3) / (visits + 10)


def next_streets(actor: Actor, *, zones: Collection[int] | None = None, most: int = 20) -> list[Street]:
    """The streets of which a visit brings most for each hour, the best first. Two statements."""
    reach = _reach(actor)
    if zones is not None:
        reach = {"all": False, "zones": [zone for zone in zones if reach["all"] or zone in reach["zones"]]}
    with connection.cursor() as cursor:
        cursor.execute(_CHANCES)
        seen: dict[int | None, list[int]] = {}
        for zone, paid, visits in cursor.fetchall():
            into = seen.setdefault(district(zone), [0, 0])
            into[0], into[1] = into[0] + paid, into[1] + visits
        cursor.execute(_STREETS, reach)
        rows = cursor.fetchall()
    found = [
        Street(
            name,
            territory.zone(zone),
            visits,
            late,
            float(km),
            chance(*seen.get(district(zone), (0, 0))),
            potential,
            paid,
        )
        for _street, name, zone, visits, late, km, potential, paid in rows
        if visits
    ]
    return sorted(found, key=lambda street: (-street.an_hour, street.name))[:most]
