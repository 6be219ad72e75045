"""Rules: what they watch, when they would have been raised, on and off."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _

from toguna.engines.telemetry.desk.forms import KINDS, RuleForm, initial
from toguna.engines.telemetry.devices.register import MANAGE, READ
from toguna.engines.telemetry.models import AlarmRule
from toguna.engines.telemetry.rules import actions, declared, saying, trying, watching
from toguna.engines.telemetry.rules.conditions import BadCondition
from toguna.engines.telemetry.rules.reacting import AlarmReaction
from toguna.kernel import access, registry
from toguna.kernel.web import Request, staff

DAYS = 14


def _visible(request: Request) -> Any:
    zones = access.zones(request.actor, READ)
    rows = AlarmRule.objects.all()
    return rows if zones is None else rows.filter(zone__in=zones)


@staff(READ)
def index(request: Request) -> HttpResponse:
    declared.bring()
    values = {"rules": _visible(request), "may_manage": access.can(request.actor, MANAGE, anywhere=True)}
    return render(request, "telemetry/desk_rules.html", values)


@staff(READ)
def rule(request: Request, name: str) -> HttpResponse:
    """?try=1: what it would have done in the last days. Then it is switched on."""
    row = get_object_or_404(_visible(request), name=name)
    if request.method == "POST":
        if request.POST.get("do") not in ("on", "off"):
            raise Http404
        actions.switch(row.pk, request.POST["do"] == "on", by=request.actor)
        return redirect("desk-alarm-rule", name)
    tried, watches, wrong, count, unit = None, None, "", 0, ""
    try:
        live = watching.made(row)
        watches, unit = saying.said(live.condition), saying.units([live.condition])[0]
        devices = actions.watched_by(live)
        if "try" in request.GET:
            tried = trying.attempt(live.condition, devices, DAYS)
        else:
            count = devices.count()
    except BadCondition as error:
        wrong = str(error)
    values = {
        "rule": row, "does": _does(row), "tried": tried, "watches": watches, "wrong": wrong, "days": DAYS, "count": count,
        "shown": tried.raised[-50:] if tried else [], "unit": unit,
        "may_manage": access.can(request.actor, MANAGE, zone=row.zone),
    }  # fmt: skip
    return render(request, "telemetry/desk_rule.html", values)


def _does(row: AlarmRule) -> list[tuple[Any, Any]]:
    """(title, words) of what its alarms set going."""
    return [
        (one.title, dict(one.choices()).get(chosen, chosen))
        for one in registry.declared(AlarmReaction)
        if (chosen := row.does.get(one.name))
    ]


@staff(MANAGE)
def edit(request: Request, name: str = "") -> HttpResponse:
    """?condition=...: what it watches for is chosen first. A rule that is changed keeps its own, until another is chosen."""
    row = get_object_or_404(_visible(request), name=name) if name else None
    if row is not None:
        access.require(request.actor, MANAGE, zone=row.zone)
    first = initial(row) if row is not None else {}
    condition = request.POST.get("condition", request.GET.get("condition", first.get("condition")))
    back = reverse("desk-alarm-rule", args=[name]) if name else reverse("desk-alarm-rules")
    values: dict[str, Any] = {"title": _("Rule"), "back": back}
    if condition not in KINDS:
        return render(request, "telemetry/desk_rule_kinds.html", {**values, "kinds": KINDS.values()})
    form = RuleForm(
        request.POST or None, initial=first, condition=condition, allowed=access.zones(request.actor, MANAGE),
        actor=request.actor,
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        values = form.values(row)
        try:
            slug = name or f"{slugify(form.cleaned_data['title'])[:50] or 'rule'}-{secrets.token_hex(3)}"
            saved = actions.save_rule(slug, values, by=request.actor)
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(request, _("It is saved. See below when it would have been raised."))
            return redirect(f"{reverse('desk-alarm-rule', args=[saved.name])}?try=1")
    return render(
        request, "telemetry/desk_rule_edit.html", {**values, "form": form}, status=422 if form.errors else 200
    )
