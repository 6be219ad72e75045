"""The options of a request of SensorThings (OData): $top, $skip, $count, $orderby, $filter, $expand, $select."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from toguna.engines.telemetry.intake.observation import Unreadable, moment

MOST, USUAL, DEEP = 1000, 100, 3


class BadQuery(ValueError):
    """Answered 400; str() says why, in English: whoever reads it writes programs."""


@dataclass(frozen=True)
class Test:
    """name: as written, "phenomenonTime" or "Datastream/name"; op: eq ne gt ge lt le; value: text or number."""

    name: str
    op: str
    value: str | float


@dataclass
class Query:
    top: int = USUAL
    skip: int = 0
    count: bool = False
    order: list[tuple[str, bool]] = field(default_factory=list)  # (name, descending)
    tests: list[Test] = field(default_factory=list)
    expand: dict[str, Query] = field(default_factory=dict)
    select: frozenset[str] | None = None

    def test(self, name: str, op: str) -> Any:
        return next((test.value for test in self.tests if test.name == name and test.op == op), None)


_TEST = re.compile(
    r"\s*([A-Za-z@][A-Za-z./]*)\s+(eq|ne|gt|ge|lt|le)\s+('(?:[^']|'')*'|[^\s()']+)\s*(?:\band\b|$)", re.IGNORECASE
)
_NAME = re.compile(r"[A-Za-z][A-Za-z/.]{0,60}$")


def whole(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadQuery(f"{name} is a whole number")
    return min(int(text), most)


def parse(said: Mapping[str, str], deep: int = 0) -> Query:
    """Raises BadQuery."""
    found = Query()
    for name, value in said.items():
        if name == "$top":
            found.top = whole(value, name, MOST)
        elif name == "$skip":
            found.skip = whole(value, name, 10**9)
        elif name == "$count":
            if value not in ("true", "false"):
                raise BadQuery("$count is true or false")
            found.count = value == "true"
        elif name == "$orderby":
            found.order = [_order(part) for part in value.split(",")]
        elif name == "$filter":
            found.tests = tests(value)
        elif name == "$select":
            found.select = frozenset(part.strip() for part in value.split(","))
        elif name == "$expand":
            for part in _split(value, ","):
                _expand(found.expand, part.strip(), deep)
        elif name.startswith("$") and name != "$resultFormat":
            raise BadQuery(f"{name} is not known here")
    return found


def _order(part: str) -> tuple[str, bool]:
    words = part.split()
    if not 1 <= len(words) <= 2 or not _NAME.match(words[0]) or (len(words) == 2 and words[1] not in ("asc", "desc")):
        raise BadQuery("$orderby=name asc|desc")
    return words[0], len(words) == 2 and words[1] == "desc"


def tests(text: str) -> list[Test]:
    """Comparisons joined by "and". Raises BadQuery."""
    found: list[Test] = []
    at = 0
    while at < len(text):
        match = _TEST.match(text, at)
        if not match or len(found) >= 20:
            raise BadQuery("$filter: comparisons (name eq|ne|gt|ge|lt|le value), joined by and")
        raw = match[3]
        value: str | float = raw[1:-1].replace("''", "'") if raw.startswith("'") else raw
        if not raw.startswith("'"):
            try:
                value = float(raw)
            except ValueError:
                value = raw
        found.append(Test(match[1], match[2].lower(), value))
        at = match.end()
    return found


def _split(text: str, mark: str) -> list[str]:
    """At the marks that stand in no brackets."""
    parts, depth, last = [], 0, 0
    for n, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if c == mark and depth == 0:
            parts.append(text[last:n])
            last = n + 1
    return [*parts, text[last:]]


def _expand(into: dict[str, Query], part: str, deep: int) -> None:
    if deep >= DEEP:
        raise BadQuery("$expand goes too deep")
    path, bracket, rest = part.partition("(")
    name, _slash, further = path.partition("/")
    if not _NAME.match(name):
        raise BadQuery("$expand=Name,Name/Name,Name($top=1)")
    inner: dict[str, str] = {}
    if bracket:
        if not rest.endswith(")") or further:
            raise BadQuery("$expand=Name($top=1;$orderby=...)")
        inner = {key.strip(): value for key, _is, value in (option.partition("=") for option in _split(rest[:-1], ";"))}
    one = into.setdefault(name, Query(top=USUAL))
    if inner:
        into[name] = parse(inner, deep + 1)
    elif further:
        _expand(one.expand, further, deep + 1)


def time(value: Any) -> datetime:
    """Of a literal in a filter. Raises BadQuery."""
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise BadQuery(f"no time: {str(value)[:40]}") from error


def phenomenon(value: Any) -> float | None:
    """Seconds since 1970 of a phenomenonTime, the end of an interval. Raises BadQuery."""
    try:
        return moment(value.rpartition("/")[2] if isinstance(value, str) else value)
    except Unreadable as error:
        raise BadQuery("phenomenonTime?") from error
