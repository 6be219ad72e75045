"""How a room says what it brings: one frozen `Service(...)` in its `service.py`.

The kernel knows only that a service *provides declarations*. Each engine defines the declarations it understands
(a `CaseType`, a `Layer`, a `Measure`, a `Dataset`...) by subclassing `Declaration`, and finds them all with
`registry.declared(CaseType)`. So a new engine changes nothing here, and adding a service is adding a folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


class Declaration:
    """Base of everything a service may declare. Subclasses are frozen dataclasses."""

    def key(self) -> object | None:
        """What must be unique among all declarations of the same class in the town, or None."""
        return getattr(self, "name", None)

    def problems(self) -> Iterator[str]:
        """Sentences that say what is wrong with this declaration; each becomes an error of `manage check`."""
        return iter(())

    def trial(self) -> None:
        """Does what is declared once, where there is something to do, and fails where it does not work. The contract that
        every service is tested by runs it (see `contract`), in each language, in a transaction that is rolled back."""


@dataclass(frozen=True)
class Service:
    """The manifest of a room.

    name: short, lower case, the folder's own name; title: words for people, lazy translated text ("" for engines
    that show nothing of themselves); provides: the declarations, in any order; section: the part of the back office in which its
    pages stand (see `web.Section`).
    """

    name: str
    title: Any = ""
    provides: tuple[Declaration, ...] = ()
    section: str = ""
