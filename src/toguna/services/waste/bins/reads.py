"""What pages show of how full bins are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.services.waste.bins import forecasting
from toguna.services.waste.models import Fill, Forecast, ForecastTrial

SHADES = ((100, "full"), (75, "nearly"), (40, "half"), (-1, "low"))  # percent from which a bin is shown so
BINS = "p.kind IN ('bin', 'point') AND p.state <> 'closed'"
# Of a place p: n.level, percent now: what was found last, and what was added since by its rate; n.fills: when it is full.
LEVEL = """
CROSS JOIN LATERAL (
    SELECT LEAST(999, round(last.base + COALESCE(f.rate, 0) * GREATEST(0, extract(epoch FROM now() - last.at)) / 86400))::int AS level,
        CASE WHEN last.base >= 100 THEN last.at WHEN f.rate > 0 THEN last.at + interval '1 day' * LEAST(365, (100 - last.base) / f.rate) END AS fills
    FROM (SELECT at, CASE WHEN emptied THEN 0 ELSE level END AS base FROM waste_fill WHERE place_id = p.id ORDER BY at DESC LIMIT 1) last
    LEFT JOIN waste_forecast f ON f.place_id = p.id
) n
"""


def shade(level: str) -> str:
    """SQL for the word of SHADES by which a level is coloured."""
    cases = " ".join(f"WHEN {level} >= {least} THEN '{name}'" for least, name in SHADES)
    return f"CASE {cases} END"


METHODS = ("ours", "last", "line")
ERRORS = timedelta(days=60)  # that are drawn


def methods() -> tuple[Any, list[dict[str, Any]]]:
    """(the day of the last trial, each method's figures on the visits of the 30 days before it, and which one forecasts are made by)."""
    last = ForecastTrial.objects.order_by("-day").values_list("day", flat=True).first()
    found = {t.method: t for t in ForecastTrial.objects.filter(day=last)} if last else {}
    names = {
        "ours": _("Ours: recent visits, outliers held, the quarter's habit"),
        "last": _("The last visit alone"),
        "line": _("A line through all visits"),
    }
    used = forecasting.best(found)
    rows = [
        {
            "name": names[m],
            "used": m == used,
            "error": t.error,
            "near": round(100 * t.near),
            "bias": t.bias,
            "visits": t.visits,
        }
        for m in METHODS
        if (t := found.get(m))
    ]
    return last, rows


def errors() -> list[float]:
    """The error of the forecasts that were made, each day that they were tried, oldest first."""
    days: dict[date, dict[str, ForecastTrial]] = {}
    for trial in ForecastTrial.objects.filter(day__gt=timezone.localdate() - ERRORS).order_by("day"):
        days.setdefault(trial.day, {})[trial.method] = trial
    return [trials[used].error for trials in days.values() if (used := forecasting.best(trials)) in trials]


def soonest(zones: frozenset[int] | None, after: int = 0, many: int = 50) -> Sequence[Forecast]:
    """The bins that are full first."""
    found = Forecast.objects.select_related("place").filter(place__state="open").order_by("full", "pk")
    if zones is not None:
        found = found.filter(place__zone__in=zones)
    return list(found[after : after + many])


@dataclass(frozen=True)
class Early:
    """A bin that will be full before a truck comes. comes: None where no round is known; level: percent, now."""

    code: str
    name: str
    level: int
    full: datetime
    comes: datetime | None


_EARLY = f"""
WITH planned AS (
    SELECT v.place_id AS place, min(v.arrives) AS at
    FROM waste_visit v JOIN waste_round r ON r.id = v.round_id JOIN waste_day_plan d ON d.id = r.plan_id
    WHERE d.state = 'published' AND d.day >= %(today)s AND v.kind = 'stop' AND v.state = 'planned' AND r.state IN ('planned', 'started')
    GROUP BY 1
), usual AS (
    SELECT place, min((d.day + t.begins) AT TIME ZONE %(zone)s) AS at
    FROM waste_present_round u JOIN waste_truck t ON t.id = u.truck_id AND t.active CROSS JOIN unnest(u.places) AS place
    CROSS JOIN (SELECT %(today)s::date + n AS day FROM generate_series(0, 7) n) d
    WHERE extract(isodow FROM d.day) = ANY(u.days) AND (d.day + t.begins) AT TIME ZONE %(zone)s > %(now)s
        AND NOT EXISTS (SELECT FROM waste_day_plan p WHERE p.state = 'published' AND p.day = d.day)
    GROUP BY 1
)
SELECT p.code, p.name, n.level, n.fills, LEAST(planned.at, usual.at) AS comes
FROM waste_place p {LEVEL} LEFT JOIN planned ON planned.place = p.id LEFT JOIN usual ON usual.place = p.id
WHERE {BINS} AND p.state = 'open' AND n.fills < COALESCE(LEAST(planned.at, usual.at), %(now)s + %(soon)s)
    AND (%(zones)s::bigint[] IS NULL OR p.zone_id = ANY(%(zones)s))
ORDER BY n.fills, p.id LIMIT %(many)s
"""
SOON = timedelta(days=1)  # where no round is known


def early(zones: frozenset[int] | None, many: int = 100) -> list[Early]:
    """The bins that will be full, or are, before the next round that goes there: of a published plan, or of the present rounds on days
    that have none. Those that are full first. One statement."""
    values: dict[str, Any] = {
        "today": timezone.localdate(), "now": timezone.now(), "zone": timezone.get_current_timezone_name(), "soon": SOON,
        "zones": None if zones is None else list(zones), "many": many,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_EARLY, values)
        return [Early(*row) for row in cursor.fetchall()]


def levels(places: Sequence[int]) -> dict[int, int]:
    """{place: percent, now}. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT p.id, n.level FROM waste_place p {LEVEL} WHERE p.id = ANY(%s)", [list(places)])
        return dict(cursor.fetchall())


def shade_of(level: int) -> str:
    return next(name for least, name in SHADES if level >= least)


def of(place: int, many: int = 12) -> list[Fill]:
    return list(Fill.objects.filter(place=place).order_by("-at")[:many])
