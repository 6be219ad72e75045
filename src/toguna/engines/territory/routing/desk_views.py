"""Roads that are closed: the public list, and the desk where an officer closes and opens them."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.territory.map_views import setup
from toguna.engines.territory.models import Closure
from toguna.engines.territory.points import read_point
from toguna.engines.territory.routing import blocked, closures, routes
from toguna.engines.territory.routing.client import NoRoute, RoutingUnavailable
from toguna.engines.territory.routing.modes import MODES
from toguna.kernel import access
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, public, staff

MOST = 200


def open_or_to_come() -> QuerySet[Closure]:
    return Closure.objects.filter(Q(ends=None) | Q(ends__gt=timezone.now())).order_by("starts", "id")


class ClosureForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    where = forms.CharField(
        label=gettext_lazy("Where"),
        max_length=20_000,
        help_text=gettext_lazy(
            "A point on the road, as 13.9423, -8.8488. An area or a line as GeoJSON or WKT is taken too."
        ),
    )
    until = forms.CharField(
        label=gettext_lazy("As far as (if it is a stretch of road)"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("A second point: the road between the two is closed."),
    )
    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=Closure.Reason.choices)
    words = forms.CharField(
        label=gettext_lazy("What people should know"),
        max_length=250,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    starts = forms.DateTimeField(
        label=gettext_lazy("From (now if left empty)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    ends = forms.DateTimeField(
        label=gettext_lazy("Until (until opened if left empty)"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    modes = forms.MultipleChoiceField(
        label=gettext_lazy("For whom"),
        choices=list(MODES.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None ticked: for all that have a motor."),
    )
    height_m = forms.FloatField(
        label=gettext_lazy("Only trucks higher than (metres)"), required=False, min_value=1, max_value=6
    )
    weight_t = forms.FloatField(
        label=gettext_lazy("Only trucks heavier than, with their load (tonnes)"),
        required=False,
        min_value=0.5,
        max_value=60,
    )

    def shape(self) -> Any:
        """What is closed, from the two fields. Raises ClosureRefused."""
        where, until = (self.cleaned_data[name].strip() for name in ("where", "until"))
        first = None if where.startswith("{") else read_point(where)
        if not until:
            return closures.shape(f"POINT({first[0]} {first[1]})" if first else where)
        last = read_point(until)
        if first is None or last is None:
            raise closures.ClosureRefused(_("A stretch of road goes from one point to another."))
        try:  # on foot: against a one-way street too
            line = routes.route([first, last], "foot", steps=False).line
        except (NoRoute, RoutingUnavailable) as error:
            raise closures.ClosureRefused(_("No road was found between these two points.")) from error
        return closures.shape("LINESTRING({})".format(", ".join(f"{lon} {lat}" for lon, lat in line)))


def _rows(actor: Actor) -> list[dict[str, Any]]:
    now = timezone.now()
    return [
        {
            "closure": found,
            "modes": [MODES[mode] for mode in found.modes],
            "to_come": found.starts > now,
            "at": found.geom.centroid,
            "may": access.can(actor, closures.PERMISSION, zone=found.zone),
        }
        for found in open_or_to_come()[:MOST]
    ]


@staff(closures.PERMISSION)
def index(request: Request) -> HttpResponse:
    """Closures in force and to come, and a form for another."""
    form = ClosureForm(request.POST or None, initial={"client_id": uuid.uuid4(), "where": request.GET.get("at", "")})
    if request.method == "POST" and form.is_valid():
        d = form.cleaned_data
        try:
            closures.close_road(
                f"desk:{d['client_id'] or uuid.uuid4()}", form.shape(), by=request.actor, reason=d["reason"], words=d["words"],
                starts=d["starts"], ends=d["ends"], modes=d["modes"], height_m=d["height_m"], weight_t=d["weight_t"],
            )  # fmt: skip
        except closures.ClosureRefused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The road is closed: routes avoid it from now on."))
            return redirect("desk-closures")
    values = {
        "form": form,
        "rows": _rows(request.actor),
        "waiting": blocked.waiting(request.actor)[:MOST],
        **setup(request),
    }
    return render(request, "territory/desk_closures.html", values)


@staff(closures.PERMISSION)
def confirm(request: Request) -> HttpResponse:
    """A road that somebody said is blocked is: it is closed until whoever said so is answered, or an officer opens it."""
    wanted = request.POST.get("source", "")
    found = next((one for one in blocked.waiting(request.actor) if one.source == wanted), None)
    if request.method == "POST" and found is not None:
        closures.close_road(found.source, found.where, by=request.actor, reason=found.reason, words=found.words)
        messages.success(request, _("The road is closed: routes avoid it from now on."))
    return redirect("desk-closures")


@staff(closures.PERMISSION)
def open_again(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Closure, pk=pk)
    access.require(request.actor, closures.PERMISSION, zone=found.zone)
    if request.method == "POST" and closures.open_road(found.source, by=request.actor):
        messages.success(request, _("The road is open again."))
    return redirect("desk-closures")


@public
def closed(request: HttpRequest) -> HttpResponse:
    """Which roads are closed now, and which will be."""
    now = timezone.now()
    rows = [
        {"closure": c, "modes": [MODES[mode] for mode in c.modes], "to_come": c.starts > now, "at": c.geom.centroid}
        for c in open_or_to_come().filter(public=True)[:MOST]
    ]
    return render(request, "territory/closures.html", {"rows": rows})
