"""What is known of equipment: what is in reach, whether it can be used, how long it served, what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from toguna.engines.assets.actions import READ
from toguna.engines.assets.models import Asset, Fill, Paper, WorkOrder
from toguna.kernel import access, codes, text
from toguna.kernel.access import Actor

SOON = timedelta(days=60)


def visible(actor: Actor, permission: str = READ) -> QuerySet[Asset]:
    """The equipment in the actor's reach."""
    rows, zones = Asset.objects.all(), access.zones(actor, permission)
    return rows if zones is None else rows.filter(zone__in=zones)


def by_code(code: str) -> Asset | None:
    return Asset.objects.filter(code=codes.read(code) or "-").first()


def state_of(ids: Iterable[int]) -> dict[int, str]:
    """{id: state}; what is not in the register is not in it. One statement."""
    wanted = list(ids)
    return dict(Asset.objects.filter(pk__in=wanted).values_list("pk", "state")) if wanted else {}


def named(ids: Iterable[int]) -> dict[int, Asset]:
    """The equipment that loose keys mean. One statement."""
    return Asset.objects.in_bulk(list(ids))


def unavailable(ids: Iterable[int]) -> set[int]:
    """Those of them that cannot be used now: broken down, in upkeep, retired. What the register does not know is not of them."""
    return {pk for pk, state in state_of(ids).items() if state != Asset.State.SERVICE}


def found(
    actor: Actor, *, kind: str = "", state: str = "", zones: Sequence[int] | None = None, words: str = ""
) -> QuerySet[Asset]:
    """For lists: retired ones only where asked for."""
    rows = visible(actor).select_related("zone").order_by("name", "serial", "pk")
    if kind in Asset.Kind.values:
        rows = rows.filter(kind=kind)
    rows = rows.filter(state=state) if state in Asset.State.values else rows.exclude(state=Asset.State.RETIRED)
    if zones is not None:
        rows = rows.filter(zone__in=zones)
    typed = text.clean(words)[:80]
    if typed:
        rows = rows.filter(
            Q(name__icontains=typed) | Q(serial__icontains=typed) | Q(unit__icontains=typed) | Q(code=codes.read(typed) or "-")
        )  # fmt: skip
    return rows


_AVAILABLE = """
SELECT asset_id, COALESCE(sum(lasts) FILTER (WHERE state = 'service'), 0)::float8, sum(lasts)::float8 FROM (
    SELECT asset_id, state, GREATEST(0, extract(epoch FROM LEAST(gone, %(end)s) - GREATEST(at, %(start)s))) AS lasts FROM (
        SELECT asset_id, state, at, lead(at, 1, %(end)s) OVER (PARTITION BY asset_id ORDER BY at, id) AS gone
        FROM assets_state WHERE asset_id = ANY(%(ids)s)
    ) s WHERE at < %(end)s AND gone > %(start)s AND state <> 'retired'
) t GROUP BY 1 HAVING sum(lasts) > 0
"""


def availability(ids: Sequence[int], start: datetime, end: datetime) -> dict[int, float]:
    """{id: the share of the time in which it was in service, 0 to 1}, of the time since it is in the register and until it is retired.
    One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_AVAILABLE, {"ids": list(ids), "start": start, "end": end})
        return {pk: served / whole for pk, served, whole in cursor.fetchall()}


@dataclass(frozen=True)
class Cost:
    """Of a span: fuel and work in minor units; ml of fuel; metres, None where its odometer was read less than twice; minutes of labour."""

    fuel: int = 0
    work: int = 0
    ml: int = 0
    metres: int | None = None
    minutes: int = 0

    @property
    def whole(self) -> int:
        return self.fuel + self.work

    @property
    def a_km(self) -> int | None:
        return round(self.whole * 1000 / self.metres) if self.metres else None

    @property
    def litres_100(self) -> float | None:
        """Litres for 100 km."""
        return round(self.ml / self.metres * 100, 1) if self.metres and self.ml else None


_COST = """
SELECT a.id, COALESCE(f.price, 0)::bigint, COALESCE(o.cost, 0)::bigint, COALESCE(f.ml, 0)::bigint, r.metres, COALESCE(o.minutes, 0)::bigint
FROM unnest(%(ids)s::bigint[]) AS a(id)
LEFT JOIN LATERAL (SELECT sum(price) AS price, sum(volume) AS ml FROM assets_fill
    WHERE asset_id = a.id AND NOT struck AND at >= %(start)s AND at < %(end)s) f ON true
LEFT JOIN LATERAL (SELECT sum(parts + other) AS cost, sum(minutes) AS minutes FROM assets_order
    WHERE asset_id = a.id AND state = 'done' AND closed >= %(start)s AND closed < %(end)s) o ON true
LEFT JOIN LATERAL (SELECT NULLIF(sum(gone), 0)::bigint AS metres FROM (
    SELECT at, CASE WHEN source = 'changed' THEN 0 ELSE GREATEST(0, metres - lag(metres) OVER (ORDER BY at, id)) END AS gone
    FROM assets_reading WHERE asset_id = a.id AND metres IS NOT NULL) g WHERE at >= %(start)s AND at < %(end)s) r ON true
"""


def costs(ids: Sequence[int], start: datetime, end: datetime) -> dict[int, Cost]:
    """What each cost in that span. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_COST, {"ids": list(ids), "start": start, "end": end})
        return {row[0]: Cost(*row[1:]) for row in cursor.fetchall()}


_MONTHS = """
SELECT month, sum(ml)::bigint, sum(fuel)::bigint, sum(work)::bigint FROM (
    SELECT date_trunc('month', at)::date AS month, volume AS ml, price AS fuel, 0 AS work FROM assets_fill
    WHERE NOT struck AND at >= %(since)s AND asset_id = ANY(%(ids)s)
    UNION ALL
    SELECT date_trunc('month', closed)::date, 0, 0, parts + other FROM assets_order
    WHERE state = 'done' AND closed >= %(since)s AND asset_id = ANY(%(ids)s)
) x GROUP BY 1
"""


def by_month(ids: Sequence[int], since: date) -> dict[date, tuple[float, int, int]]:
    """{first day of a month: (litres, cost of fuel, cost of work)}. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, {"ids": list(ids), "since": since})
        return {month: (ml / 1000, fuel, work) for month, ml, fuel, work in cursor.fetchall()}


def ending(actor: Actor, within: timedelta = SOON) -> QuerySet[Paper]:
    """Papers that have ended or end soon, the first to end first."""
    rows = Paper.objects.filter(renewed=False, ends__lte=timezone.localdate() + within, asset__in=visible(actor))
    return rows.exclude(asset__state=Asset.State.RETIRED).select_related("asset").order_by("ends", "pk")


def orders(actor: Actor) -> QuerySet[WorkOrder]:
    return WorkOrder.objects.filter(asset__in=visible(actor)).select_related("asset")


def fills(actor: Actor) -> QuerySet[Fill]:
    return Fill.objects.filter(asset__in=visible(actor)).select_related("asset").order_by("-at", "-pk")


def numbers(actor: Actor) -> dict[str, int]:
    """For the first page of the back office, in two statements: how many do not serve; papers that end in a month."""
    off = visible(actor).filter(state__in=(Asset.State.BROKEN, Asset.State.UPKEEP)).count()
    return {"off": off, "due": ending(actor, timedelta(days=30)).count()}
