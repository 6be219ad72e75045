"""The day a bin is full, from how full it was found: arithmetic only, no database.

A visit gives one rate: percent found / days since it was last emptied. A bin's rate is the geometric mean of its last ones: recent
ones weigh more, those far from their median count only to a limit (a market day is no trend), and the rate of its quarter is
one more visit, so that a bin with few visits is like its neighbours. The methods that it is compared with: the last rate
alone, and a line through all visits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol

LAST = 18  # visits that count
FADES = 0.88  # what each older visit weighs of the next one
HELD = 0.4  # logarithm: a rate counts as far from the median as this (half more, a third less) and no farther
BORROWED = 1.0  # visits that the quarter's rate is worth
SHORTEST, LONGEST = 0.2, 60.0  # days: what is outside says nothing of a rate
FULL = 100.0


@dataclass(frozen=True)
class Found:
    """day: in days since any origin; level: percent; emptied: it was then emptied."""

    day: float
    level: float
    emptied: bool


@dataclass(frozen=True)
class Sample:
    """A rate (percent a day) seen between an emptying and a visit; day: of the visit."""

    day: float
    days: float
    level: float

    @property
    def rate(self) -> float:
        return self.level / self.days

    @property
    def until_full(self) -> float:
        """Days from the emptying until it was, or would have been, full."""
        return FULL / self.rate


def samples(found: Iterable[Found]) -> list[Sample]:
    """One for each emptying that followed another; what was said between two emptyings (a sensor, a resident) is no rate of its own."""
    made: list[Sample] = []
    emptied: float | None = None
    for one in sorted(found, key=lambda f: f.day):
        if not one.emptied:
            continue
        if emptied is not None and SHORTEST <= one.day - emptied <= LONGEST and one.level > 0:
            made.append(Sample(one.day, one.day - emptied, one.level))
        emptied = one.day
    return made


def last_value(known: Sequence[Sample], quarter: float | None) -> float | None:
    return known[-1].rate if known else quarter


def line(known: Sequence[Sample], quarter: float | None) -> float | None:
    """Least squares through the origin: percent against days."""
    if not known:
        return quarter
    return sum(s.level * s.days for s in known) / sum(s.days * s.days for s in known)


def ours(known: Sequence[Sample], quarter: float | None) -> float | None:
    if not known:
        return quarter
    recent = known[-LAST:]
    weights = [FADES ** (len(recent) - 1 - n) for n in range(len(recent))]
    logs = [math.log(s.rate) for s in recent]
    middle = weighted_median(logs, weights)
    held = [min(max(value, middle - HELD), middle + HELD) for value in logs]
    many, own = sum(weights), sum(w * v for w, v in zip(weights, held, strict=True))
    if quarter:
        many, own = many + BORROWED, own + BORROWED * math.log(quarter)
    return math.exp(own / many)


METHODS = {"ours": ours, "last": last_value, "line": line}
ENOUGH = 30  # visits: fewer say nothing of which method is better


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    half, seen = sum(weights) / 2, 0.0
    pairs = sorted(zip(values, weights, strict=True))
    for number, (value, weight) in enumerate(pairs):
        seen += weight
        if abs(seen - half) < 1e-9 and number + 1 < len(pairs):
            return (value + pairs[number + 1][0]) / 2
        if seen >= half:
            return value
    return pairs[-1][0]


class Tried(Protocol):
    """A trial, or what was kept of one."""

    @property
    def error(self) -> float: ...
    @property
    def visits(self) -> int: ...


@dataclass(frozen=True)
class Trial:
    """How a method did on visits that it had not seen. error: mean days between the day forecast and the day found; near: share within
    a day; bias: mean days, above 0 when it says too late."""

    error: float
    near: float
    bias: float
    visits: int


def tried(bins: Mapping[int, Sequence[Sample]], quarters: Mapping[int, str], since: float) -> dict[str, Trial]:
    """Each visit from `since` on is forecast from those before it, of its bin and of its quarter, by each method."""
    misses: dict[str, list[float]] = {name: [] for name in METHODS}
    kept: dict[float, dict[str, float]] = {}
    for bin_, known in bins.items():
        for number, sample in enumerate(known):
            if sample.day < since or number == 0:
                continue
            quarter = _known_rate(bins, quarters, quarters.get(bin_, ""), sample.day - sample.days, kept)
            for name, method in METHODS.items():
                rate = method(known[:number], quarter)
                if rate:
                    misses[name].append(min(FULL / rate, LONGEST) - min(sample.until_full, LONGEST))
    return {
        name: Trial(
            sum(map(abs, found)) / len(found), sum(abs(m) <= 1 for m in found) / len(found), sum(found) / len(found), len(found)
        )
        for name, found in misses.items()
        if found
    }  # fmt: skip


def best(trials: Mapping[str, Tried]) -> str:
    """The method by which a town's bins are forecast: the one that missed by least there; ours, until there are visits enough to compare."""
    known = [name for name in METHODS if name in trials and trials[name].visits >= ENOUGH]
    return min(known, key=lambda name: trials[name].error, default="ours")


def quarter_rates(bins: Mapping[int, Sequence[Sample]], quarters: Mapping[int, str]) -> dict[str, float]:
    """The median rate of each quarter's bins; "" is the whole town."""
    found: dict[str, list[float]] = {}
    for bin_, known in bins.items():
        if known:
            rate = median(s.rate for s in known[-LAST:])
            for quarter in {quarters.get(bin_, ""), ""}:
                found.setdefault(quarter, []).append(rate)
    return {quarter: median(rates) for quarter, rates in found.items()}


def _known_rate(
    bins: Mapping[int, Sequence[Sample]], quarters: Mapping[int, str], quarter: str, day: float, kept: dict[float, dict[str, float]],
) -> float | None:  # fmt: skip
    """The quarter's rate as it was known at the beginning of that day's week. kept: those of weeks already asked for."""
    until = (day // 7) * 7
    if until not in kept:
        kept[until] = quarter_rates({b: [s for s in known if s.day < until] for b, known in bins.items()}, quarters)
    return kept[until].get(quarter, kept[until].get(""))


def error_of(known: Sequence[Sample], quarter: float | None, common: float, method: str = "ours") -> float:
    """The mean miss of that method on the bin's own last visits, drawn towards the town's the fewer they are."""
    misses = []
    for number in range(max(1, len(known) - LAST), len(known)):
        rate = METHODS[method](known[:number], quarter)
        if rate:
            misses.append(abs(min(FULL / rate, LONGEST) - min(known[number].until_full, LONGEST)))
    return (sum(misses) + BORROWED * common) / (len(misses) + BORROWED)
