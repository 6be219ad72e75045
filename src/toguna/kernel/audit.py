"""Who did or read what. Append-only: the database itself refuses to change or delete a row (see the first migration)."""

from __future__ import annotations

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from toguna.kernel.access import Actor


def record(actor: Actor, action: str, subject: str = "", **data: Any) -> None:
    """Writes one row, in the caller's transaction. action: "service.verb"; subject: "room.thing:id"; data: JSON-able.

    Never put personal data in `data`: the log outlives an erasure.
    """
    if actor.mandate is not None:
        data = {"mandate": actor.mandate, "person": actor.person, **data}
    with connection.cursor() as cursor:  # by hand: it is written with everything that anybody does
        cursor.execute(
            "INSERT INTO kernel_audit (account, system, action, subject, data) VALUES (%s, %s, %s, %s, %s)",
            [actor.account, actor.system, action, subject, json.dumps(data, cls=DjangoJSONEncoder)],
        )
