"""Hours of places and of people, by the town's clock: kept as those of a resource of bookings are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

Hours = Sequence[Mapping[str, Any]]
WEEKDAYS = [1, 2, 3, 4, 5, 6]
_PAIR = re.compile(r"([01]?\d|2[0-3])\s*[:hH.]?\s*([0-5]\d)?\s*[-–]\s*([01]?\d|2[0-4])\s*[:hH.]?\s*([0-5]\d)?")


def read(typed: str, days: Sequence[int] = WEEKDAYS) -> list[dict[str, Any]]:
    """ "7:00-12:00, 15h-19h", on these ISO weekdays. Raises ValidationError, in words."""
    found = [(f"{int(m[1]):02}:{m[2] or '00'}", f"{int(m[3]):02}:{m[4] or '00'}") for m in _PAIR.finditer(typed)]
    found = [(opens, "23:59" if closes.startswith("24") else closes) for opens, closes in sorted(found)]
    if (
        _PAIR.sub("", typed).strip(" ,;")
        or any(a >= b for a, b in found)
        or any(a[1] > b[0] for a, b in itertools.pairwise(found))
    ):
        raise ValidationError(_("Give hours such as 7:00-12:00, 15:00-19:00."))
    return [{"days": list(days), "from": opens, "to": closes} for opens, closes in found]


def shown(hours: Hours) -> str:
    """ "07:00-12:00, 15:00-19:00"; "" for always."""
    return ", ".join(dict.fromkeys(f"{row['from']}-{row['to']}" for row in hours))


def is_open(hours: Hours, at: datetime | None = None) -> bool:
    """Whether it is open at that moment; without hours: always."""
    local = timezone.localtime(at or timezone.now())
    now = f"{local:%H:%M}"
    return not hours or any(local.isoweekday() in row["days"] and row["from"] <= now < row["to"] for row in hours)
