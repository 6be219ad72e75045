"""The collector's app: a page that a telephone keeps, the morning's load, and what comes back of it. Thin."""

from __future__ import annotations

import dataclasses
from datetime import UTC, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import audit, offline, town
from toguna.kernel.web import Request, public, staff
from toguna.services.revenue.collecting import board, day, devices, records
from toguna.services.revenue.collecting.devices import COLLECT, Refused
from toguna.services.revenue.collecting.texts import texts
from toguna.services.revenue.models import Collector, Device

MOST_RECORDS = 20  # in one batch: what a cut makes one send again is little
FILES = ("revenue/collect.js", "revenue/paper.js", "revenue/qr.js", "revenue/collect.css", "ledger/print.js")


@staff(COLLECT)
def app(request: Request) -> HttpResponse:
    """The app's page: it holds nothing of anybody, so that the telephone may keep it."""
    return render(request, "revenue/collect/app.html", {"texts": texts()})


@staff(COLLECT)
def me(request: Request) -> HttpResponse:
    """Whose session this is, and what a form needs to be sent in it."""
    return offline.me(request)


def _mine(request: Request) -> Collector:
    collector = devices.collector_of(request.actor)
    if collector is None:
        raise Refused(_("You are no collector yet: who supervises them makes you one."))
    return collector


@staff(COLLECT)
def load(request: Request) -> HttpResponse:
    """The day, whole. ?device=ID&label=...&from=lat,lon"""
    try:
        collector = _mine(request)
        if not collector.active:
            raise Refused(_("You collect no more: ask who supervises."))
        device = devices.known(collector, request.GET.get("device", ""), request.GET.get("label", ""))
        if device.cut is not None:
            return _cut(device)
        devices.heard(device, waiting=device.waiting, carried=device.carried, skew=device.skew)
        found = day.whole(collector, device, request.actor, day.start_of(request.GET.get("from", "")))
    except (Refused, ledger.Refused) as error:
        return offline.private({"says": str(error)}, 409)
    audit.record(request.actor, "revenue.take_along", f"revenue.device:{device.pk}", places=len(found["places"]))
    return offline.private(found)


def _cut(device: Device) -> HttpResponse:
    said = _("This device was cut off: %(why)s. Bring it to who supervises.") % {"why": device.why}
    return offline.private({"says": said, "cut": True}, 410)


@staff(COLLECT)
def sync(request: Request) -> HttpResponse:
    """Takes records: {account, device, now, waiting, carried, records}; now: the device's clock; waiting, carried: what it has left after
    these. Answers {results: [{id, state, says, receipt}], held, most, taken}. What a device that was cut off sends is taken too, aside."""
    sent = offline.batch(request, MOST_RECORDS)
    if isinstance(sent, HttpResponse):
        return sent
    try:
        waiting, carried = int(sent.get("waiting") or 0), int(sent.get("carried") or 0)
        clock = parse_datetime(str(sent.get("now") or ""))
    except (ValueError, TypeError, OverflowError):
        return offline.private({"says": _("This cannot be read.")}, 400)
    try:
        collector = _mine(request)
        device = devices.known(collector, str(sent.get("device", "")))
    except Refused as error:
        return offline.private({"says": str(error)}, 409)
    skew = timedelta()
    if clock is not None:
        skew = timezone.now() - (clock if clock.tzinfo else clock.replace(tzinfo=UTC))
    results = [dataclasses.asdict(records.apply(row, device, skew=skew, by=request.actor)) for row in sent["records"]]
    devices.heard(device, skew=skew.total_seconds(), waiting=waiting, carried=carried)
    now = board.of(collector)
    told = {"held": now.held, "most": collector.most, "taken": now.taken, "number": now.number, "skew": device.skew}
    return offline.private({"results": results, **told, "cut": device.cut is not None})


@public
def worker(request: HttpRequest) -> HttpResponse:
    """The app's service worker."""
    return offline.worker(request, "collect", reverse("collect"), FILES, scope=reverse("collect"))


@public
def manifest(request: HttpRequest) -> HttpResponse:
    """What makes the page an app on the telephone's screen."""
    name = _("%(town)s: collecting") % {"town": town.current().name}
    return offline.manifest(name, _("Collecting"), start=reverse("collect"), scope=reverse("collect"))
