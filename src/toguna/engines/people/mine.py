"""A person's own space: what every room has of theirs, on one page, with what waits for them first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from toguna.engines.people.models import Person
from toguna.kernel import registry
from toguna.kernel.manifest import Declaration

MOST = 20  # of one room; what is older is reached by its own page


@dataclass(frozen=True)
class Owned:
    """One thing of theirs. title, says: words in their language; url: where it is read; service: whose it is, which decides
    whether somebody with a mandate for one service sees it; when: when it last moved; due: the day by which something is
    expected; todo: it is their turn."""

    title: str
    url: str = ""
    says: str = ""
    service: str = ""
    icon: str = ""
    when: datetime | None = None
    due: date | None = None
    todo: bool = False


@dataclass(frozen=True)
class Mine(Declaration):
    """What a room has of a person. owned(person): the newest first, MOST at most, in two statements at most;
    none: said when there is nothing, "" shows nothing then."""

    name: str
    title: Any
    icon: str
    owned: Callable[[Person], Sequence[Owned]]
    none: Any = ""
    order: int = 100

    def problems(self) -> Iterator[str]:
        if not self.icon:
            yield "a part of a person's space needs a pictogram"


@dataclass(frozen=True)
class Space:
    """todo: what waits for the person, the most urgent first; parts: (declaration, what it has)."""

    todo: list[Owned] = field(default_factory=list)
    parts: list[tuple[Mine, list[Owned]]] = field(default_factory=list)


def space(person: Person, *, about: str = "") -> Space:
    """Everything of theirs. about: only what is of that service ("": all), for who acts for them in it."""
    found = Space()
    for part in sorted(registry.declared(Mine), key=lambda one: one.order):
        owned = [one for one in part.owned(person) if about in ("", one.service)]
        found.todo.extend(one for one in owned if one.todo)
        if owned or part.none:
            found.parts.append((part, owned))
    found.todo.sort(key=lambda one: one.due or date.max)
    return found
