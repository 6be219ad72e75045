"""How a way out is declared: the one function that hands a message to somebody else's server, and what may come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Lane


@dataclass(frozen=True)
class Outgoing:
    """One message as it goes. address: E.164 for phones; parts: of an SMS, else 1; settings: those of its route."""

    id: int
    key: str
    medium: str
    address: str
    text: str
    subject: str = ""
    language: str = ""
    lane: int = Lane.TRANSACTIONAL
    parts: int = 1
    publication: int | None = None
    route: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sent:
    """The other side has taken it (which is not yet delivery). reference: what it calls the message, for its reports;
    shown: nothing took it, it was written to the log of the server."""

    reference: str = ""
    shown: bool = False


class Unsendable(Exception):
    """Refused for good; str() says why. Trying again would change nothing."""


class Busy(Exception):
    """Not taken, certainly: it is tried again. after: seconds, where the other side said so; route_down: it is not about
    this message, nothing can leave that way now."""

    def __init__(self, words: str = "", *, after: float | None = None, route_down: bool = True) -> None:
        super().__init__(words)
        self.after = after
        self.route_down = route_down


class Doubtful(Exception):
    """It may have been taken: the answer never came. It is sent again only where twice is better than never."""


@dataclass(frozen=True)
class Setting:
    """A field of a route. secret: never shown again once written."""

    name: str
    title: Any
    secret: bool = False
    required: bool = True
    default: str = ""


@dataclass(frozen=True)
class Medium(Declaration):
    """A way out. name: the `kind` of its routes ("kannel", "telegram"); deliver(message) returns Sent or raises Unsendable,
    Busy or Doubtful, within some 20 seconds; it is called from several threads, without a database. Of other exceptions, a
    connection that could not be made counts as Busy, all else as Doubtful.

    medium: what it carries, when that is not its name ("sms" for "kannel"). connections: how many messages may be under
    way at once. alone: it works without a Route row (its settings are elsewhere); ready() says whether they are there.
    """

    name: str
    deliver: Callable[[Outgoing], Sent]
    medium: str = ""
    title: Any = ""
    settings: tuple[Setting, ...] = ()
    connections: int = 4
    alone: bool = False
    ready: Callable[[], bool] = lambda: True

    @property
    def carries(self) -> str:
        return self.medium or self.name

    def problems(self) -> Iterator[str]:
        if len(self.name) > 20:
            yield "a way out has a name of 20 characters at most"
        if self.connections < 1:
            yield "a way out needs a connection"
