"""What stands in the way of whoever is under way: closures on a line, and roads much slower than they usually are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.gis.geos import LineString
from django.db import connection
from django.utils import timezone

from toguna.engines.territory.routing import programs
from toguna.engines.territory.routing.learning import hour_of_week
from toguna.engines.territory.routing.modes import MOTOR, Mode, Vehicle, vehicle

SLOW = 0.5  # of the usual speed
LENGTH = 150  # metres of slow road: less is a crossing


@dataclass(frozen=True)
class Trouble:
    """closed: or only slow; words: of a closure; since: of a closure; kmh, usual: of slow roads, in the mean."""

    closed: bool
    lon: float
    lat: float
    words: str = ""
    reason: str = ""
    since: datetime | None = None
    metres: int = 0
    kmh: int = 0
    usual: int = 0


_LINES = """unnest(%(ids)s::bigint[], %(lines)s::text[], %(modes)s::text[], %(heights)s::float[], %(weights)s::float[])
    AS t(id, said, mode, height, weight), LATERAL (SELECT ST_GeomFromText(said, 4326) AS line) l"""
_CLOSED = f"""
SELECT t.id, ST_X(m), ST_Y(m), c.words, c.reason, c.starts FROM {_LINES}, territory_closure c,
    LATERAL (SELECT ST_PointOnSurface(c.geom) AS m) x
WHERE c.starts <= %(now)s AND (c.ends IS NULL OR c.ends > %(now)s) AND (c.modes ? t.mode OR c.modes = '[]' AND t.mode = ANY(%(motor)s))
  AND (c.height_m IS NULL AND c.weight_t IS NULL OR t.height > c.height_m OR t.weight > c.weight_t)
  AND ST_DWithin(c.geom, l.line, 0.0003) ORDER BY c.starts, c.id
"""
# A piece of road is on the way when its middle is; what was learned in this hour says what is usual, or else what its kind of road says.
_SLOW = f"""
SELECT id, avg(ST_X(m)), avg(ST_Y(m)), sum(metres), sum(metres) / sum(metres / kmh), sum(metres) / sum(metres / usual) FROM (
    SELECT t.id, e.metres, s.kmh, COALESCE(h.kmh, e.kmh) AS usual, ST_LineInterpolatePoint(e.geom, 0.5) AS m
    FROM {_LINES}
    JOIN territory_road_edge e ON e.network = %(network)s AND e.geom && l.line
    JOIN territory_live_speed s ON s.network = e.network AND s.edge = e.edge AND s.until > %(now)s AND s.kmh > 0
    LEFT JOIN LATERAL (SELECT 3.6 * sum(r.metres) / NULLIF(sum(r.seconds), 0) AS kmh FROM territory_road_speed r
        WHERE r.feature = e.feature AND r.forward = e.forward AND r.hour = %(hour)s AND r.passages >= 3) h ON true
    WHERE ST_DWithin(ST_LineInterpolatePoint(e.geom, 0.5), l.line, 0.0002)
) x WHERE kmh < usual * %(slow)s GROUP BY id HAVING sum(metres) >= %(length)s
"""


def on_lines(lines: Mapping[int, tuple[Sequence[tuple[float, float]], Mode | Vehicle]]) -> dict[int, list[Trouble]]:
    """lines: by the caller's number, the way (lon, lat) and who goes it. Two statements, whatever their number."""
    told = {key: (line, vehicle(mode)) for key, (line, mode) in lines.items() if len(line) > 1}
    found: dict[int, list[Trouble]] = {key: [] for key in lines}
    if not told:
        return found
    used, now = programs.current(), timezone.now()
    values: dict[str, Any] = {
        "ids": list(told), "lines": [LineString(list(line), srid=4326).wkt for line, _who in told.values()],
        "modes": [who.mode for _line, who in told.values()], "heights": [who.size()[0] for _line, who in told.values()],
        "weights": [who.size()[1] for _line, who in told.values()], "motor": sorted(MOTOR), "now": now, "network": used.name if used else "", "hour": hour_of_week(now),
        "slow": SLOW, "length": LENGTH,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CLOSED, values)
        for key, lon, lat, words, reason, since in cursor.fetchall():
            found[key].append(Trouble(True, lon, lat, words, reason, since))
        cursor.execute(_SLOW, values)
        for key, lon, lat, metres, kmh, usual in cursor.fetchall():
            found[key].append(Trouble(False, lon, lat, metres=round(metres), kmh=round(kmh), usual=round(usual)))
    return found
