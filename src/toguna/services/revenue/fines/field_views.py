"""The officer's app: a page that goes on without network, what it takes along in the morning, and what comes back. Thin: see `tickets`."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import money, offline, text, town
from toguna.kernel.web import Request, public, staff
from toguna.services.revenue.fines import books, reads, tickets
from toguna.services.revenue.fines.books import WRITE, Refused

MOST_RECORDS = 20  # in one batch


@staff(WRITE)
def app(request: Request) -> HttpResponse:
    """The page: it holds nothing of anybody, so that the telephone may keep it."""
    return render(request, "revenue/fines/app.html", {"texts": _texts()})


def _texts() -> dict[str, Any]:
    return {
        "sent": _("Sent"), "refused": _("Refused"), "waiting": _("Waiting on this phone"), "login": _("Log in again: your work stays on this phone."),
        "others": _("Work of another account waits on this phone: that account must log in to send it."),
        "offline": _("No network: your work stays on this phone."), "done": _("Everything is sent."), "some_refused": _("Sent, but for {0} that were refused: read why in the list below."), "where": _("You are here:"),
        "full": _("This phone has no room left: send what waits, then try again."), "today": _("Tickets today"),
        "nowhere": _("This phone does not know where it is: go outside, and wait a little."), "loaded": _("Loaded."),
        "no_numbers": _("No numbers left in your book: load your day where there is network."), "left": _("Numbers left in the book"),
        "known": _("{0} tickets in twelve months, the last on {1}. {2} not paid."), "unknown": _("No ticket of this plate in twelve months."),
        "ticket": _("Ticket"), "plate": _("Number plate"), "name": _("Name"), "place": _("Place"), "law": _("Law"), "when": _("On"),
        "until": _("To be paid before"), "contest": _("Can be contested until"), "total": _("To pay"), "check": _("See it, pay it, contest it:"),
        "printed": _("Printed."), "not_printed": _("The printer does not answer."), "address": settings.TOGUNA_URL,
        "more": _("After {0}: {1} % more"), "held": _("The law lets the town hold this vehicle."),
    }  # fmt: skip


@staff(WRITE)
def me(request: Request) -> HttpResponse:
    """Whose session this is, and what a form needs to be sent in it."""
    return offline.me(request)


@staff(WRITE)
def day(request: Request) -> HttpResponse:
    """?device=UUID&book=ID&used=N (of its book, the last number). What an officer takes along: the kinds with their prices, a book of numbers, the plates of the last twelve months."""
    try:
        used = (int(request.GET.get("book") or 0), int(request.GET.get("used") or 0))
        book = books.take(uuid.UUID(request.GET.get("device", "")), by=request.actor, used=used)
    except ValueError:
        return offline.private({"says": _("This device has no number: open the page again.")}, 400)
    except Refused as error:
        return offline.private({"says": str(error)}, 409)
    unit = town.current().currency
    rows = [
        {
            "slug": kind.slug, "title": text.pick(kind.titles), "law": kind.law, "flat": price.flat, "by": price.by,
            "bands": [[None if upto is None else float(upto), amount] for upto, amount in price.bands], "pay_days": kind.pay_days,
            "contest_days": kind.contest_days, "more": kind.more, "more_days": kind.more_days, "impound": kind.impound,
        }
        for kind, price in reads.offered()
    ]  # fmt: skip
    known = reads.repeat(reads.reach(request.actor, WRITE), most=reads.KNOWN)
    values = {
        "account": request.actor.account, "officer": request.actor.name, "town": town.current().name, "currency": unit,
        "exponent": money.exponent(unit), "day": timezone.localdate().isoformat(), "kinds": rows,
        "book": {"id": book.pk, "prefix": book.prefix, "checks": book.checks, "next": books.next_leaf(book)},
        "known": [[one.plate, one.count, timezone.localdate(one.last).isoformat(), one.owed] for one in known],
    }  # fmt: skip
    return offline.private(values)


@staff(WRITE)
def sync(request: Request) -> HttpResponse:
    """Takes {"account": ID, "records": [...]}; answers {"results": [{id, state, says, number}]}, one for each."""
    sent = offline.batch(request, MOST_RECORDS)
    if isinstance(sent, HttpResponse):
        return sent
    return offline.private(
        {"results": [dataclasses.asdict(tickets.apply(row, by=request.actor)) for row in sent["records"]]}
    )


@staff(WRITE)
def photo(request: Request) -> HttpResponse:
    """Takes one photo: account, id, of (the record's id); the file in `photo`."""
    file = offline.photo(request, cases.MOST_BYTES)
    if isinstance(file, HttpResponse):
        return file
    result = tickets.add_photo(request.POST.get("id", ""), request.POST.get("of", ""), file.read(), by=request.actor)
    return offline.private(dataclasses.asdict(result))


@public
def worker(request: HttpRequest) -> HttpResponse:
    files = ("revenue/ticket.js", "revenue/paper.js", "revenue/qr.js", "revenue/collect.css", "ledger/print.js")
    return offline.worker(request, "tickets", "/tickets/app", files, scope="/tickets/")


@public
def manifest(request: HttpRequest) -> HttpResponse:
    name = _("%(town)s: tickets") % {"town": town.current().name}
    return offline.manifest(name, _("Tickets"), start="/tickets/app", scope="/tickets/")
