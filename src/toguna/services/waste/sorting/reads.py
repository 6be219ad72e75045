"""Who sorts how much, without naming anybody; and what a campaign changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import isfinite, sqrt

from django.db import connection

from toguna.services.waste.models import SortingCampaign

LEAST_HOUSEHOLDS = 5  # of a street, to be shown: fewer would be somebody
WEEKS_BEFORE, LEAST_WEEKS = 8, 2
# Student's t, 97.5 %: by degrees of freedom from 1; beyond, that of the normal law.
T975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
    2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


@dataclass(frozen=True)
class Street:
    """points: of the month, for each household of the street; households: how many are registered there."""

    name: str
    households: int
    points: float
    kilos: float


# From what was sorted to the streets: most of a large town's households sorted nothing this month.
_STREETS = """
WITH sorters AS (
    SELECT household_id AS id, sum(points) AS points, sum(grammes) AS grammes FROM waste_point_entry
    WHERE grammes > 0 AND at >= %(since)s AND at < %(until)s GROUP BY household_id
), sums AS (
    SELECT h.street_name, h.zone_id, sum(s.points) AS points, sum(s.grammes) AS grammes FROM sorters s JOIN waste_household h USING (id)
    WHERE h.street_name <> '' AND h.address <> '' GROUP BY h.street_name, h.zone_id HAVING sum(s.points) > 0
)
SELECT s.street_name || COALESCE(' (' || z.name || ')', ''), n, s.points::float / n, s.grammes / 1000.0
FROM sums s JOIN (
    SELECT street_name, zone_id, count(*) AS n FROM waste_household WHERE street_name IN (SELECT street_name FROM sums) AND address <> ''
    GROUP BY street_name, zone_id HAVING count(*) >= %(least)s
) h ON h.street_name = s.street_name AND h.zone_id IS NOT DISTINCT FROM s.zone_id
LEFT JOIN territory_zone z ON z.id = s.zone_id
ORDER BY 3 DESC, 1 LIMIT %(most)s
"""


def streets(since: date, until: date, most: int = 10) -> list[Street]:
    """The streets that sort most, from a day to before another: those of five households at least, by points a household."""
    with connection.cursor() as cursor:
        cursor.execute(_STREETS, {"least": LEAST_HOUSEHOLDS, "since": since, "until": until, "most": most})
        return [Street(name, n, float(points), float(kilos)) for name, n, points, kilos in cursor.fetchall()]


# What a household sorts in a week, by district: {zone: {week: kilogrammes a household}}.

_WEEKS = """
SELECT h.zone_id, floor(extract(epoch FROM e.at - %(begin)s::date::timestamptz) / 604800)::int AS week, sum(e.grammes) / 1000.0
FROM waste_point_entry e JOIN waste_household h ON h.id = e.household_id
WHERE e.grammes > 0 AND h.zone_id = ANY(%(zones)s) AND e.at >= %(begin)s AND e.at < %(end)s AND (%(material)s::bigint IS NULL OR e.material_id = %(material)s)
GROUP BY 1, 2
"""


def households(zones: Sequence[int]) -> dict[int, int]:
    """How many are registered in each of these districts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT zone_id, count(*) FROM waste_household WHERE zone_id = ANY(%s) AND address <> '' GROUP BY 1",
            [list(zones)],
        )
        return dict(cursor.fetchall())


def weekly(zones: Sequence[int], begin: date, weeks: int, material: int | None) -> dict[int, list[float]]:
    """{district: kilogrammes a household in each week from a day}; districts without a household are left out. Two statements."""
    homes = households(zones)
    found = {zone: [0.0] * weeks for zone in zones if homes.get(zone)}
    with connection.cursor() as cursor:
        cursor.execute(
            _WEEKS, {"begin": begin, "end": begin + timedelta(weeks=weeks), "zones": list(found), "material": material}
        )
        for zone, week, kilos in cursor.fetchall():
            if 0 <= week < weeks:
                found[zone][week] = float(kilos) / homes[zone]
    return found


@dataclass(frozen=True)
class Effect:
    """What a campaign changed, by difference in differences. by_week: (Monday or day of the week's beginning, mean where it was, mean
    where it was not); gain: kilogrammes a household a week; low, high: 95 % interval, None when too few districts; before, after:
    means of the districts with it; homes: households reached."""

    by_week: list[tuple[date, float, float | None]]
    weeks_before: int
    gain: float | None
    low: float | None
    high: float | None
    before: float
    after: float
    homes: int
    zones: int
    compared: int

    @property
    def sure(self) -> bool:
        """Whether the interval says that it changed something."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def difference(
    treated: Mapping[int, tuple[float, float]], others: Mapping[int, tuple[float, float]]
) -> tuple[float | None, float | None, float | None]:
    """(gain, low, high) of {district: (mean before, mean after)}: the mean change where it was, less that where it was not; Welch's
    interval over districts, which is wide when they are few, as it must be. None where nothing can be said.

    >>> difference({1: (1, 3), 2: (1, 3.2)}, {3: (1, 1.1), 4: (1, 0.9)})[0]
    2.1
    """
    with_it = [after - before for before, after in treated.values()]
    without = [after - before for before, after in others.values()]
    if not with_it or not without:
        return None, None, None
    gain = round(_mean(with_it) - _mean(without), 6)
    if len(with_it) < 2 or len(without) < 2:
        return gain, None, None
    a, b = _variance(with_it) / len(with_it), _variance(without) / len(without)
    if a + b == 0:
        return gain, gain, gain
    freedom = (a + b) ** 2 / (a**2 / (len(with_it) - 1) + b**2 / (len(without) - 1))
    wide = _t(freedom) * sqrt(a + b)
    return gain, gain - wide, gain + wide


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _t(freedom: float) -> float:
    """Rounded down: the interval is never too narrow."""
    n = int(freedom) if isfinite(freedom) else len(T975) + 1
    return T975[max(1, n) - 1] if n <= len(T975) else 1.96


def effect(campaign: SortingCampaign, today: date) -> Effect | None:
    """None until it has run for two weeks. Five statements."""
    last = min(today, campaign.until + timedelta(days=1))
    after = (last - campaign.since).days // 7
    if after < LEAST_WEEKS:
        return None
    begin = campaign.since - timedelta(weeks=WEEKS_BEFORE)
    zones = list(campaign.zones.values_list("pk", flat=True))
    compared = list(campaign.compared.values_list("pk", flat=True))
    rows = weekly([*zones, *compared], begin, WEEKS_BEFORE + after, campaign.material_id)

    def means(pks: Sequence[int]) -> dict[int, tuple[float, float]]:
        return {pk: (_mean(rows[pk][:WEEKS_BEFORE]), _mean(rows[pk][WEEKS_BEFORE:])) for pk in pks if pk in rows}

    treated, others = means(zones), means(compared)
    if not treated:
        return None
    gain, low, high = difference(treated, others)
    by_week = [
        (
            begin + timedelta(weeks=n),
            _mean([rows[pk][n] for pk in treated]),
            _mean([rows[pk][n] for pk in others]) if others else None,
        )
        for n in range(WEEKS_BEFORE + after)
    ]
    return Effect(
        by_week, WEEKS_BEFORE, gain, low, high, _mean([before for before, _after in treated.values()]),
        _mean([after for _before, after in treated.values()]), sum(households(zones).values()), len(treated), len(others),
    )  # fmt: skip


# How many households sorted: in each week, and before and since, where a campaign is and where it is not.
_SORTERS = """
SELECT GROUPING(week) = 0 AS weekly, count(DISTINCT household) FROM (
    SELECT h.id AS household, h.zone_id = ANY(%(zones)s) AS ours, e.at >= %(since)s::date::timestamptz AS since,
        floor(extract(epoch FROM e.at - %(begin)s::date::timestamptz) / 604800)::int AS week
    FROM waste_point_entry e JOIN waste_household h ON h.id = e.household_id
    WHERE e.grammes > 0 AND h.zone_id = ANY(%(both)s) AND e.at >= %(begin)s AND e.at < %(end)s AND (%(material)s::bigint IS NULL OR e.material_id = %(material)s)
) sorted GROUP BY GROUPING SETS ((ours, since), (ours, since, week))
"""


def reached(campaign: SortingCampaign, today: date) -> Effect | None:
    """What everybody may read of its effect: only one that is sure, of districts of five households at least, and of as many that
    sorted on either side, before and since; by_week is empty where a week has fewer. Seven statements."""
    found = effect(campaign, today)
    if found is None or not found.sure:
        return None
    begin, zones = found.by_week[0][0], [zone.pk for zone in campaign.zones.all()]
    both = [*zones, *(zone.pk for zone in campaign.compared.all())]
    if min(households(both).values()) < LEAST_HOUSEHOLDS:
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            _SORTERS, {
                "zones": zones, "both": both, "material": campaign.material_id, "since": campaign.since, "begin": begin,
                "end": begin + timedelta(weeks=len(found.by_week)),
            },
        )  # fmt: skip
        few = {weekly for weekly, many in cursor.fetchall() if many < LEAST_HOUSEHOLDS}
    if False in few:
        return None
    return replace(found, by_week=[]) if few else found


def comparable(zones: Sequence[int], among: Sequence[int], today: date, material: int | None, most: int) -> list[int]:
    """The districts that sorted most alike in the weeks before, to be left out and compared. Two statements."""
    begin = today - timedelta(weeks=WEEKS_BEFORE)
    rows = weekly([*zones, *among], begin, WEEKS_BEFORE, material)
    ours = [_mean(rows[pk]) for pk in zones if pk in rows]
    if not ours:
        return []
    middle = _mean(ours)
    others = sorted((abs(_mean(rows[pk]) - middle), pk) for pk in among if pk in rows and pk not in zones)
    return [pk for _apart, pk in others[:most]]


def progress(campaign: SortingCampaign, today: date) -> tuple[float, float, int]:
    """(kilogrammes a household a week so far, the target, how many households sorted for it)."""
    weeks = max(1.0, (min(today, campaign.until) - campaign.since).days / 7)
    zones = list(campaign.zones.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COALESCE(sum(grammes), 0) / 1000.0, count(DISTINCT household_id) FROM waste_point_entry WHERE campaign_id = %s AND grammes > 0",
            [campaign.pk],
        )
        kilos, sorters = cursor.fetchone()
    homes = sum(households(zones).values())
    return (float(kilos) / homes / weeks if homes else 0.0), float(campaign.target), sorters
