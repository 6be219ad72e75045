"""A pick-up on the web: what, when, where; then the page of the order. Thin: the rules are in the actions."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.bookings import api as bookings
from toguna.engines.people import api as people
from toguna.kernel import limits
from toguna.kernel import money as kernel_money
from toguna.kernel.web import Request, public
from toguna.services.waste.households import read_spot
from toguna.services.waste.models import Household, PickUp, PickUpKind
from toguna.services.waste.orders import actions, money, proof, subscriptions, telling
from toguna.services.waste.orders.forms import PickUpForm

SHOWN = 24  # hours offered in the form
PRICED = 4  # how many are priced at the head of the form
HOUR = timedelta(hours=1)


@public
def kinds(request: HttpRequest) -> HttpResponse:
    """What can be fetched, and from which price."""
    rows = []
    for kind in PickUpKind.objects.filter(active=True):
        try:
            rows.append((kind, money.once(kind, 1, zone=None)[1].total))
        except money.NoPrice:
            continue
    return render(request, "waste/pickup_kinds.html", {"rows": rows})


@public
def new(request: Request, slug: str) -> HttpResponse:
    """The form of a kind. The same form received twice is one order."""
    kind = get_object_or_404(PickUpKind, slug=slug, active=True)
    resource = bookings.resource(kind.resource)
    if resource is None:
        raise Http404(_("This is not offered any more."))
    today = timezone.localdate()
    offers = bookings.free(resource, today, today + timedelta(days=resource.ahead_days))[:SHOWN]
    known = Household.objects.filter(person=request.actor.person).first() if request.actor.person else None
    try:
        tariff, _quote = money.once(kind, 1, zone=None)
        prices = [
            (n, money.once(kind, n, zone=None)[1].total)
            for n in range(1, (min(kind.most, PRICED) if kind.measure else 1) + 1)
        ]
    except money.NoPrice as error:
        raise Http404(str(error)) from error
    month = _monthly(kind, None)
    monthly = kernel_money.shown(month) if month is not None else ""
    initial = {"where": known.where, "contact": known.address} if known else {}
    phones = people.phones_of(request.actor.person) if known and request.actor.person else []
    rings = bool(monthly and known and known.address in phones and money.ringing_way(known.address))
    form = PickUpForm(request.POST or None, kind=kind, offers=offers, monthly=monthly, initial=initial, rings=rings)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        wanted = actions.Wanted(
            kind, datetime.fromisoformat(given["start"]), read_spot(given["where"]), given["contact"], size=given.get("size") or 1,
            name=given["name"], note=given["note"], language=(get_language() or "").split("-")[0], weekly=bool(given.get("weekly")),
            theirs=known is not None and known.address == given["contact"],
            automatic=bool(given.get("automatic")) and given["contact"] in phones,
        )  # fmt: skip
        try:
            limits.hit("waste.ask", f"device {people.device_of(request)}", at_most=30, per=HOUR)
            if dearer := form.dearer():
                raise actions.Refused(dearer)
            row = actions.ask(wanted, client_id=given["client_id"], by=request.actor)
        except (actions.Refused, money.NoPrice, limits.TooMany) as error:
            form.add_error(None, str(error))
        else:
            return redirect(f"{telling.path_of(row)}&new=1")
    values = {"kind": kind, "form": form, "offers": offers, "tariff": tariff, "prices": prices}
    response = render(request, "waste/pickup_new.html", values, status=422 if form.errors else 200)
    return people.remember_device(request, response)


def _monthly(kind: PickUpKind, zone: int | None) -> int | None:
    """A month of a subscription; None where there is none."""
    try:
        return money.monthly(kind, zone=zone)[1].total
    except money.NoPrice:
        return None


def _theirs(request: HttpRequest, code: str) -> tuple[PickUp, str]:
    """The order, for whoever holds its key; nobody else learns that it is there."""
    row = actions.find(code)
    key = request.POST.get("key") or request.GET.get("key", "")
    if row is None or not actions.holds_key(row, key):
        raise Http404(_("This link is not complete: open it again as it was given to you."))
    return row, key


@public
def page(request: Request, code: str) -> HttpResponse:
    """An order, for who ordered: what happened, who comes, the code to give them, what is owed."""
    row, key = _theirs(request, code)
    steps = list(row.steps.select_related("collector"))
    values: dict[str, Any] = {
        "row": row, "key": key, "new": "new" in request.GET, "steps": steps,
        "open": row.state in PickUp.OPEN, "may_rate": row.state == PickUp.State.DONE and row.stars is None,
        "may_complain": row.state != PickUp.State.CANCELLED and (row.complained is None or row.settled is not None),
        "may_say_late": row.state in PickUp.OPEN and row.start < timezone.now(), "when": telling.when(row.start, row.end),
        "what": telling.many(row), "photos": list(proof.photos(row)),
        "may_confirm": row.state == PickUp.State.ACCEPTED and any(s.what == "photo" and s.collector_id == row.collector_id for s in steps),
    }  # fmt: skip
    if row.subscription is not None:
        values["monthly"] = _monthly(row.kind, row.zone_id)
    response = render(request, "waste/pickup.html", values)
    response["Cache-Control"] = "private, no-store"
    return response


@public
def photo(request: Request, code: str, photo: uuid.UUID) -> FileResponse:
    """What was taken, for who ordered."""
    row, _key = _theirs(request, code)
    return proof.sent(row, photo, by=request.actor)


@public
def act(request: Request, code: str) -> HttpResponse:
    """do=cancel|confirm|rate|complain|end (its subscription)."""
    row, _key = _theirs(request, code)
    if request.method != "POST":
        return redirect(telling.path_of(row))
    post, by = request.POST, request.actor
    try:
        match post.get("do"):
            case "cancel":
                actions.cancel(row, by=by, own=True)
                messages.success(request, _("It is cancelled. The hour is free for somebody else: thank you."))
            case "confirm":
                actions.confirm(row, by=by)
                messages.success(request, _("Thank you."))
            case "rate":
                stars = post.get("stars", "")
                actions.rate(row, int(stars) if stars.isdecimal() and len(stars) == 1 else 0, by=by)
                messages.success(request, _("Thank you."))
            case "complain":
                actions.complain(row, post.get("words", ""), by=by)
                messages.success(request, _("We are sorry. The town hall looks into it and answers you."))
            case "end" if row.subscription is not None:
                subscriptions.end(row.subscription, by=by, own=True)
                messages.success(request, _("The weekly pick-up is over. Thank you."))
    except actions.Refused as error:
        messages.error(request, str(error))
    return redirect(telling.path_of(row))
