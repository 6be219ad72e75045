"""What a room shows on the web, and who may open it.

Deny by default: a view that says nothing of who may open it answers 403 (see `middleware.Gate`). It says so with one of
`@public`, `@resident`, `@staff("service.verb")`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from django.http import HttpRequest

from toguna.kernel import registry
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration

V = TypeVar("V", bound=Callable[..., Any])


class Request(HttpRequest):
    """A request as our views see it: `actor` is set, lazily, by the middleware; reading it may cost a query."""

    actor: Actor


@dataclass(frozen=True)
class Gate:
    who: Literal["public", "resident", "staff"]
    permission: str = ""


def public(view: V) -> V:
    """Anyone may open it; the session is not even looked at."""
    cast(Any, view).gate = Gate("public")
    return view


def resident(view: V) -> V:
    """Anyone who has logged in."""
    cast(Any, view).gate = Gate("resident")
    return view


def staff(permission: str = "") -> Callable[[V], V]:
    """Staff with a second factor who have that permission somewhere; the view still checks the object itself."""

    def mark(view: V) -> V:
        cast(Any, view).gate = Gate("staff", permission)
        return view

    return mark


@dataclass(frozen=True)
class Section(Declaration):
    """A part of the back office: its menu lists pages by these. A service says in which one its pages stand."""

    name: str
    title: Any
    icon: str
    order: int = 100


@dataclass(frozen=True)
class Page(Declaration):
    """An entry of the menus. where: "home" (a big action), "nav" (public menu), "desk" (back office); icon: its
    pictogram's name; permission: shown only to who has it somewhere; order: lower first; section: of the back office, where it is
    not that of its service."""

    name: str
    title: Any
    icon: str
    url_name: str
    where: tuple[Literal["home", "nav", "desk"], ...] = ("nav",)
    permission: str = ""
    order: int = 100
    summary: Any = ""
    section: str = ""

    def problems(self) -> Iterator[str]:
        if "desk" not in self.where:
            return
        if not self.permission:
            yield "a page of the desk needs a permission"
        name = section_of(self)
        if registry.find(Section, name) is None:
            yield f"a page of the desk needs a section: there is none named {name!r}"


def section_of(page: Page) -> str:
    return page.section or registry.service_of(page).section


@dataclass(frozen=True)
class HomeBlock(Declaration):
    """A part of the home page made by a service: `context()` gives the template its values, in two queries at most."""

    name: str
    template: str
    context: Callable[[], dict[str, Any]]
    order: int = 100


@dataclass(frozen=True)
class DeskBlock(Declaration):
    """The numbers of a service on the first page of the back office, for whoever has `permission` somewhere:
    `numbers(actor)` gives (words, value, address) of each, in two queries at most."""

    name: str
    title: Any
    permission: str
    numbers: Callable[[Actor], Sequence[tuple[Any, Any, str]]]
    order: int = 100


@dataclass(frozen=True)
class Urls(Declaration):
    """Where a room's pages hang: `prefix` such as "reports/" ("" for the root), `module` the dotted path of its urls.py."""

    name: str
    prefix: str
    module: str


@dataclass(frozen=True)
class Api(Declaration):
    """A django-ninja Router, by dotted path, under /api/v1/`prefix`."""

    name: str
    prefix: str
    router: str
