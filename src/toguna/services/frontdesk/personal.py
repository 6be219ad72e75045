"""What the front desk knows of a person, for them to take away."""

from __future__ import annotations

from typing import Any

from toguna.services.frontdesk.models import Call, CallBack


def export(person: int) -> dict[str, Any]:
    calls = (
        Call.objects.filter(person=person)
        .order_by("id")
        .values("door", "number", "created", "reason", "outcome", "note")
    )
    backs = CallBack.objects.filter(person=person).order_by("id").values("number", "why", "due", "done")
    return {
        "calls": [{**row, "created": row["created"].isoformat()} for row in calls],
        "call_backs": [
            {**row, "due": row["due"].isoformat(), "done": row["done"] and row["done"].isoformat()} for row in backs
        ],
    }
