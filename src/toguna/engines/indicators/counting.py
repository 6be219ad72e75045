"""Counting, set by set; and reading what was counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.indicators.measures import Measure
from toguna.engines.indicators.models import Refreshed, Snapshot
from toguna.engines.territory import api as territory
from toguna.kernel import registry

MONTHS_AGAIN = 3  # what happened lately still changes (a report of last month is solved today)


def month_back(day: date, months: int) -> date:
    """The first day of the month that many months before."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def refresh(measure: Measure, *, everything: bool = False) -> None:
    """Counts one measure again: the last months, or everything the first time. One transaction."""
    first = everything or not Refreshed.objects.filter(measure=measure.name).exists()
    since = date(1970, 1, 1) if first else month_back(timezone.localdate(), MONTHS_AGAIN)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM indicators_snapshot WHERE measure = %s AND month >= %s", [measure.name, since])
        cursor.execute(
            f"""
            INSERT INTO indicators_snapshot (measure, zone_id, month, numerator, denominator)
            SELECT %(measure)s, zone_id, month, sum(numerator), sum(COALESCE(denominator, 0)) FROM ({measure.sql}) q
            GROUP BY zone_id, month
            """,
            {"measure": measure.name, "since": since},
        )
        Refreshed.objects.update_or_create(measure=measure.name, defaults={"at": timezone.now()})


def refresh_all(*, everything: bool = False) -> None:
    for measure in registry.declared(Measure):
        refresh(measure, everything=everything)


@dataclass(frozen=True)
class Series:
    """A measure over months (None: nothing to show in that month) and by zone over the whole period."""

    measure: Measure
    months: list[date]
    values: list[float | None]
    total: float | None
    before: float | None  # the same number of months, just before; None when they were not all counted
    by_zone: list[tuple[territory.ZoneItem, float | None]]
    at: datetime | None


def read(
    measures: Iterable[Measure], *, zone: int | None = None, months: int = 12, within: frozenset[int] | None = None
) -> list[Series]:
    """What was counted, for a zone and all inside it (None: the town). within: only these zones (an actor's). Two statements."""
    measures = list(measures)
    this = timezone.localdate().replace(day=1)
    since, before = month_back(this, months - 1), month_back(this, 2 * months - 1)
    rows = Snapshot.objects.filter(measure__in=[m.name for m in measures], month__gte=before, month__lte=this)
    if zone is not None:
        rows = rows.filter(zone__in=territory.zone_tree_ids(zone))
    if within is not None:
        rows = rows.filter(zone__in=within)
    found: dict[str, list[tuple[int | None, date, float, float]]] = defaultdict(list)
    for name, where, month, numerator, denominator in rows.values_list(
        "measure", "zone_id", "month", "numerator", "denominator"
    ):
        found[name].append((where, month, numerator, denominator))
    when = dict(Refreshed.objects.filter(measure__in=[m.name for m in measures]).values_list("measure", "at"))
    shown = [month_back(this, n) for n in range(months - 1, -1, -1)]
    districts = [z for z in territory.districts() if zone is None or z.id in territory.zone_tree_ids(zone)]
    result = []
    for measure in measures:
        mine = found[measure.name]

        def value(picked: Iterable[tuple[int | None, date, float, float]], measure: Measure = measure) -> float | None:
            picked = list(picked)
            if not picked and measure.kind != "count":
                return None
            return measure.value(sum(p[2] for p in picked), sum(p[3] for p in picked))

        by_zone = [
            (z, value(r for r in mine if r[1] >= since and r[0] in territory.zone_tree_ids(z.id))) for z in districts
        ]
        first = min((r[1] for r in mine), default=None)
        result.append(
            Series(
                measure,
                shown,
                [value(r for r in mine if r[1] == month) if first and month >= first else None for month in shown],
                value(r for r in mine if r[1] >= since),
                value(r for r in mine if r[1] < since) if first and first <= before else None,
                sorted(by_zone, key=lambda pair: -(pair[1] or 0)),
                when.get(measure.name),
            )
        )
    return result
