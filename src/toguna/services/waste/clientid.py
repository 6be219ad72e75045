"""The id that a client gives to what it sends, so that it counts once."""

from __future__ import annotations

import uuid


def once(typed: str) -> uuid.UUID:
    """The client's own id of what it sends; a new one for what is none."""
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.uuid4()
