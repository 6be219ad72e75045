"""The options of a request of SensorThings (OData): $top, $skip, $count, $orderby, $filter, $expand, $select."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toguna.engines.telemetry.doors.sensorthings import filtering
from toguna.engines.telemetry.doors.sensorthings.filtering import Node
from toguna.engines.telemetry.intake.observation import Unreadable, moment

MOST, USUAL, DEEP = 1000, 100, 3


class BadQuery(ValueError):
    """Answered 400; str() says why, in English: whoever reads it writes programs."""


@dataclass
class Query:
    top: int = USUAL
    skip: int = 0
    count: bool = False
    order: list[tuple[str, bool]] = field(default_factory=list)  # (name, descending)
    where: Node | None = None
    expand: dict[str, Query] = field(default_factory=dict)
    select: frozenset[str] | None = None
    array: bool = False  # as $resultFormat=dataArray says it
    said: dict[str, str] = field(default_factory=dict)  # as it was written

    def next(self) -> dict[str, str]:
        """The options of the next page."""
        return {**self.said, "$skip": str(self.skip + self.top), "$top": str(self.top)}


_NAME = re.compile(r"[A-Za-z@][A-Za-z/.@]{0,60}")


def whole(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadQuery(f"{name} is a whole number")
    return min(int(text), most)


def parse(said: Mapping[str, str], deep: int = 0) -> Query:
    """Raises BadQuery."""
    found = Query(said=dict(said))
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
            try:
                found.where = filtering.parse(value)
            except filtering.BadFilter as error:
                raise BadQuery(f"$filter: {error}") from error
        elif name == "$select":
            found.select = frozenset(part.strip() for part in value.split(","))
        elif name == "$expand":
            for part in _split(value, ","):
                _expand(found.expand, part.strip(), deep)
        elif name == "$resultFormat":
            if value != "dataArray" or deep:
                raise BadQuery("$resultFormat is dataArray")
            found.array = True
        elif name.startswith("$"):
            raise BadQuery(f"{name} is not known here")
    return found


def _order(part: str) -> tuple[str, bool]:
    words = part.split()
    if (
        not 1 <= len(words) <= 2
        or not _NAME.fullmatch(words[0])
        or (len(words) == 2 and words[1] not in ("asc", "desc"))
    ):
        raise BadQuery("$orderby=name asc|desc")
    return words[0], len(words) == 2 and words[1] == "desc"


def _split(text: str, mark: str) -> list[str]:
    """At the marks that stand in no brackets and no text."""
    parts, depth, last, said = [], 0, 0, False
    for n, c in enumerate(text):
        said ^= c == "'"
        depth += 0 if said else (c == "(") - (c == ")")
        if c == mark and depth == 0 and not said:
            parts.append(text[last:n])
            last = n + 1
    return [*parts, text[last:]]


def _expand(into: dict[str, Query], part: str, deep: int) -> None:
    if deep >= DEEP:
        raise BadQuery("$expand goes too deep")
    path, bracket, rest = part.partition("(")
    name, _slash, further = path.partition("/")
    if not _NAME.fullmatch(name):
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


def phenomenon(value: Any) -> float | None:
    """Seconds since 1970 of a phenomenonTime, the end of an interval. Raises BadQuery."""
    try:
        return moment(value.rpartition("/")[2] if isinstance(value, str) else value)
    except Unreadable as error:
        raise BadQuery("phenomenonTime?") from error
