"""The inspector's day: a plain list, and an app for the telephone that goes on without network. Thin."""

from __future__ import annotations

import dataclasses

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.territory import api as territory
from toguna.kernel import offline, town
from toguna.kernel.web import Request, public, staff
from toguna.services.reports.field import day, records
from toguna.services.reports.topics import topics

MOST_RECORDS = 20  # in one batch: what a cut makes one send again is little


@staff("reports.handle")
def rounds(request: Request) -> HttpResponse:
    """The day's list, in the order of the visits: each leads to its report, where all can be done with network."""
    start = day.start_of(request.GET.get("from", ""))
    rows = day.chosen(request.actor, request.GET)
    values = {
        "rows": list(zip(rows, day.legs(start, rows), strict=True)),
        "districts": territory.districts(),
        "asked": request.GET,
    }
    return render(request, "reports/field/rounds.html", values)


@staff("reports.handle")
def app(request: Request) -> HttpResponse:
    """The app's page: it holds nothing of any report, so that the telephone may keep it."""
    values = {
        "topics": [t for t in topics() if t.active and not any(t.stop.values())],
        "districts": territory.districts(),
    }
    return render(request, "reports/field/app.html", values)


@staff("reports.handle")
def me(request: Request) -> HttpResponse:
    """Whose session this is, and what a form needs to be sent in it."""
    return offline.me(request)


@staff("reports.handle")
def load(request: Request) -> HttpResponse:
    """The day, whole. ?code=...&code=... or ?zone=ID, ?order=due, ?from=lat,lon"""
    rows = day.chosen(request.actor, request.GET, request.GET.getlist("code")[: day.MOST])
    return offline.private(day.whole(request.actor, rows, day.start_of(request.GET.get("from", ""))))


@staff("reports.handle")
def sync(request: Request) -> HttpResponse:
    """Takes records: {"account": ID, "records": [...]}; answers {"results": [{id, state, says, code}]}, one for each."""
    sent = offline.batch(request, MOST_RECORDS)
    if isinstance(sent, HttpResponse):
        return sent
    return offline.private(
        {"results": [dataclasses.asdict(records.apply(row, by=request.actor)) for row in sent["records"]]}
    )


@staff("reports.handle")
def photo(request: Request) -> HttpResponse:
    """Takes one photo: account, id, case and moment (or report), slip; the file in `photo`. Answers {id, state, says}."""
    file = offline.photo(request, cases.MOST_BYTES)
    if isinstance(file, HttpResponse):
        return file
    return offline.private(dataclasses.asdict(records.add_photo(request.POST, file.read(), by=request.actor)))


@public
def worker(request: HttpRequest) -> HttpResponse:
    """The app's service worker."""
    return offline.worker(request, "field", "/field/app", ("reports/field.js", "reports/field.css"), scope="/field/")


@public
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes the page an app on the telephone's screen."""
    name = _("%(town)s: my round") % {"town": town.current().name}
    return offline.manifest(name, _("My round"), start="/field/app", scope="/field/")
