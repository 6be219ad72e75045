"""The quick way for what is plain, most of what comes: whole columns of a batch at once instead of one observation after another.

Plain is a device without a decoder, a signature or a fixed place, all of whose messages in the batch hold the same names with numbers, each
observation newer than the one before, in range, and from where it can be. There the loader has nothing to decide. All the rest, and all of a
device one message of which is not plain, goes by `judging.take`; a test says the same to both and compares what is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

from toguna.engines.telemetry.intake import moving, observation
from toguna.engines.telemetry.intake.observation import Unreadable
from toguna.engines.telemetry.rules.conditions import SPEED, Seen, Window
from toguna.kernel.heavy import Heavy

np = Heavy("numpy")

FEW = 40  # observations of one shape: fewer are sooner done one by one
NUMBERS = {int, float}
_parsed = json.JSONDecoder().decode  # of text: what is no UTF-8 is not plain
REALS = ("speed", "course", "altitude")  # kept in four bytes
MOST_REAL, MOST_SEQ = 3e38, 2**62


class Message(NamedTuple):
    """number: its place in the batch; device: of the register; rows: its observations as JSON gave them."""

    number: int
    device: int
    received: float
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Before:
    """What is known of a device before the batch. at: -1e18 when nothing; place: (seconds, lat, lon) of its last position; sure: whether
    that place is in doubt by nothing; fastest: km/h."""

    at: float
    seq: int
    place: tuple[float, float, float] | None
    sure: bool
    fastest: float


@dataclass(frozen=True)
class Part:
    """The observations of one device: columns `first` to `last`, not included. messages: (when received, time of its last observation)."""

    device: int
    first: int
    last: int
    messages: list[tuple[float, float]]


@dataclass(frozen=True)
class Plain:
    """Observations of one shape, those of a device together, in their order. columns: floats by name; at: seconds; micros: the same since 1970,
    whole; seq: None where none is said; known: the names that are quantities."""

    parts: list[Part]
    at: Any
    micros: Any
    seq: Any | None
    columns: dict[str, Any]
    known: list[str]
    placed: bool

    def windows(self) -> list[ColumnWindow]:
        """For the rules, of each part."""
        names = [*self.known, *([SPEED] if self.placed and "speed" in self.columns else [])]
        first = [part.first for part in self.parts]
        low, high = (
            {name: by.reduceat(self.columns[name], first).tolist() for name in (*names, *(("lat", "lon") if self.placed else ()))}
            for by in (np.minimum, np.maximum)
        )  # fmt: skip
        boxes: Iterable[Any] = repeat(None)
        if self.placed:
            boxes = zip(low["lat"], low["lon"], high["lat"], high["lon"], strict=True)
        bounds = zip(*(zip(low[name], high[name], strict=True) for name in names), strict=True) if names else repeat(())
        last = self.at[[part.last - 1 for part in self.parts]].tolist()
        return [
            ColumnWindow(self, part, dict(zip(names, these, strict=True)), box, at)
            for part, these, box, at in zip(self.parts, bounds, boxes, last, strict=False)
        ]


class ColumnWindow(Window):
    """Readings that lie in columns: each is made when a rule asks for it."""

    def __init__(
        self, plain: Plain, part: Part, bounds: dict[str, tuple[float, float]], box: tuple[float, float, float, float] | None,
        last: float,
    ) -> None:  # fmt: skip
        self._plain, self._part = plain, part
        self.bounds, self.box, self.last = bounds, box, last

    def _of(self, values: Any) -> list[Any]:
        return values[self._part.first : self._part.last].tolist()  # type: ignore[no-any-return]

    @cached_property
    def times(self) -> list[float]:
        return self._of(self._plain.at)

    @cached_property
    def seen(self) -> list[Seen]:  # type: ignore[override]
        columns = {name: self._of(self._plain.columns[name]) for name in self.bounds}
        values = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        if not columns:
            values = [{} for _at in self.times]
        if not self._plain.placed:
            return [Seen(at, these) for at, these in zip(self.times, values, strict=True)]
        lats, lons = (self._of(self._plain.columns[name]) for name in ("lat", "lon"))
        return [Seen(*one) for one in zip(self.times, values, lats, lons, strict=True)]

    def column(self, name: str) -> tuple[list[float], list[float]]:
        return (self.times, self._of(self._plain.columns[name])) if name in self.bounds else ([], [])


def same_names(said: Sequence[tuple[int, int, float, bytes]]) -> dict[tuple[str, ...], list[Message]]:
    """said: (number, device, received, body). The messages of those devices that said the same names in all of theirs, by these names."""
    names_of: dict[int, tuple[str, ...]] = {}
    messages: list[Message] = []
    other: set[int] = set()
    for number, device, received, body in said:
        if device in other:
            continue
        rows = _rows(body)
        names = tuple(rows[0]) if rows else ()
        if names and names_of.setdefault(device, names) == names and len(set(map(tuple, rows))) == 1:
            messages.append(Message(number, device, received, rows))
        else:
            other.add(device)
    found: dict[tuple[str, ...], list[Message]] = {}
    for message in messages:
        if message.device not in other:
            found.setdefault(names_of[message.device], []).append(message)
    return {
        names: those for names, those in found.items()
        if "at" in names and ("lat" in names) == ("lon" in names) and not {"values", "n", "bn"} & set(names)
        and sum(len(message.rows) for message in those) >= FEW
    }  # fmt: skip


def _rows(body: bytes) -> list[dict[str, Any]]:
    """None of them when it is not plain."""
    try:
        said = _parsed(body.decode())
    except (ValueError, RecursionError):
        return []
    rows = said if type(said) is list else [said]
    return rows if len(rows) <= observation.MOST and set(map(type, rows)) == {dict} else []


def plain(
    names: Sequence[str],
    messages: Sequence[Message],
    before: Mapping[int, Before],
    quantities: Mapping[str, tuple[int, float, float]],
    *,
    behind: float,
    ahead: float,
) -> Plain | None:
    """What is plain of the messages with these names. behind, ahead: seconds that a time may lie before or after the message came."""
    known = [name for name in names if name in quantities and name not in observation.OWN]
    placed = "lat" in names
    wanted = [name for name in names if name in known or name in ("at", "seq", "lat", "lon", *REALS)]
    if not known and not placed:
        return None
    messages = [message for message in messages if before[message.device].sure or not placed]
    rows = list(chain.from_iterable(message.rows for message in messages))
    if not rows:
        return None
    told = {name: list(map(itemgetter(name), rows)) for name in wanted}
    counts = [len(message.rows) for message in messages]
    try:
        if set(map(type, told["at"])) == {str}:
            told["at"] = [observation.moment(value) for value in told["at"]]
        strange = [name for name, values in told.items() if not set(map(type, values)) <= NUMBERS]
        if strange or set(map(type, told.get("seq", [0]))) != {int}:
            # A word or nothing where others say a number: those devices go the other way.
            out = {
                message.device for message in messages for row in message.rows
                if any(type(row[name]) not in NUMBERS for name in strange) or type(row.get("seq", 0)) is not int
            }  # fmt: skip
            left = [message for message in messages if message.device not in out]
            return plain(names, left, before, quantities, behind=behind, ahead=ahead) if out else None
        columns = {name: np.array(values, dtype=float) for name, values in told.items() if name != "seq"}
        seq = np.array(told["seq"], dtype=np.int64) if "seq" in told else None
    except (Unreadable, OverflowError):
        return None
    index = {device: n for n, device in enumerate(dict.fromkeys(message.device for message in messages))}
    who = np.repeat([index[message.device] for message in messages], counts)
    received = np.repeat([message.received for message in messages], counts)
    ends = columns["at"][np.cumsum(counts) - 1].tolist()
    order = np.argsort(who, kind="stable")
    who, received, seq = who[order], received[order], None if seq is None else seq[order]
    columns = {name: values[order] for name, values in columns.items()}
    at = columns.pop("at")
    good = _good(
        [before[device] for device in index], who, received, at, seq, columns, known, quantities, behind, ahead
    )
    micros = np.rint(at * 1e6).astype(np.int64)
    if not good.any():
        return None
    keep = good[who]
    if not keep.all():
        at, micros, who, seq = at[keep], micros[keep], who[keep], None if seq is None else seq[keep]
        columns = {name: values[keep] for name, values in columns.items()}
    starts = np.flatnonzero(np.diff(who, prepend=-1)).tolist()
    parts = [
        Part(device, first, last, [])
        for device, first, last in zip(
            (device for device, n in index.items() if good[n]), starts, [*starts[1:], len(at)], strict=True
        )
    ]
    by_device = {part.device: part for part in parts}
    for message, end in zip(messages, ends, strict=True):
        if message.device in by_device:
            by_device[message.device].messages.append((message.received, end))
    return Plain(parts, at, micros, seq, columns, known, placed)


def _good(
    before: Sequence[Before], who: Any, received: Any, at: Any, seq: Any | None, columns: Mapping[str, Any], known: Sequence[str],
    quantities: Mapping[str, tuple[int, float, float]], behind: float, ahead: float,
) -> Any:  # fmt: skip
    """Whether all of a device's observations are plain, by device."""
    starts = np.flatnonzero(np.diff(who, prepend=-1))

    def previous(values: Any, first: Sequence[float]) -> Any:
        """What came before each, of the same device; `first`: before the batch."""
        found = np.concatenate((values[:1], values[:-1]))
        found[starts] = first
        return found

    good = (at >= received - behind) & (at <= received + ahead) & (at > 0) & (at < 1e11)
    at = np.where(good, at, 0.0)
    micros = np.rint(at * 1e6).astype(np.int64)
    good &= micros > previous(micros, [round(max(one.at, -1e12) * 1e6) for one in before])
    if seq is not None:
        good &= (seq >= previous(seq, [one.seq for one in before])) & (seq >= 0) & (seq < MOST_SEQ)
    for name in known:
        _quantity, low, high = quantities[name]
        good &= (columns[name] >= low) & (columns[name] <= high) & (np.abs(columns[name]) < 1e300)
    for name in REALS:
        if name in columns:
            good &= np.abs(columns[name]) < MOST_REAL
    if "lat" in columns:
        lat, lon = columns["lat"], columns["lon"]
        good &= (np.abs(lat) <= 90) & (np.abs(lon) <= 180) & ~((lat == 0) & (lon == 0))
        places = [one.place or (0.0, 0.0, 0.0) for one in before]
        then, lat0, lon0 = (
            previous(values, [place[n] for place in places]) for n, values in enumerate((at, lat, lon))
        )  # fmt: skip
        far = moving.reach(at - then, np.repeat([one.fastest for one in before], np.diff(np.append(starts, len(at)))))
        far[starts[[one.place is None for one in before]]] = np.inf
        x = np.radians(lon - lon0) * np.cos(np.radians((lat + lat0) / 2))
        good &= 6371000 * np.hypot(x, np.radians(lat - lat0)) <= far
    return np.logical_and.reduceat(good, starts)
