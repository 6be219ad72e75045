"""Why a stop is in a round, or in none; said to the head of service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

LEFT = {
    "too_big": gettext_lazy("No truck can carry it at once"),
    "no_way": gettext_lazy("No vehicle of today gets there"),
    "window": gettext_lazy("No truck can be there at its hours"),
    "no_room": gettext_lazy("No truck has the time or the room left"),
    "not_worth": gettext_lazy("The detour costs more than waiting for the next round"),
}


def stops(many: int) -> str:
    return ngettext("%(n)d stop", "%(n)d stops", many) % {"n": many}


def size(figures: Mapping[str, Any]) -> str:
    """ "1 truck, 10 stops, 3.4 km", of what a plan is worth."""
    trucks = int(figures.get("trucks") or 0)
    lorries = ngettext("%(n)d truck", "%(n)d trucks", trucks) % {"n": trucks}
    return f"{lorries}, {stops(int(figures.get('stops') or 0))}, {number_format(figures.get('km') or 0, 1)} km"


def why(code: str, facts: Mapping[str, Any]) -> str:
    return " · ".join(said for said in (_why(code, facts), left(facts)) if said)


def left(facts: Mapping[str, Any]) -> str:
    """On which days it was left before, if it was."""
    days = ", ".join(f"{date.fromisoformat(day):%d/%m}" for day in facts.get("left", ()))
    return _("Left on %(days)s") % {"days": days} if days else ""


def _why(code: str, facts: Mapping[str, Any]) -> str:
    level = facts.get("level")
    match code:
        case "said":
            return _("Somebody said that it is full")
        case "full":
            return _("Expected %(level)d %% full at noon") % {"level": level}
        case "soon":
            full = parse_datetime(str(facts.get("full")))
            day = f"{timezone.localdate(full):%d/%m}" if full else ""
            return _("Expected full on %(day)s, give or take %(error)s days") % {
                "day": day,
                "error": number_format(float(facts.get("error") or 0), 1),
            }
        case "long":
            return _("Not emptied for a week")
        case "unknown":
            return _("Nothing is known of it yet")
        case "call":
            return _("Reported by a resident")
        case "point":
            return _("What carts brought there")
    return ""
