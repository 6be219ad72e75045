"""Who did or read what. Append-only: the database itself refuses to change or delete a row (see the first migration)."""

from __future__ import annotations

from typing import Any

from toguna.kernel.access import Actor
from toguna.kernel.models import AuditEntry


def record(actor: Actor, action: str, subject: str = "", **data: Any) -> None:
    """Writes one row, in the caller's transaction. action: "service.verb"; subject: "room.thing:id"; data: JSON-able.

    Never put personal data in `data`: the log outlives an erasure.
    """
    if actor.mandate is not None:
        data = {"mandate": actor.mandate, "person": actor.person, **data}
    AuditEntry.objects.create(account=actor.account, system=actor.system, action=action, subject=subject, data=data)
