"""Alarms: those that stand, and those that were."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render

from toguna.engines.telemetry.desk import reading
from toguna.engines.telemetry.devices.register import READ
from toguna.engines.telemetry.models import Alarm
from toguna.engines.telemetry.rules import actions, saying
from toguna.engines.telemetry.rules.conditions import BadCondition, Condition, parse
from toguna.kernel.web import Request, staff

SHOWN = 50


@staff(READ)
def index(request: Request) -> HttpResponse:
    if request.method == "POST":
        pk = request.POST.get("alarm", "")
        if not pk.isdecimal() or not reading.alarms(request.actor).filter(pk=int(pk)).exists():
            raise Http404
        actions.acknowledge(int(pk), " ".join(request.POST.get("note", "").split()), by=request.actor)
        return redirect("desk-alarms")
    past = reading.alarms(request.actor).exclude(cleared=None)
    values = {
        "open": _with_units(reading.alarms(request.actor, only_open=True)[:200]),
        "page": Paginator(past, SHOWN).get_page(request.GET.get("page")),
    }
    return render(request, "telemetry/desk_alarms.html", values)


def _with_units(alarms: Iterable[Alarm]) -> list[tuple[Alarm, str]]:
    """Each with the unit of its value."""
    found, read = list(alarms), dict[int, Condition]()
    for one in found:
        with contextlib.suppress(BadCondition):
            read[one.rule_id] = parse(one.rule.spec)
    units = dict(zip(read, saying.units(read.values()), strict=True))
    return [(one, units.get(one.rule_id, "")) for one in found]
