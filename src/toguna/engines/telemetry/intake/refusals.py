"""What a message claimed that was not believed."""

from __future__ import annotations

import json

from toguna.engines.telemetry.intake import observation
from toguna.engines.telemetry.models import Refused


def refused_said(refused: int) -> list[observation.Observation]:
    """What a message that was not believed says, as far as it can be read: to be shown beside why, never to be counted."""
    body = Refused.objects.filter(pk=refused).values_list("body", flat=True).first() or ""
    starts = [at for at in (body.find("{"), body.find("[")) if at >= 0]
    try:
        said, _end = json.JSONDecoder().raw_decode(body, min(starts, default=len(body)))
        return observation.listed(said)
    except (ValueError, RecursionError, observation.Unreadable):
        return []
