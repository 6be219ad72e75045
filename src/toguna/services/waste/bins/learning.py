"""How full bins are, kept and forecast. One history: sensors, drivers' taps, residents' words."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.territory import api as territory
from toguna.services.waste.bins import forecasting
from toguna.services.waste.bins.forecasting import Found, Sample
from toguna.services.waste.models import Fill, Forecast, ForecastTrial, WastePlace

KEPT = timedelta(days=120)  # what forecasts are learned from
TRIED = timedelta(days=30)  # the visits on which methods are compared
UNKNOWN = 1.5  # days: the error that is shown before anything was forecast
# A forecast f that goes on from what was found last, l.
_MOVED = """computed = l.at, level = l.level, "full" = l.at + interval '1 day' * GREATEST(-30, LEAST(365, (%s - l.level) / f.rate))"""


def found(
    place: int, level: int, *, source: str, at: datetime | None = None, emptied: bool = False, client_id: uuid.UUID | None = None,
) -> bool:  # fmt: skip
    """Keeps how full a bin was found; False when it was received before."""
    rows = [(place, at or timezone.now(), max(0, min(level, 300)), source, emptied, client_id or uuid.uuid4())]
    return keep(rows) == 1


def keep(rows: list[tuple[int, datetime, int, str, bool, uuid.UUID]]) -> int:
    """(place, at, level, source, emptied, client_id) of each, in one statement: what is forecast of a bin goes on from the last of them.
    How many were new."""
    if not rows:
        return 0
    columns = list(zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH kept AS (
                INSERT INTO waste_fill (place_id, at, level, source, emptied, client_id)
                SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::text[], %s::bool[], %s::uuid[])
                ON CONFLICT (client_id) DO NOTHING RETURNING place_id, at, CASE WHEN emptied THEN 0 ELSE level END AS level
            ), last AS (
                SELECT DISTINCT ON (place_id) * FROM kept k
                WHERE NOT EXISTS (SELECT FROM waste_fill f WHERE f.place_id = k.place_id AND f.at > k.at) ORDER BY place_id, at DESC
            ), moved AS (
                UPDATE waste_forecast f SET {_MOVED}
                FROM last l WHERE l.place_id = f.place_id AND f.rate > 0
            )
            SELECT count(*) FROM kept
            """,
            [*(list(c) for c in columns), forecasting.FULL],
        )
        return int(cursor.fetchone()[0])


def history(since: datetime) -> tuple[dict[int, list[Sample]], dict[int, str], dict[int, Found]]:
    """Rates of each bin, its quarter, and what was last known of it. One statement: the visits, and the last of what sensors said, for a
    sensor that speaks each quarter of an hour says eleven thousand things in that time."""
    bins: dict[int, list[Found]] = defaultdict(list)
    quarters: dict[int, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT f.place_id, extract(epoch FROM f.at) / 86400, f.level, f.emptied, COALESCE(p.zone_id::text, '')
            FROM waste_place p CROSS JOIN LATERAL (
                (SELECT place_id, at, level, emptied FROM waste_fill WHERE place_id = p.id AND emptied AND at >= %(since)s)
                UNION
                (SELECT place_id, at, level, emptied FROM waste_fill WHERE place_id = p.id AND at >= %(since)s ORDER BY at DESC LIMIT 1)
            ) f
            WHERE p.kind IN ('bin', 'point') ORDER BY f.place_id, f.at
            """,
            {"since": since},
        )
        for place, day, level, emptied, quarter in cursor:
            bins[place].append(Found(float(day), float(level), emptied))
            quarters[place] = quarter
    return {b: forecasting.samples(f) for b, f in bins.items()}, quarters, {b: f[-1] for b, f in bins.items()}


@transaction.atomic
def forecast(now: datetime | None = None) -> int:
    """Tries the methods on the last visits, and forecasts all bins anew by the one that missed by least. How many have a forecast."""
    now = now or timezone.now()
    today = now.timestamp() / 86400
    bins, quarters, last = history(now - KEPT)
    trials = forecasting.tried(bins, quarters, today - TRIED.days)
    for name, trial in trials.items():
        ForecastTrial.objects.update_or_create(
            day=timezone.localdate(now), method=name,
            defaults={"error": trial.error, "near": trial.near, "bias": trial.bias, "visits": trial.visits},
        )  # fmt: skip
    method = forecasting.best(trials)
    common = trials[method].error if method in trials else UNKNOWN
    rates = forecasting.quarter_rates(bins, quarters)
    made = []
    for place, known in bins.items():
        quarter = rates.get(quarters[place], rates.get(""))
        rate = forecasting.METHODS[method](known, quarter)
        if not rate:
            continue
        # Told by a sensor or a resident since the last emptying: it goes on from there.
        level = (0.0 if last[place].emptied else last[place].level) + rate * max(0.0, today - last[place].day)
        until = max(-30.0, min((forecasting.FULL - level) / rate, 365.0))
        made.append(
            Forecast(
                place_id=place, computed=now, level=round(level, 1), rate=round(rate, 2), full=now + timedelta(days=until),
                error=round(forecasting.error_of(known, quarter, common, method), 2), visits=len(known),
            )
        )  # fmt: skip
    Forecast.objects.bulk_create(
        made, batch_size=2000, update_conflicts=True, unique_fields=["place"],
        update_fields=["computed", "level", "rate", "full", "error", "visits"],
    )  # fmt: skip
    _go_on({one.place_id: last[one.place_id].day for one in made})
    return len(made)


def _go_on(known: dict[int, float]) -> None:
    """What was found while forecasts were computed is where they go on from. known: the day of what each was made from. What is being written
    meanwhile waits for these rows, and moves them after us."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE waste_forecast f SET {_MOVED}
            FROM unnest(%s::bigint[], %s::float[]) AS k (place, day) CROSS JOIN LATERAL (
                SELECT at, CASE WHEN emptied THEN 0 ELSE level END AS level FROM waste_fill WHERE place_id = k.place ORDER BY at DESC LIMIT 1
            ) l
            WHERE f.place_id = k.place AND f.rate > 0 AND extract(epoch FROM l.at) / 86400 > k.day + 1e-6
            """,
            [forecasting.FULL, list(known), list(known.values())],
        )


def forget(now: datetime | None = None) -> int:
    """What sensors said long ago between two emptyings teaches nothing; telemetry keeps it by its own policy. How many."""
    old = Fill.objects.filter(at__lt=(now or timezone.now()) - KEPT, source=Fill.Source.SENSOR, emptied=False)
    return old._raw_delete(old.db)


def nearest_bin(lon: float, lat: float, metres: float = 60) -> WastePlace | None:
    """The bin or collection point that somebody who stands there means."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM waste_place WHERE kind IN ('bin', 'point') AND state <> 'closed'
              AND ST_DWithin(point::geography, ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography, %s)
              AND point && ST_Expand(ST_SetSRID(ST_MakePoint(%s, %s), 4326), %s)
            ORDER BY point <-> ST_SetSRID(ST_MakePoint(%s, %s), 4326) LIMIT 1
            """,
            [lon, lat, metres, lon, lat, metres / 50_000, lon, lat],
        )
        row = cursor.fetchone()
    return WastePlace.objects.get(pk=row[0]) if row else None


def district_of(zone: int | None) -> str:
    found_zone = territory.zone(zone)
    return found_zone.name if found_zone else ""
