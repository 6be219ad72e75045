"""A pick-up that the counter or the call centre orders for somebody: the same form, verb, price and messages as on the web."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.bookings import api as bookings
from toguna.engines.people import api as people
from toguna.kernel import access, limits
from toguna.kernel import money as kernel_money
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, staff
from toguna.services.waste import households
from toguna.services.waste.models import Household, PickUp, PickUpKind
from toguna.services.waste.orders import actions, money
from toguna.services.waste.orders.forms import PickUpForm
from toguna.services.waste.orders.views import SHOWN


@staff("waste.work")
def new(request: Request) -> HttpResponse:
    """?kind=SLUG, ?for=NOTE: the front desk knows for whom; else their name and number are asked."""
    given = request.POST if request.method == "POST" else request.GET
    served = people.serving(given.get(people.NOTE), by=request.actor)
    kinds = [kind for kind in PickUpKind.objects.filter(active=True) if bookings.resource(kind.resource)]
    kind = next((one for one in kinds if one.slug == given.get("kind")), kinds[0] if kinds else None)
    if kind is None:
        messages.error(request, _("Say first what can be fetched, and when."))
        return redirect("desk-waste")
    known = Household.objects.filter(person=served.person).first() if served else None
    zone = known.zone_id if known else None
    initial = {"name": served.name, "contact": people.typed_contact(served)} if served else {}
    if known is not None:
        initial |= {"where": known.where, "contact": known.address}
    price, monthly = _prices(kind, zone)
    today = timezone.localdate()
    resource = bookings.resource(kind.resource)
    offers = bookings.free(resource, today, today + timedelta(days=resource.ahead_days))[:SHOWN] if resource else []
    form = PickUpForm(request.POST or None, kind=kind, offers=offers, monthly=monthly, initial=initial)
    form.fields["name"].label, form.fields["contact"].label = _("Name"), _("Phone")
    if request.method == "POST" and form.is_valid():
        try:
            row = _ask(request, kind, form.cleaned_data, served)
        except (actions.Refused, money.NoPrice, limits.TooMany) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is ordered. The code to give to the person: %(code)s") % {"code": row.code})
            # An order of no district is the whole town's desk's to see.
            if not access.can(request.actor, "waste.read", zone=row.zone_id):
                return redirect("desk-waste")
            return redirect("desk-waste-pickup", code=row.code)
    values = {
        "kinds": kinds, "kind": kind, "form": form, "offers": offers, "price": price, "served": served, "note": given.get(people.NOTE, ""),
    }  # fmt: skip
    return render(request, "waste/desk_pickup_new.html", values, status=422 if form.errors else 200)


def _theirs(served: people.Serving | None, address: str) -> bool:
    """Whether it is an address of who is served: another's household keeps its door where it was."""
    return served is not None and any(one.address == address for one in people.reach(served.person))


def _prices(kind: PickUpKind, zone: int | None) -> tuple[int | None, str]:
    """(one pick-up, None where it has no price; a month in words, "" where there is none)."""
    try:
        once: int | None = money.once(kind, 1, zone=zone)[1].total
    except money.NoPrice:
        once = None
    try:
        return once, kernel_money.shown(money.monthly(kind, zone=zone)[1].total)
    except money.NoPrice:
        return once, ""


def _ask(request: Request, kind: PickUpKind, given: Mapping[str, Any], served: people.Serving | None) -> PickUp:
    spot = households.read_spot(given["where"])
    zone = households.zone_of(spot)
    if not access.can(request.actor, "waste.work", zone=zone, anywhere=zone is None):
        raise actions.Refused(_("This place is not in your districts."))
    spoken = served.person.language if served else ""
    wanted = actions.Wanted(
        kind, datetime.fromisoformat(given["start"]), spot, given["contact"], size=given.get("size") or 1, name=given["name"],
        note=given["note"], language=spoken or (get_language() or "").split("-")[0], channel=served.channel if served else "counter",
        weekly=bool(given.get("weekly")), theirs=_theirs(served, given["contact"]),
    )  # fmt: skip
    clerk = request.actor
    by = Actor(clerk.account, None, clerk.name, clerk.staff, clerk.grants, clerk.teams)  # never in their own name
    again = PickUp.objects.filter(client_id=given["client_id"]).exists()
    row = actions.ask(wanted, client_id=given["client_id"], by=people.actor_serving(served, by) if served else by)
    if served is not None and not again:
        people.acted_for(served, "waste.pickup_for", f"waste.pickup:{row.pk}", by=request.actor)
    return row
