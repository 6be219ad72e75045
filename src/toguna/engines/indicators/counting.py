"""Counting, set by set; and reading what was counted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from toguna.engines.indicators.measures import Measure
from toguna.engines.indicators.models import Refreshed, Snapshot
from toguna.engines.territory import api as territory
from toguna.kernel import registry

MONTHS_AGAIN = 3  # counted again each time: what happened lately still changes. The older ones, once a night
TREND = 3  # the trend compares as many full months with as many before them
Scope = frozenset[int] | None  # ids of zones; None is everywhere


def month_back(day: date, months: int) -> date:
    """The first day of the month that many months before."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def refresh(measure: Measure, *, everything: bool = False) -> None:
    """Counts one measure again: the last months, or everything the first time. One transaction, one at a time."""
    with transaction.atomic(), connection.cursor() as cursor:
        # The row is locked until the end: two that refresh the same measure wait for one another.
        _done, first = Refreshed.objects.update_or_create(measure=measure.name, defaults={"at": timezone.now()})
        since = date(1970, 1, 1) if first or everything else month_back(timezone.localdate(), MONTHS_AGAIN)
        # Months begin at midnight in the town, not in London. On Django's connection only until the end of this.
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [timezone.get_default_timezone_name()])
        cursor.execute("DELETE FROM indicators_snapshot WHERE measure = %s AND month >= %s", [measure.name, since])
        cursor.execute(
            f"""
            INSERT INTO indicators_snapshot (measure, zone_id, month, numerator, denominator)
            SELECT %(measure)s, zone_id, month, sum(numerator), sum(COALESCE(denominator, 0)) FROM ({measure.sql}) q
            GROUP BY zone_id, month
            """,
            {"measure": measure.name, "since": since},
        )


def refresh_all(*, everything: bool = False) -> None:
    for measure in registry.declared(Measure):
        refresh(measure, everything=everything)


def refresh_older() -> None:
    refresh_all(everything=True)


@dataclass
class Tally:
    """What adds up."""

    numerator: float = 0
    denominator: float = 0
    rows: int = 0

    def add(self, numerator: float, denominator: float) -> None:
        self.numerator += numerator
        self.denominator += denominator
        self.rows += 1


@dataclass
class Series:
    """A measure over months and by district, within what the reader may see. A value of None: nothing to show."""

    measure: Measure
    months: list[date]
    first: date | None  # the first month that was counted anywhere in the town
    at: datetime | None  # when it was last counted
    by_month: dict[date, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_district: dict[tuple[int, date], Tally] = field(default_factory=lambda: defaultdict(Tally))
    districts: list[territory.ZoneItem] = field(default_factory=list)

    def over(self, tallies: Iterable[Tally]) -> float | None:
        """The value of several together. Nothing counted is a count of 0, but not a share of 0."""
        if self.first is None:
            return None
        kept = list(tallies)
        return self.measure.value(sum(t.numerator for t in kept), sum(t.denominator for t in kept))

    def over_months(self, months: Iterable[date]) -> float | None:
        return self.over(self.by_month[m] for m in months)

    @property
    def values(self) -> list[float | None]:
        return [self.over([self.by_month[m]]) if self.first and m >= self.first else None for m in self.months]

    @property
    def settled(self) -> list[bool]:
        last = month_back(self.months[-1], self.measure.settles + 1)
        return [m <= last for m in self.months]

    @property
    def total(self) -> float | None:
        return self.over_months(self.months)

    @property
    def trend(self) -> float | None:
        """How the last settled months differ from those before: in points of percent for a ratio, else in percent.
        None when they were not all counted, or there was nothing to compare with."""
        start = self.measure.settles + 1
        months = [month_back(self.months[-1], start + n) for n in range(2 * TREND)]
        if self.first is None or months[-1] < self.first:
            return None
        late, before = self.over_months(months[:TREND]), self.over_months(months[TREND:])
        if late is None or before is None:
            return None
        if self.measure.kind == "ratio":
            return late - before
        return (late - before) / before * 100 if before else None

    def by_zone(self) -> list[tuple[territory.ZoneItem, float | None]]:
        """The districts over the whole period, the highest first; those with nothing to show last."""
        found = [(z, self.over(self.by_district[z.id, m] for m in self.months)) for z in self.districts]
        return sorted(found, key=lambda pair: (pair[1] is None, -(pair[1] or 0), pair[0].name))


def read(
    measures: Iterable[Measure],
    *,
    zone: int | None = None,
    months: int = 12,
    scope: Callable[[Measure], Scope] = lambda measure: None,
) -> list[Series]:
    """What was counted, for a zone and all inside it (None: the town), up to this month. scope: where the reader may
    see a measure. Three statements, whatever the number of measures, zones and months."""
    wanted = {m.name: m for m in measures}
    this = timezone.localdate().replace(day=1)
    settles = max((m.settles for m in wanted.values()), default=0)
    since = month_back(this, max(months - 1, 2 * TREND + settles))
    firsts = dict(
        Snapshot.objects.filter(measure__in=wanted).values_list("measure").annotate(Min("month")).order_by("measure")
    )
    when = dict(Refreshed.objects.filter(measure__in=wanted).values_list("measure", "at"))
    shown = [month_back(this, n) for n in range(months - 1, -1, -1)]
    inside = None if zone is None else territory.zone_tree_ids(zone)
    found = {name: Series(m, shown, firsts.get(name), when.get(name)) for name, m in wanted.items()}
    scopes = {name: _meet(inside, scope(m)) for name, m in wanted.items()}
    districts = territory.districts()
    for name, series in found.items():
        series.districts = [z for z in districts if scopes[name] is None or z.id in (scopes[name] or ())]
    chains = {z.id: territory.chain(z.id) for z in territory.zones()}
    listed = {z.id for z in districts}
    rows = Snapshot.objects.filter(measure__in=wanted, month__gte=since, month__lte=this)
    if inside is not None:
        rows = rows.filter(zone__in=inside)
    for name, where, month, numerator, denominator in rows.values_list(
        "measure", "zone_id", "month", "numerator", "denominator"
    ):
        allowed = scopes[name]
        if allowed is not None and where not in allowed:
            continue
        found[name].by_month[month].add(numerator, denominator)
        for above in chains.get(where, ()):
            if above in listed:
                found[name].by_district[above, month].add(numerator, denominator)
    return list(found.values())


def _meet(one: Scope, other: Scope) -> Scope:
    if one is None or other is None:
        return other if one is None else one
    return one & other
