"""The desk of messages: by what they leave, what that costs, and what became of each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages as notes
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.channels.gateway import actions, callbacks, queue
from toguna.engines.channels.gateway.forms import RouteForm, TryForm, kinds
from toguna.engines.channels.models import Message, Route, RouteDay
from toguna.engines.people import api as people
from toguna.kernel import access, limits, town
from toguna.kernel.web import Request, staff

PAGE = 50


@staff("channels.administer")
def routes(request: Request) -> HttpResponse:
    """All ways out, with what left by them today."""
    access.require(request.actor, "channels.administer")
    now = timezone.now()
    today = {day.route_id: day for day in RouteDay.objects.filter(day=queue.today())}
    titles = {kind.name: kind.title for kind in kinds()}
    rows = [
        {"route": route, "day": today.get(route.pk), "title": titles.get(route.kind, route.kind), "down": bool(route.down_until and route.down_until > now)}
        for route in Route.objects.all()
    ]  # fmt: skip
    values = {"rows": rows, "kinds": kinds(), "currency": town.current().currency}
    return render(request, "channels/routes.html", values)


@staff("channels.administer")
def route(request: Request, slug: str = "", kind: str = "") -> HttpResponse:
    """One way out: written, changed, tried."""
    access.require(request.actor, "channels.administer")
    row = get_object_or_404(Route, slug=slug) if slug else Route(kind=kind)
    medium = next((found for found in kinds() if found.name == row.kind), None)
    if medium is None:
        raise Http404
    row.medium = medium.carries
    do = request.POST.get("do", "")
    form = RouteForm(request.POST if do == "save" else None, instance=row, kind=medium)
    trial = TryForm(request.POST if do == "try" else None)
    if do == "save" and form.is_valid():
        values = {name: form.cleaned_data[name] for name in RouteForm.Meta.fields}
        actions.save_route(row, values, form.given(), by=request.actor)
        notes.success(request, _("Saved."))
        return redirect("route", row.slug)
    if do == "try" and row.pk and trial.is_valid():
        try:
            limits.hit("channels.try", str(request.actor.account), at_most=10, per=timedelta(hours=1))
            words = _("%(town)s: this is a trial of %(route)s.") % {"town": town.current().name, "route": row.slug}
            actions.try_route(row, trial.cleaned_data["phone"], words, by=request.actor)
            notes.success(request, _("The message is on its way; what becomes of it is said under “Messages”."))
            return redirect("route", row.slug)
        except limits.TooMany as error:
            trial.add_error("phone", str(error))
    shown: dict[str, Any] = {"row": row, "form": form, "trial": trial, "title": medium.title}
    if row.pk and row.medium == "sms" and row.kind != "modem":
        shown["addresses"] = [
            (_("What people write"), callbacks.address("in", row.kind)),
            (_("Delivery reports"), callbacks.address("report", row.kind)),
        ]
    return render(request, "channels/route.html", shown, status=422 if form.errors or trial.errors else 200)


@staff("channels.read")
def messages(request: Request) -> HttpResponse:
    """What left the town, or waits to: found by state and by address; a doubtful one is sent again from here."""
    access.require(request.actor, "channels.read")
    if request.method == "POST":
        if actions.send_again(
            int(request.POST["message"]) if request.POST.get("message", "").isdigit() else 0, by=request.actor
        ):
            notes.success(request, _("It is sent again."))
        else:
            notes.error(request, _("It cannot be sent again: it left by now, or its words are no longer kept."))
        return redirect(request.get_full_path())
    state, typed, before = (request.GET.get(name, "").strip() for name in ("state", "address", "before"))
    found = Message.objects.order_by("-id").defer("text")
    if state in Message.State.values:
        found = found.filter(state=state)
    if typed:
        found = found.filter(address__in=_addresses(typed))
    if before.isdigit() and len(before) < 19:
        found = found.filter(id__lt=int(before))
    rows = list(found[: PAGE + 1])
    for row in rows:
        row.address = people.masked("email" if row.medium == "email" else "phone", row.address)
    values = {
        "rows": rows[:PAGE],
        "more": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "state": state,
        "typed": typed,
        "counts": _counts(),
        "may_send": access.can(request.actor, "channels.administer"),
    }
    return render(request, "channels/messages.html", values)


def _addresses(typed: str) -> list[str]:
    try:
        return [typed, people.normal_phone(typed)]
    except ValidationError:
        return [typed.lower()]


def _counts() -> list[tuple[str, Any, int]]:
    """(state, its name, how many) of the last seven days."""
    since = timezone.now() - timedelta(days=7)
    found = dict(Message.objects.filter(created__gt=since).order_by().values_list("state").annotate(Count("id")))
    return [(state.value, state.label, found[state.value]) for state in Message.State if state.value in found]
