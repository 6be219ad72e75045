"""$filter, as OData writes it (OGC 18-088, 9.3.3.5): parsed into a tree that is asked of rows, or made into SQL.

A path through a set has several values ("Datastreams/name" of a Thing): a comparison holds when it does for one of them.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry

MOST_TOKENS, MOST_DEEP = 400, 24


class BadFilter(ValueError):
    """str() says why."""


@dataclass(frozen=True)
class Value:
    value: Any  # text, float, bool, None, datetime, date, time, timedelta or GEOSGeometry


@dataclass(frozen=True)
class Path:
    names: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function or an operator: both have a name and arguments."""

    name: str
    args: tuple[Node, ...]


Node = Value | Path | Call
Look = Callable[[tuple[str, ...]], Sequence[Any]]  # the values of a path, of the row that is asked

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<typed>geometry|geography|duration)'(?P<inner>(?:[^']|'')*)'
    | '(?P<text>(?:[^']|'')*)'
    | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)
    | (?P<clock>\d\d:\d\d(?::\d\d(?:\.\d+)?)?)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z@][\w./@]*)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE | re.ASCII,
)
_COMPARE = ("eq", "ne", "gt", "ge", "lt", "le")
_ADD, _MUL = ("add", "sub"), ("mul", "div", "mod")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


def parse(text: str) -> Node:
    """Raises BadFilter."""
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, Any]] = []
        self.at = self.deep = 0
        where = 0
        while where < len(text.rstrip()):
            match = _TOKEN.match(text, where)
            if match is None or len(self.tokens) >= MOST_TOKENS:
                raise BadFilter(f"what is meant by {text[where : where + 20]!r}?")
            where = match.end()
            self.tokens.append(_token(match))

    def whole(self) -> Node:
        found = self._or()
        if self.at < len(self.tokens):
            raise BadFilter(f"{self.tokens[self.at][1]!r} is one too many")
        return found

    def _next(self, *wanted: str) -> str | None:
        """The next token when it is one of these names or marks: it is taken."""
        if self.at < len(self.tokens) and self.tokens[self.at][0] in ("name", "mark"):
            said = str(self.tokens[self.at][1])
            if said in wanted:
                self.at += 1
                return said
        return None

    def _chain(self, inner: Callable[[], Node], names: Sequence[str]) -> Node:
        found = inner()
        while (name := self._next(*names)) is not None:
            found = Call(name, (found, inner()))
        return found

    def _or(self) -> Node:
        self.deep += 1
        if self.deep > MOST_DEEP:
            raise BadFilter("too deep")
        found = self._chain(self._and, ("or",))
        self.deep -= 1
        return found

    def _and(self) -> Node:
        return self._chain(self._not, ("and",))

    def _not(self) -> Node:
        turns = 0
        while self._next("not"):
            turns += 1
        found = self._comparison()
        return Call("not", (found,)) if turns % 2 else found

    def _comparison(self) -> Node:
        found = self._sum()
        name = self._next(*_COMPARE)
        return found if name is None else Call(name, (found, self._sum()))

    def _sum(self) -> Node:
        return self._chain(lambda: self._chain(self._one, _MUL), _ADD)

    def _one(self) -> Node:
        if self._next("("):
            found = self._or()
            if not self._next(")"):
                raise BadFilter("a bracket is not closed")
            return found
        if self.at >= len(self.tokens):
            raise BadFilter("it ends too early")
        kind, said = self.tokens[self.at]
        self.at += 1
        if kind == "value":
            return Value(said)
        if kind != "name":
            raise BadFilter(f"{said!r} is not expected here")
        if self._next("("):
            return self._call(said)
        return Value(_WORDS[said]) if said in _WORDS else Path(tuple(said.split("/")))

    def _call(self, name: str) -> Node:
        args: list[Node] = []
        if not self._next(")"):
            args.append(self._or())
            while self._next(","):
                args.append(self._or())
            if not self._next(")"):
                raise BadFilter(f"{name}: a bracket is not closed")
        if name not in FUNCTIONS or len(args) not in FUNCTIONS[name][0]:
            raise BadFilter(f"no such function: {name} of {len(args)}")
        return Call(name, tuple(args))


def _token(match: re.Match[str]) -> tuple[str, Any]:
    try:
        if match["typed"]:
            inner = match["inner"].replace("''", "'")
            return "value", _duration(inner) if match["typed"] == "duration" else GEOSGeometry(inner, srid=4326)
        if match["text"] is not None:
            return "value", match["text"].replace("''", "'")
        if match["moment"]:
            return "value", moment(match["moment"])
        if match["clock"]:
            return "value", time.fromisoformat(match["clock"])
    except (ValueError, GEOSException, GDALException) as error:
        raise BadFilter(f"{match[0].strip()[:40]}: {error}") from error
    if match["number"]:
        number = float(match["number"])
        if not math.isfinite(number):
            raise BadFilter("too large a number")
        return "value", number
    return ("name", match["name"]) if match["name"] else ("mark", match["mark"])


def moment(text: str) -> datetime | date:
    """Raises ValueError."""
    if "T" not in text:
        return date.fromisoformat(text)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII)


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if not match or len(text) > 40:
        raise ValueError("no duration such as P1DT2H")
    try:
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
        found = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError as error:
        raise ValueError("too long") from error
    return -found if match[1] else found


def walk(node: Node) -> Iterator[Node]:
    """It, and all that is in it."""
    yield node
    for arg in node.args if isinstance(node, Call) else ():
        yield from walk(arg)


# Asked of a row.


def holds(node: Node, look: Look) -> bool:
    if isinstance(node, Call):
        if node.name == "and":
            return all(holds(arg, look) for arg in node.args)
        if node.name == "or":
            return any(holds(arg, look) for arg in node.args)
        if node.name == "not":
            return not holds(node.args[0], look)
    return any(value is True for value in values(node, look))


def values(node: Node, look: Look) -> list[Any]:
    if isinstance(node, Value):
        return [node.value]
    if isinstance(node, Path):
        return list(look(node.names))
    if node.name in ("and", "or", "not"):
        return [holds(node, look)]
    act, found = FUNCTIONS[node.name][1], []
    for args in product(*(values(arg, look) for arg in node.args)):
        try:
            found.append(act(*args))
        except (TypeError, ValueError, ArithmeticError, AttributeError, GEOSException, GDALException):
            continue  # a function of what it is not for: it has no value
    return found


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """Of one kind, so that they can be compared. Raises TypeError, ValueError."""
    if isinstance(one, datetime | date) and isinstance(other, str):
        return _alike(one, moment(other))
    if isinstance(other, datetime | date) and isinstance(one, str):
        return _alike(moment(one), other)
    if isinstance(one, datetime) != isinstance(other, datetime) and isinstance(one, date) and isinstance(other, date):
        return midnight(one), midnight(other)
    if isinstance(one, str) != isinstance(other, str) and isinstance(one, str | int | float):
        return _text(one), _text(other)
    return one, other


def midnight(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day, tzinfo=UTC)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _compares(act: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    return lambda one, other: bool(act(*_alike(one, other)))


def _when(part: Callable[[datetime], Any]) -> Callable[[Any], Any]:
    def act(value: Any) -> Any:
        said = moment(value) if isinstance(value, str) else value
        if isinstance(said, time):
            said = datetime.combine(date(2000, 1, 1), said, UTC)
        return part(midnight(said).astimezone(UTC))

    return act


def _shape(value: Any) -> GEOSGeometry:
    return value if isinstance(value, GEOSGeometry) else GEOSGeometry(json.dumps(value), srid=4326)


def _shapes(act: Callable[[GEOSGeometry, GEOSGeometry], Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: act(_shape(one), _shape(other))


def _asks(name: str) -> Callable[[GEOSGeometry, GEOSGeometry], Any]:
    return lambda one, other: getattr(one, name)(other)


def _substring(text: str, start: float, length: float | None = None) -> str:
    first = int(start)
    return text[first:] if length is None else text[first : first + int(length)]


FUNCTIONS: dict[str, tuple[tuple[int, ...], Callable[..., Any]]] = {
    **{name: ((2,), _compares(getattr(operator, name))) for name in _COMPARE},
    "add": ((2,), operator.add), "sub": ((2,), operator.sub), "mul": ((2,), operator.mul), "div": ((2,), operator.truediv),
    "mod": ((2,), math.fmod),
    "substringof": ((2,), lambda part, text: part in text), "contains": ((2,), lambda text, part: part in text),
    "endswith": ((2,), str.endswith), "startswith": ((2,), str.startswith), "length": ((1,), len),
    "indexof": ((2,), lambda text, part: float(text.find(part))), "substring": ((2, 3), _substring),
    "tolower": ((1,), str.lower), "toupper": ((1,), str.upper), "trim": ((1,), str.strip), "concat": ((2,), lambda a, b: str.__add__(a, b)),
    "year": ((1,), _when(lambda at: at.year)), "month": ((1,), _when(lambda at: at.month)), "day": ((1,), _when(lambda at: at.day)),
    "hour": ((1,), _when(lambda at: at.hour)), "minute": ((1,), _when(lambda at: at.minute)), "second": ((1,), _when(lambda at: at.second)),
    "fractionalseconds": ((1,), _when(lambda at: at.microsecond / 1e6)), "date": ((1,), _when(datetime.date)),
    "time": ((1,), _when(datetime.time)), "totaloffsetminutes": ((1,), _when(lambda _at: 0)), "now": ((0,), lambda: datetime.now(UTC)),
    "mindatetime": ((0,), lambda: datetime.min.replace(tzinfo=UTC)), "maxdatetime": ((0,), lambda: datetime.max.replace(tzinfo=UTC)),
    "round": ((1,), lambda n: float(math.floor(n + 0.5))), "floor": ((1,), lambda n: float(math.floor(n))),
    "ceiling": ((1,), lambda n: float(math.ceil(n))),
    "geo.distance": ((2,), _shapes(lambda a, b: a.distance(b))), "geo.length": ((1,), lambda a: _shape(a).length),
    "geo.intersects": ((2,), _shapes(lambda a, b: a.intersects(b))),
    **{f"st_{name}": ((2,), _shapes(_asks(name)))
       for name in ("equals", "disjoint", "touches", "within", "overlaps", "crosses", "intersects", "contains")},
    "st_relate": ((3,), lambda a, b, pattern: _shape(a).relate_pattern(_shape(b), pattern)),
}  # fmt: skip


# Made into SQL.

_SQL = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "add": "+", "sub": "-", "mul": "*"}
_PARTS = ("year", "month", "day", "hour", "minute")
Sql = tuple[str, list[Any], str]  # text, parameters, and what it is: number, moment, day, clock, span or bool
_LITERALS: tuple[tuple[type, str, str], ...] = (
    (bool, "bool", "bool"), (float, "double precision", "number"), (datetime, "timestamptz", "moment"), (date, "date", "day"),
    (time, "time", "clock"), (timedelta, "interval", "span"),
)  # fmt: skip


def sql(node: Node, columns: dict[str, tuple[str, str]], leaf: Callable[[Node], Sql | None]) -> Sql:
    """columns: {path: (column, what it is)}; leaf: answers a part in another way, or None. Raises BadFilter."""
    if (found := leaf(node)) is not None:
        return found
    if isinstance(node, Value):
        for kind, cast, what in _LITERALS:
            if isinstance(node.value, kind):
                return f"%s::{cast}", [node.value], what
        raise BadFilter(f"{str(node.value)[:40]!r} cannot be compared here")
    if isinstance(node, Path):
        name = "/".join(node.names)
        if name not in columns:
            raise BadFilter(f"$filter cannot ask for {name} here")
        return columns[name][0], [], columns[name][1]
    parts = [sql(arg, columns, leaf) for arg in node.args]
    texts, given, kinds = (
        [part[0] for part in parts],
        [value for part in parts for value in part[1]],
        [part[2] for part in parts],
    )
    if node.name in ("and", "or") and kinds == ["bool", "bool"]:
        return f"({f' {node.name} '.join(texts)})", given, "bool"
    if node.name == "not" and kinds == ["bool"]:
        return f"(NOT {texts[0]})", given, "bool"
    if node.name in _COMPARE:
        if kinds[0] != kinds[1] and set(kinds) != {"moment", "day"}:
            raise BadFilter(f"{node.name} of two of a kind")
        texts = [
            f"({t}::timestamp AT TIME ZONE 'UTC')" if k == "day" and "moment" in kinds else t
            for t, k in zip(texts, kinds, strict=True)
        ]
        return f"({texts[0]} {_SQL[node.name]} {texts[1]})", given, "bool"
    return _arithmetic(node.name, texts, given, kinds)


def _arithmetic(name: str, texts: list[str], given: list[Any], kinds: list[str]) -> Sql:
    if name in ("add", "sub") and kinds == ["moment", "span"]:
        return f"({texts[0]} {_SQL[name]} {texts[1]})", given, "moment"
    if name == "now":
        return "now()", [], "moment"
    if kinds == ["moment"]:
        local = f"({texts[0]} AT TIME ZONE 'UTC')"
        if name in _PARTS:
            return f"extract({name} FROM {local})::double precision", given, "number"
        if name in ("second", "fractionalseconds"):
            whole = f"extract(second FROM {local})"
            return f"({f'floor({whole})' if name == 'second' else f'{whole} % 1'})::double precision", given, "number"
        if name in ("date", "time"):
            return f"{local}::{name}", given, "day" if name == "date" else "clock"
    if kinds == ["number", "number"]:
        if name in _SQL:
            return f"({texts[0]} {_SQL[name]} {texts[1]})", given, "number"
        if name == "div":
            return f"({texts[0]} / nullif({texts[1]}, 0))", given, "number"
        if name == "mod":
            return f"mod({texts[0]}::numeric, nullif({texts[1]}::numeric, 0))::double precision", given, "number"
    if kinds == ["number"] and name in ("round", "floor", "ceiling"):
        return f"{'floor(0.5 + ' if name == 'round' else name + '('}{texts[0]})", given, "number"
    raise BadFilter(f"{name} cannot be asked of {', '.join(kinds) or 'nothing'} here")
