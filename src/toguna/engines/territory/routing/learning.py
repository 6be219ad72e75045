"""Speeds by street and hour of the week, learned from tracks laid on the network, and given to Valhalla with the next network.

A street is known by its feature and direction, so that what was learned outlives a network. What was driven seldom counts little beside the
speed that Valhalla supposes. Hours are those of UTC: so are those that routes are asked for.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from toguna.engines.territory.models import LearnedTrace, RoadSpeed
from toguna.engines.territory.routing import graph, programs
from toguna.engines.territory.routing.modes import Mode, Vehicle
from toguna.engines.territory.routing.routes import Fix, trace
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")

HOURS, BUCKETS, COEFFICIENTS = 168, 2016, 200
DOUBT = 3  # passages that weigh as much as what is supposed of a street
FADES, AROUND, OTHER_DAY = (
    0.5,
    2,
    0.25,
)  # what a passage an hour earlier or later says, up to so many; and one of another day
TOWN_DOUBT = 100  # passages, on all streets, that weigh as much as what is supposed of the town's roads
DAY = range(7, 19)  # hours: what Valhalla means by day, and when roads are busy
SLOWEST, FASTEST = 2, 150  # km/h: below, it stood; above, the receiver erred

Learned = tuple[int, float, float, int]  # hour of the week, metres, seconds, passages


def learn(key: str, fixes: Sequence[Fix], mode: Mode | Vehicle = "car") -> int:
    """Learns from one track, known by `key` ("truck 12, 3 May"): the same again teaches nothing. Returns on how many pieces of road.
    Raises RoutingUnavailable, and NoRoute for a track that fits no road."""
    if LearnedTrace.objects.filter(pk=key).exists():
        return 0
    driven = [e for e in trace(fixes, mode).edges if e.kmh is not None and SLOWEST <= e.kmh <= FASTEST]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO territory_learned_trace (key) VALUES (%s) ON CONFLICT DO NOTHING", [key[:120]])
        used = programs.current()
        if not cursor.rowcount or used is None or not driven:
            return 0
        hours = [hour_of_week(e.entered) for e in driven]
        metres, seconds = [e.metres for e in driven], [e.seconds for e in driven]
        cursor.execute(
            _LEARN, {"edges": [e.edge for e in driven], "hours": hours, "metres": metres, "seconds": seconds, "network": used.name}
        )  # fmt: skip
    return len(driven)


def learned(keys: Iterable[str]) -> set[str]:
    """Those of these tracks that speeds were learned from. One statement."""
    return set(LearnedTrace.objects.filter(pk__in=list(keys)).values_list("pk", flat=True))


_LEARN = """
INSERT INTO territory_road_speed (feature, forward, hour, metres, seconds, passages)
SELECT e.feature, e.forward, d.hour, sum(d.metres), sum(d.seconds), 1
FROM unnest(%(edges)s::bigint[], %(hours)s::int[], %(metres)s::float[], %(seconds)s::float[]) AS d (edge, hour, metres, seconds)
JOIN territory_road_edge e ON e.network = %(network)s AND e.edge = d.edge
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (feature, forward, hour) DO UPDATE SET metres = territory_road_speed.metres + excluded.metres,
    seconds = territory_road_speed.seconds + excluded.seconds, passages = territory_road_speed.passages + 1
"""


def hour_of_week(at: datetime) -> int:
    """0 is Sunday from midnight to one, in UTC."""
    at = at.astimezone(UTC)
    return at.isoweekday() % 7 * 24 + at.hour


def write_profiles(tiles: Path, folder: Path) -> int:
    """Puts what was learned into these tiles, by Valhalla's own program. Returns for how many pieces of road there is something of
    their own; the others are, by day, as much slower than Valhalla supposes as those are."""
    known: dict[tuple[int, bool], list[Learned]] = {}
    for feature, forward, hour, metres, seconds, passages in RoadSpeed.objects.values_list(
        "feature", "forward", "hour", "metres", "seconds", "passages"
    ).iterator():
        known.setdefault((feature, forward), []).append((hour, metres, seconds, passages))
    if not known:
        return 0
    edges = [(e.edge, (e.way, e.forward), max(5, e.kmh)) for e in graph.edges(tiles)]
    slower = slowness(known, {street: base for _edge, street, base in edges})
    lines: dict[int, list[str]] = {}
    packed: dict[tuple[tuple[int, bool], int], str] = {}
    own = 0
    for edge, street, base in edges:
        tile, place = graph.place(edge)
        row = f"{tile & 7}/{tile >> 3}/{place},{base},{max(2, round(base / slower))}"
        if street in known:
            if (key := (street, base)) not in packed:
                packed[key] = packed_profile(profile(known[street], base, slower))
            row, own = f"{row},{packed[key]}", own + 1
        lines.setdefault(tile, []).append(row)
    where = folder / "speeds"
    for tile, rows in lines.items():
        path = where / f"{graph.tile_name(tile)}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*rows, ""]))
    command = [str(programs.program("valhalla_add_predicted_traffic")), "-c", str(folder / "build.json"), str(where)]
    subprocess.run(command, check=True, capture_output=True)
    return own


def slowness(known: Mapping[tuple[int, bool], Sequence[Learned]], bases: Mapping[tuple[int, bool], float]) -> float:
    """How many times longer this town's roads take by day than is supposed of them (bases: km/h); 1 where little was driven."""
    took, supposed, many = 0.0, 0.0, 0
    for street, learned in known.items():
        if (base := bases.get(street)) is None:
            continue
        for hour, metres, seconds, passages in learned:
            if hour % 24 in DAY:
                took, supposed, many = took + seconds, supposed + 3.6 * metres / base, many + passages
    return (many * took / supposed + TOWN_DOUBT) / (many + TOWN_DOUBT) if supposed else 1.0


def profile(learned: Sequence[Learned], base: float, slower: float = 1.0) -> list[float]:
    """km/h in each hour of the week: what was driven then, and in the hours around and on other days, which say less the farther they are;
    where that was seldom, drawn to what is supposed, by day so many times `slower`. It is times that are weighed: a day is made of them."""
    driven = np.zeros((HOURS, 2))
    for hour, metres, seconds, passages in learned:
        if metres > 0:
            driven[hour] = passages, passages * seconds / metres
    passages, paces = (_nearness() @ driven).T
    supposed = np.where(np.isin(np.arange(HOURS) % 24, DAY), slower, 1.0) * 3.6 / base
    speeds: list[float] = (3.6 * (passages + DOUBT) / (paces + DOUBT * supposed)).tolist()
    return speeds


def packed_profile(speeds: Sequence[float]) -> str:
    """The profile as Valhalla takes it: the first 200 terms of a cosine transform (DCT-II) of 2016 speeds of five minutes, as big-endian
    numbers of two bytes, in base64."""
    steps = np.repeat(np.asarray(speeds, dtype=float), BUCKETS // HOURS)
    terms = _cosines() @ steps * np.sqrt(2 / BUCKETS)
    terms[0] /= np.sqrt(2)
    return base64.b64encode(np.rint(terms).clip(-32768, 32767).astype(">i2").tobytes()).decode()


_kept: dict[str, Any] = {}


def _nearness() -> Any:
    """What each hour of the week says of each other: itself 1."""
    if "nearness" not in _kept:
        day, hour = np.divmod(np.arange(HOURS), 24)
        same, apart = day[:, None] == day, np.abs(hour[:, None] - hour)
        _kept["nearness"] = FADES**apart * (apart <= AROUND) * np.where(same, 1.0, OTHER_DAY)
    return _kept["nearness"]


def _cosines() -> Any:
    if "cosines" not in _kept:
        k, n = np.arange(COEFFICIENTS)[:, None], np.arange(BUCKETS)[None, :]
        _kept["cosines"] = np.cos(np.pi / BUCKETS * (n + 0.5) * k)
    return _kept["cosines"]
