"""Whether a device can be where it says: jumps, and two that speak under one name.

A position too far from the last one for the time between is put beside (`other_*`). When three in a row agree with one another, the
device did move (carried while off, a first fix that was wrong): the new place is believed. When its positions go to and fro between
two places three times, it is two devices with one name: it goes into quarantine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from toguna.engines.telemetry.rules.conditions import metres_between

NOISE = 150  # metres that a position may be wrong by
TIMES = 3


class Verdict(Enum):
    GOOD = "good"
    JUMP = "jump"
    CLONE = "clone"


@dataclass(slots=True)
class Track:
    """What is remembered of where a device was: seconds since 1970 and degrees. other: the place that contradicts it."""

    at: float | None = None
    lat: float = 0.0
    lon: float = 0.0
    other_at: float | None = None
    other_lat: float = 0.0
    other_lon: float = 0.0
    jumps: int = 0
    swaps: int = 0


def reach(seconds: Any, fastest: Any) -> Any:
    """Metres that may lie between two positions; of numbers or of columns."""
    return NOISE + fastest / 3.6 * (seconds * (seconds > 1) + (seconds <= 1))


def _reachable(lat1: float, lon1: float, at1: float, lat2: float, lon2: float, at2: float, fastest: float) -> bool:
    metres = metres_between(lat1, lon1, lat2, lon2)
    return bool(metres <= reach(at2 - at1, fastest))


def judge(track: Track, lat: float, lon: float, at: float, fastest: float) -> Verdict:
    """Of a position newer than the last; the track is brought up to date."""
    if track.at is None or _reachable(track.lat, track.lon, track.at, lat, lon, at, fastest):
        if track.other_at is not None:
            # Back where it was before the jump: once is a bad fix, again and again are two devices.
            track.swaps += 1
            track.jumps, track.other_at = 0, None
            if track.swaps >= TIMES:
                _believe(track, lat, lon, at)
                return Verdict.CLONE
        _believe(track, lat, lon, at)
        return Verdict.GOOD
    if track.other_at is not None and _reachable(
        track.other_lat, track.other_lon, track.other_at, lat, lon, at, fastest
    ):
        track.jumps += 1
        if track.jumps >= TIMES:
            track.jumps, track.swaps, track.other_at = 0, 0, None
            _believe(track, lat, lon, at)
            return Verdict.GOOD
    else:
        track.jumps = 1
    track.other_at, track.other_lat, track.other_lon = at, lat, lon
    return Verdict.JUMP


def _believe(track: Track, lat: float, lon: float, at: float) -> None:
    track.at, track.lat, track.lon = at, lat, lon
