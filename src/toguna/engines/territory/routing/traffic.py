"""What is so on the roads just now, closures and live speeds, written where Valhalla reads it at once: eight bytes for each piece
of road in `traffic.tar`, changed in place.

The tables say what is so; the file is made to agree with them, as often as one likes, by whoever changed something and each minute
(what begins, ends or grows old by itself). Valhalla looks at it for whoever sets off now and has a motor.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from toguna.engines.territory.routing import graph, programs
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")

_WHOLE = 255 << 28  # the first stretch is the whole piece of road
CLOSED = _WHOLE  # at no speed
_SLOT = struct.Struct("<Q")
MINUTES = 10

# Which pieces of road a closure is on. A point closes the nearest road; a line what runs along it within 8 m, not what it crosses;
# an area what is inside by more than 3 m.
TOUCHED = """
SELECT c.id AS closure, e.edge, e.geom FROM territory_closure c, LATERAL (
    SELECT edge, geom FROM (
        SELECT edge, geom, round(ST_Distance(geom::geography, c.geom::geography)::numeric, 1) AS far FROM territory_road_edge
        WHERE network = %(network)s AND geom && ST_Expand(c.geom, 0.0006)
        ORDER BY far FETCH FIRST 1 ROWS WITH TIES) nearest
    WHERE ST_Dimension(c.geom) = 0 AND far < 40
    UNION ALL
    SELECT r.edge, r.geom FROM territory_road_edge r, LATERAL (
        SELECT CASE ST_Dimension(c.geom) WHEN 1 THEN ST_Buffer(c.geom::geography, 8)::geometry ELSE c.geom END AS shape) area
    WHERE ST_Dimension(c.geom) > 0 AND r.network = %(network)s AND r.geom && area.shape
      AND ST_Length(ST_Intersection(r.geom, area.shape)::geography)
          > CASE ST_Dimension(c.geom) WHEN 1 THEN LEAST(20, r.metres * 0.5) ELSE LEAST(3, r.metres * 0.5) END
) e
"""
_CLOSED = f"""
SELECT DISTINCT edge FROM ({TOUCHED} WHERE c.starts <= %(at)s AND (c.ends IS NULL OR c.ends > %(at)s) AND c.modes = '[]'
    AND c.height_m IS NULL AND c.weight_t IS NULL) x
"""


def speed_word(kmh: float) -> int:
    """The eight bytes of a piece of road that is driven at that speed: steps of 2 km/h, from 2 to 252."""
    step = max(1, min(126, round(kmh / 2)))
    return step | step << 7 | _WHOLE


def refresh(network: Path | None = None) -> int:
    """Makes the file agree with the tables. Returns how many pieces of road changed; 0 where no network is."""
    used = network or programs.current()
    if used is None:
        return 0
    try:
        with (used / "traffic.tar").open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # one after another; the last one has read the tables last
            return _write(file.fileno(), used)
    except FileNotFoundError:  # another network took its place meanwhile, made from the same tables
        return 0


def _write(file: int, network: Path) -> int:
    wanted: dict[int, int] = {}
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT edge, kmh FROM territory_live_speed WHERE network = %s AND until > %s", [network.name, now]
        )
        wanted.update((edge, speed_word(kmh)) for edge, kmh in cursor.fetchall())
        cursor.execute(_CLOSED, {"network": network.name, "at": now})
        wanted.update((edge, CLOSED) for (edge,) in cursor.fetchall())
    by_tile: dict[int, list[tuple[int, int]]] = {}
    for edge, word in wanted.items():
        tile, place = graph.place(edge)
        by_tile.setdefault(tile, []).append((place, word))
    changed = 0
    for tile, (offset, many) in graph.traffic_slots(network / "traffic.tar").items():
        there = np.frombuffer(os.pread(file, 8 * many, offset), dtype="<u8")
        fresh = np.zeros(many, dtype="<u8")
        for place, word in by_tile.get(tile, ()):
            fresh[place] = word
        for place in np.flatnonzero(there != fresh).tolist():
            os.pwrite(file, _SLOT.pack(int(fresh[place])), offset + 8 * place)
            changed += 1
    return changed


def set_speeds(speeds: Mapping[int, float], *, minutes: int = MINUTES, at: datetime | None = None) -> int:
    """What is driven now on these pieces of road, {Valhalla's number of the edge: km/h} (as `trace` gives them); it counts for so many
    minutes. The last word on a piece counts. Returns how many were kept: those of the network in use."""
    used = programs.current()
    if used is None or not speeds:
        return 0
    until = (at or timezone.now()) + timedelta(minutes=minutes)
    edges, kmh = list(speeds), [max(1, min(250, round(speed))) for speed in speeds.values()]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO territory_live_speed (network, edge, kmh, until)
            SELECT %s, s.edge, s.kmh, %s FROM unnest(%s::bigint[], %s::int[]) AS s (edge, kmh)
            WHERE EXISTS (SELECT FROM territory_road_edge e WHERE e.network = %s AND e.edge = s.edge)
            ORDER BY s.edge
            ON CONFLICT (network, edge) DO UPDATE SET kmh = excluded.kmh, until = excluded.until
            WHERE excluded.until >= territory_live_speed.until
            """,
            [used.name, until, edges, kmh, used.name],
        )
        kept = int(cursor.rowcount)
        transaction.on_commit(_refresh_now)
    return kept


def _refresh_now() -> None:
    refresh()


def keep_fresh() -> None:
    """Periodic: what began, ended or grew old since."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM territory_live_speed WHERE until < %s", [timezone.now()])
    refresh()
