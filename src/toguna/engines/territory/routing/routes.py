"""What is asked of the network: a way, times between many places, what is reached in so many minutes, which roads a track ran on.

Points are (lon, lat) in degrees, WGS 84. Each may raise RoutingUnavailable (say so, and go on without) or NoRoute.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone, translation

from toguna.engines.territory.models import Closure
from toguna.engines.territory.routing import programs, traffic
from toguna.engines.territory.routing.client import NoRoute, ask
from toguna.engines.territory.routing.modes import MOTOR, Mode, Vehicle, vehicle
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")

Point = tuple[float, float]
Ring = Sequence[Point]  # around an area, closed or not
LANGUAGES = {"fr": "fr-FR", "pt": "pt-PT", "en": "en-US"}
NOW = timedelta(minutes=10)  # who sets off within that sets off now
MOST_AVOIDED = 200  # closures for some only, or of another time, that one question takes
PAIRS_AT_ONCE = 100_000
# Where the nearest road meets no other (a track to a dump), the nearest that does is as good: else matrices find no way from there, though
# routes do.
LEAVES = {"rank_candidates": False}


class Step(NamedTuple):
    """words: what to do, in the language asked for; begin: the place in the leg's line where it is done; kind: Valhalla's number of the
    manoeuvre."""

    words: str
    metres: int
    seconds: int
    begin: int
    kind: int


@dataclass
class Leg:
    """From one point to the next."""

    seconds: float
    metres: int
    shape: str  # the line as Valhalla sends it
    steps: list[Step]

    @cached_property
    def line(self) -> list[Point]:
        """Read when first asked for: who wants to know how long a way takes draws none."""
        return decode(self.shape)


@dataclass(frozen=True)
class Route:
    seconds: float
    metres: int
    legs: list[Leg]

    @property
    def line(self) -> list[Point]:
        return [point for leg in self.legs for point in leg.line]


@dataclass(frozen=True)
class Matrix:
    """seconds[i, j] and metres[i, j] from source i to target j, as floats; nan where there is no way."""

    seconds: Any
    metres: Any


@dataclass(frozen=True)
class Fix:
    """Where something was, when."""

    lon: float
    lat: float
    at: datetime


@dataclass(frozen=True)
class Driven:
    """A piece of road that a track ran on. metres, seconds: of what was driven of it; kmh: None where the track says nothing of it."""

    edge: int
    feature: int
    metres: float
    seconds: float
    kmh: float | None
    entered: datetime


@dataclass(frozen=True)
class Trace:
    """A track laid on the roads."""

    metres: float
    line: list[Point]
    edges: list[Driven]


@dataclass(frozen=True)
class OnRoad:
    """The place on a road that is nearest to a point. metres: between them; feature: the street."""

    lon: float
    lat: float
    metres: float
    feature: int
    edge: int


def route(
    points: Sequence[Point],
    mode: Mode | Vehicle = "car",
    at: datetime | None = None,
    avoid: Sequence[Ring] = (),
    *,
    steps: bool = True,
    language: str | None = None,
) -> Route:
    """The quickest way through these points in their order (two at least). at: when one sets off; None is now, with what is closed and slow
    just now. avoid: areas to keep out of."""
    if len(points) < 2:
        raise ValueError("a way has a beginning and an end")
    question = _question(mode, at, avoid, points)
    question |= {"locations": [_place(p) for p in points], "units": "kilometers"}
    question |= (
        {"language": LANGUAGES.get((language or translation.get_language() or "en")[:2], "en-US")}
        if steps
        else {"directions_type": "none"}
    )
    trip = ask("route", question)["trip"]
    legs = [
        Leg(
            leg["summary"]["time"],
            round(leg["summary"]["length"] * 1000),
            leg["shape"],
            [
                Step(m["instruction"], round(m["length"] * 1000), round(m["time"]), m["begin_shape_index"], m["type"])
                for m in leg.get("maneuvers", ())
            ],
        )
        for leg in trip["legs"]
    ]
    return Route(trip["summary"]["time"], round(trip["summary"]["length"] * 1000), legs)


def matrix(
    sources: Sequence[Point], targets: Sequence[Point], mode: Mode | Vehicle = "car", at: datetime | None = None
) -> Matrix:
    """Times and lengths from each source to each target, however many. Several questions at once, so that each processor has its part."""
    shape = (len(sources), len(targets))
    if 0 in shape:
        return Matrix(np.zeros(shape), np.zeros(shape))
    question = _question(mode, at, (), [*sources, *targets])
    question |= {"verbose": False, "units": "kilometers", "targets": [_place(p) for p in targets]}
    # Each source is a search of its own: parts of the sources cost together what all of them do.
    parts = max(1, min(len(sources), _WORKERS if shape[0] * shape[1] > 400 else 1))
    size = min(-(-len(sources) // parts), max(1, PAIRS_AT_ONCE // len(targets)))
    chunks = [sources[i : i + size] for i in range(0, len(sources), size)]

    def part(chunk: Sequence[Point]) -> dict[str, Any]:
        found: dict[str, Any] = ask("sources_to_targets", question | {"sources": [_place(p) | LEAVES for p in chunk]})
        return found["sources_to_targets"]  # type: ignore[no-any-return]

    answers = [part(chunks[0])] if len(chunks) == 1 else list(_workers().map(part, chunks))
    seconds = np.array([row for answer in answers for row in answer["durations"]], dtype=float)
    metres = np.array([row for answer in answers for row in answer["distances"]], dtype=float) * 1000
    return Matrix(seconds, metres)


_WORKERS = 2
_pools: list[ThreadPoolExecutor] = []


def _workers() -> ThreadPoolExecutor:
    """Made when first needed: a process that was forked has its own."""
    if not _pools:
        _pools.append(ThreadPoolExecutor(_WORKERS, thread_name_prefix="routing"))
    return _pools[0]


def isochrone(
    point: Point, minutes: int | Sequence[int], mode: Mode | Vehicle = "foot", at: datetime | None = None
) -> dict[str, Any]:
    """What is reached within so many minutes (up to four numbers, 120 at most): GeoJSON, a polygon for each, the widest first, with
    `minutes` among its properties."""
    wanted = sorted({minutes} if isinstance(minutes, int) else set(minutes), reverse=True)
    question = _question(mode, at, (), [point])
    question |= {"locations": [_place(point)], "contours": [{"time": m} for m in sorted(wanted)], "polygons": True}
    found = ask("isochrone", question | {"generalize": 10})
    features = [
        {"type": "Feature", "properties": {"minutes": round(f["properties"]["contour"])}, "geometry": f["geometry"]}
        for f in found["features"]
    ]
    return {"type": "FeatureCollection", "features": sorted(features, key=lambda f: -f["properties"]["minutes"])}


def trace(fixes: Sequence[Fix], mode: Mode | Vehicle = "car") -> Trace:
    """Lays a track (in order of time) on the roads, with the speed on each piece. Raises NoRoute when it fits none."""
    if len(fixes) < 2:
        return Trace(0, [], [])
    costing, options = vehicle(mode).costing()
    question = {
        "shape": [{"lon": f.lon, "lat": f.lat, "time": f.at.timestamp()} for f in fixes],
        "costing": costing,
        "costing_options": {costing: options | {"ignore_closures": True}},  # it was driven: it was open
        "shape_match": "map_snap",
        "units": "kilometers",
        "filters": {"attributes": _TRACED, "action": "include"},
    }
    found = ask("trace_attributes", question)
    edges = found["edges"]
    ends = np.cumsum([e["length"] * 1000 for e in edges])
    starts = np.concatenate([[0.0], ends[:-1]])
    # The first and the last edge have only the length that was driven; where a fix is on them is told by their whole length.
    parts = [(e.get("source_percent_along", 0.0), e.get("target_percent_along", 1.0)) for e in edges]
    whole = [e["length"] * 1000 / max(b - a, 0.001) for e, (a, b) in zip(edges, parts, strict=True)]
    # How far along the way each fix is, and when: between two, the speed is even.
    seen = [
        (min(float(ends[i]), starts[i] + max(0.0, m["distance_along_edge"] - parts[i][0]) * whole[i]), f.at.timestamp())
        for m, f in zip(found["matched_points"], fixes, strict=True)
        if m.get("type") != "unmatched" and (i := m.get("edge_index", len(edges))) < len(edges)
    ]
    if len(seen) < 2:
        raise NoRoute("the track fits no road")
    along, times = np.maximum.accumulate(np.array([s for s, _t in seen])), np.array([t for _s, t in seen])
    driven = []
    for e, start, end, length in zip(edges, starts.tolist(), ends.tolist(), whole, strict=True):
        begin, finish = max(start, float(along[0])), min(end, float(along[-1]))
        first, last = _when(begin, along, times, late=True), _when(finish, along, times, late=False)
        known = finish > begin and last > first and finish - begin >= 0.5 * length
        kmh = 3.6 * (finish - begin) / (last - first) if known else None
        entered = datetime.fromtimestamp(first, UTC)
        driven.append(Driven(e["id"], e["way_id"], max(0.0, finish - begin), max(0.0, last - first), kmh, entered))
    return Trace(float(ends[-1]), decode(found["shape"]), driven)


def _when(metres: float, along: Any, times: Any, *, late: bool) -> float:
    """When that far along the way. Where it stood still: when it left (`late`), or when it came."""
    side = "right" if late else "left"
    i = int(np.clip(np.searchsorted(along, metres, side=side), 1, len(along) - 1))
    span = float(along[i] - along[i - 1])
    share = (metres - float(along[i - 1])) / span if span > 0 else float(late)
    return float(times[i - 1] + share * (times[i] - times[i - 1]))


_TRACED = [
    "edge.id", "edge.way_id", "edge.length", "edge.source_percent_along", "edge.target_percent_along",
    "matched.edge_index", "matched.distance_along_edge", "matched.type", "shape",
]  # fmt: skip


def nearest(point: Point, mode: Mode | Vehicle = "car") -> OnRoad | None:
    """The road nearest to a point that this mode may use; None when there is none around."""
    costing, options = vehicle(mode).costing()
    question = {
        "locations": [_place(point)],
        "costing": costing,
        "costing_options": {costing: options},
        "verbose": True,
    }
    try:
        found = ask("locate", question)[0]["edges"] or []
    except NoRoute:
        return None
    if not found:
        return None
    best = min(found, key=lambda e: e["distance"])
    return OnRoad(
        best["correlated_lon"], best["correlated_lat"], best["distance"], best["edge_info"]["way_id"], best["edge_id"]["value"]
    )  # fmt: skip


def _place(point: Point) -> dict[str, float]:
    return {"lon": round(point[0], 7), "lat": round(point[1], 7)}


def _question(
    mode: Mode | Vehicle, at: datetime | None, avoid: Sequence[Ring], points: Sequence[Point]
) -> dict[str, Any]:
    """What every question says of who goes, when, and what to keep off."""
    who = vehicle(mode)
    costing, options = who.costing()
    question: dict[str, Any] = {"costing": costing, "costing_options": {costing: options}}
    now = at is None or abs(at - timezone.now()) < NOW
    if who.mode in MOTOR:
        # What is so just now is looked at by who sets off "now" alone; at another time, what is usual in that hour.
        question["date_time"] = (
            {"type": 0} if now or at is None else {"type": 1, "value": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")}
        )
    rings = [[list(p) for p in ring] for ring in avoid]
    rings += _closed(who, timezone.now() if now or at is None else at, points, now=now)
    if rings:
        question["exclude_polygons"] = rings
    return question


# A closure that the file of traffic cannot tell: for some only, or at another time than now. A metre around the middle of each closed
# piece of road closes that one and not what it crosses.
_CLOSED = f"""
SELECT DISTINCT ST_X(m), ST_Y(m) FROM (
    SELECT ST_LineInterpolatePoint(x.geom, 0.5) AS m FROM ({traffic.TOUCHED}
    WHERE c.id = ANY(%(ids)s) AND c.geom && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326)) x) y
LIMIT %(most)s
"""
# Most questions meet no such closure: what there is of them is kept for a moment, since asking costs as much as a short way.
_KEPT = 1.0  # seconds
_closures: tuple[float, list[Closure]] = (-1e9, [])


def _told() -> list[Closure]:
    """The closures that are not over, without their shapes."""
    global _closures
    if time.monotonic() - _closures[0] > _KEPT:
        rows = Closure.objects.exclude(ends__lt=timezone.now()).only("starts", "ends", "modes", "height_m", "weight_t")
        _closures = (time.monotonic(), list(rows))
    return _closures[1]


def forget() -> None:
    """Closures changed."""
    global _closures
    _closures = (-1e9, [])


_AROUND = 0.05  # degrees about the points, some 5 km: a way seldom goes farther out


def _closed(who: Vehicle, at: datetime, points: Sequence[Point], *, now: bool) -> list[list[list[float]]]:
    ids = [
        c.pk for c in _told()
        if c.starts <= at and (c.ends is None or c.ends > at) and _stops(c, who) and not (now and _in_file(c))
    ]  # fmt: skip
    if not ids or (used := programs.current()) is None:
        return []
    lons, lats = [p[0] for p in points], [p[1] for p in points]
    values: dict[str, Any] = {
        "network": used.name, "ids": ids, "most": MOST_AVOIDED, "west": min(lons) - _AROUND, "east": max(lons) + _AROUND,
        "south": min(lats) - _AROUND, "north": max(lats) + _AROUND,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CLOSED, values)
        rows = cursor.fetchall()
    e = 0.00001
    return [[[x - e, y - e], [x + e, y - e], [x + e, y + e], [x - e, y + e], [x - e, y - e]] for x, y in rows]


def _in_file(closure: Closure) -> bool:
    """Whether the file of traffic says it: it is for all that have a motor."""
    return not closure.modes and closure.height_m is None and closure.weight_t is None


def _stops(closure: Closure, who: Vehicle) -> bool:
    if who.mode not in (closure.modes or MOTOR):
        return False
    limits = closure.height_m, closure.weight_t
    return limits == (None, None) or any(
        limit is not None and size > limit for size, limit in zip(who.size(), limits, strict=True)
    )


def decode(shape: str) -> list[Point]:
    """A line as Valhalla sends it: Google's encoding with six digits."""
    if not shape:
        return []
    # Five bits a byte, the lowest first; a byte under 32 ends a number. All numbers at once: a way across a town has some thousand.
    bits = np.frombuffer(shape.encode(), dtype=np.uint8).astype(np.int64) - 63
    last = np.flatnonzero(bits < 0x20)
    first = np.concatenate(([0], last[:-1] + 1))
    place = np.arange(last[-1] + 1) - np.repeat(first, last - first + 1)
    numbers = np.add.reduceat((bits[: last[-1] + 1] & 0x1F) << (5 * place), first)
    numbers = (numbers >> 1) ^ -(numbers & 1)
    steps = numbers[: len(numbers) // 2 * 2].reshape(-1, 2)
    return list(zip(*(np.cumsum(steps, axis=0) / 1e6)[:, ::-1].T.tolist(), strict=True))
