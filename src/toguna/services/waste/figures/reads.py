"""Wild dumps that come back, and what they cost; tonnes by stream."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

APART = 0.0005  # degrees, some 55 metres: reports nearer than that to one another are of one site
DUMP = "waste-pile"  # the category of reports


@dataclass(frozen=True)
class Site:
    """Reports of waste around one point. minutes, cost: of the work on them, minor units; open: how many wait."""

    lon: float
    lat: float
    zone: str
    place: str
    reports: int
    open: int
    first: date
    last: date
    minutes: int
    cost: int


_SITES = """
WITH dumps AS (
    SELECT c.id, c.point, c.place, c.zone_id, c.open, c.created, ST_ClusterDBSCAN(c.point, %(apart)s, 1) OVER () AS site,
        (SELECT sum(w.minutes) FROM cases_work w WHERE w.case_id = c.id) AS minutes, (SELECT sum(w.cost) FROM cases_work w WHERE w.case_id = c.id) AS cost
    FROM cases_case c JOIN cases_topic t ON t.id = c.topic_id
    WHERE c.type = 'reports' AND t.slug = %(topic)s AND c.point IS NOT NULL AND c.created >= %(since)s
        AND (%(zones)s::bigint[] IS NULL OR c.zone_id = ANY(%(zones)s))
)
SELECT avg(ST_X(point)), avg(ST_Y(point)), COALESCE(max(z.name), ''), COALESCE((array_agg(place ORDER BY length(place) DESC))[1], ''), count(*),
    count(*) FILTER (WHERE d.open), min(created)::date, max(created)::date, COALESCE(sum(minutes), 0)::int, COALESCE(sum(cost), 0)::bigint
FROM dumps d LEFT JOIN territory_zone z ON z.id = d.zone_id
GROUP BY site HAVING count(*) >= %(least)s OR COALESCE(sum(cost), 0) > 0 ORDER BY count(*) DESC, sum(cost) DESC NULLS LAST LIMIT %(most)s
"""


def sites(today: date, *, zones: Collection[int] | None, least: int = 3, most: int = 50) -> list[Site]:
    """The sites of the last year that were reported three times, or that cost something, the most reported first. One statement."""
    values: dict[str, Any] = {
        "apart": APART, "topic": DUMP, "since": today - timedelta(days=365), "zones": None if zones is None else list(zones), "least": least,
        "most": most,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SITES, values)
        return [Site(*row) for row in cursor.fetchall()]


_STREAMS = """
SELECT x.material_id, date_trunc('month', x.at)::date AS month, sum(x.grammes) / 1000000.0
FROM (
    SELECT material_id, zone_id, at, grammes FROM waste_weighing WHERE why = '' AND at >= %(since)s
    UNION ALL
    SELECT material_id, zone_id, at, grammes FROM waste_point_entry WHERE grammes > 0 AND weighing_id IS NULL AND at >= %(since)s
) x WHERE %(zones)s::bigint[] IS NULL OR x.zone_id = ANY(%(zones)s) GROUP BY 1, 2
"""


def tonnes(since: date, *, zones: Collection[int] | None) -> dict[tuple[int | None, date], float]:
    """{(material, None for what is mixed, month): tonnes}, of scales and of sorting points, each kilogramme once. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STREAMS, {"since": since, "zones": None if zones is None else list(zones)})
        return {(material, month): float(value) for material, month, value in cursor.fetchall()}
