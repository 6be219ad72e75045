"""The page of drivers and mechanics that goes on without network, and what comes back of it. Thin: see `field`."""

from __future__ import annotations

import dataclasses

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.assets import field
from toguna.engines.assets.actions import USE
from toguna.engines.assets.desk.forms import FinishForm, FuelForm, MeterForm
from toguna.kernel import offline, town
from toguna.kernel.web import Request, public, staff

MOST_RECORDS = 20  # in one batch


@staff(USE)
def app(request: Request) -> HttpResponse:
    """The page: it holds nothing of any equipment, so that the telephone may keep it."""
    values = {
        "fuel_form": FuelForm(auto_id="fuel_%s"), "meter_form": MeterForm(auto_id="meter_%s"),
        "finish_form": FinishForm(initial={"minutes": 0}, auto_id="finish_%s"),
    }  # fmt: skip
    return render(request, "assets/field.html", values)


@staff(USE)
def me(request: Request) -> HttpResponse:
    """Whose session this is, and what a form needs to be sent in it."""
    return offline.me(request)


@staff(USE)
def day(request: Request) -> HttpResponse:
    return offline.private(
        {"account": request.actor.account, "made": timezone.now().isoformat(), **field.day(request.actor)}
    )


@staff(USE)
def sync(request: Request) -> HttpResponse:
    """Takes {"account": ID, "records": [...]}; answers {"results": [{id, state, says}]}, one for each."""
    sent = offline.batch(request, MOST_RECORDS)
    if isinstance(sent, HttpResponse):
        return sent
    return offline.private(
        {"results": [dataclasses.asdict(field.apply(row, by=request.actor)) for row in sent["records"]]}
    )


@public
def worker(request: HttpRequest) -> HttpResponse:
    # A label that is scanned without network opens the kept page at its equipment.
    return offline.worker(request, "garage", "/a/app", ("assets/field.js",), scope="/a/", within=True)


@public
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes the page an app on the telephone's screen."""
    name = _("%(town)s: my equipment") % {"town": town.current().name}
    return offline.manifest(name, _("My equipment"), start="/a/app", scope="/a/")
