"""How somebody ends what they get, with one press of their mail program (RFC 8058): messages that come again and again say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toguna.kernel import registry
from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class Leaving(Declaration):
    """Messages whose key begins with `name` and a colon. link(key): the address to which a mail program posts; "" for a
    message that is none of those after all."""

    name: str
    link: Callable[[str], str]


def headers(key: str) -> dict[str, str]:
    """What an e-mail with this key says of how to leave; nothing for one that comes once."""
    declared = next((d for d in registry.declared(Leaving) if key.startswith(f"{d.name}:")), None)
    link = declared.link(key) if declared else ""
    if not link:
        return {}
    return {"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
