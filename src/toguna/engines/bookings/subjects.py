"""What a booking may be about: services say which kinds they have, and how each is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toguna.kernel import registry
from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class Subject(Declaration):
    """`title(key)`: the words of that one in the reader's language, None when there is none or it is not for everyone. tells: its
    service says to the person what becomes of it, by itself: bookings sends nothing of it, no reminder either."""

    name: str
    title: Callable[[str], str | None]
    tells: bool = False


def silent(kind: str) -> bool:
    """Whether the service of that kind speaks to the person itself."""
    declared = registry.find(Subject, kind) if kind else None
    return declared is not None and declared.tells


def silent_kinds() -> list[str]:
    return [one.name for one in registry.declared(Subject) if one.tells]


def title_of(kind: str, key: str) -> str:
    """ "" when it is nothing that we know."""
    declared = registry.find(Subject, kind) if kind else None
    return (declared.title(key) if declared else None) or ""


def read(typed: str) -> tuple[str, str]:
    """(kind, key) of "procedure:birth", as a visitor says it; ("", "") for what is not known, and for what only its own service books."""
    kind, _colon, key = typed[:121].partition(":")
    return (kind, key) if title_of(kind, key) and not silent(kind) else ("", "")
