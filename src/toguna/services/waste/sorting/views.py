"""Sorting for everybody: what it is worth, what it buys, which streets sort most. And what the town knows of one's own waste."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.people import api as people
from toguna.kernel import codes
from toguna.kernel.web import Request, public, resident
from toguna.services.waste import households
from toguna.services.waste.clientid import once
from toguna.services.waste.models import (
    Household,
    Material,
    PickUp,
    PointEntry,
    Reward,
    Scale,
    SortingCampaign,
    Subscription,
    Voucher,
)
from toguna.services.waste.orders import actions as orders
from toguna.services.waste.orders import money, subscriptions, telling
from toguna.services.waste.places import reads as places
from toguna.services.waste.sorting import actions, drawing, reads
from toguna.services.waste.weighing.commands import latest
from toguna.services.waste.weighing.telling import shown

REMEMBERED = timedelta(days=90)  # what a campaign reached is shown so long after it ended
MOST = 12


@public
def sorting(request: HttpRequest) -> HttpResponse:
    today = timezone.localdate()
    first = today.replace(day=1)
    campaigns = SortingCampaign.objects.filter(since__lte=today, until__gte=today - REMEMBERED)
    latest_first = campaigns.prefetch_related("zones", "compared").order_by(
        "-until", "-since"
    )  # those that run before all
    said = [(one, reads.reached(one, today)) for one in latest_first[:MOST]]
    values = {
        "materials": Material.objects.filter(active=True, sorted=True, points__gt=0), "rewards": Reward.objects.filter(active=True),
        "streets": reads.streets(first, today + timedelta(days=1)), "month": first, "least": reads.LEAST_HOUSEHOLDS,
        "shops": places.nearest(None, kinds=("reward",), most=20), "campaigns": [
            (one, effect, drawing.lines(effect) if effect and effect.by_week else "", reads.progress(one, today) if one.until >= today else None)
            for one, effect in said if effect or one.until >= today
        ],
    }  # fmt: skip
    return render(request, "waste/sorting.html", values)


@resident
def mine(request: Request) -> HttpResponse:
    """Card, points, what was weighed and fetched. POST reward: points become a code; subscription, do=automatic|by-hand: who pays it."""
    home = Household.objects.filter(person=request.actor.person).first() if request.actor.person else None
    if request.method == "POST" and home is not None and "subscription" in request.POST:
        return _automatic(request, home)
    if request.method == "POST" and home is not None:
        reward = Reward.objects.filter(slug=request.POST.get("reward", "")[:60], active=True).first()
        try:
            if reward is None:
                raise actions.Refused(_("This reward is not offered any more."))
            actions.redeem(home, reward, client_id=once(request.POST.get("client_id", "")), by=request.actor)
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Your voucher is below: show its code at a partner shop."))
        return redirect("waste-mine")
    values: dict[str, Any] = {"home": home, "client_id": once("")}
    if home is not None:
        values |= {
            "number": households.number(home.code) if Scale.objects.filter(active=True).exists() else 0,
            "bills": money.bills_of(home)[:20],
            "weighings": [(row, shown(row.grammes or 0)) for row in latest(home, 30)],
            "pickups": [
                (row, telling.path_of(row)) for row in PickUp.objects.filter(household=home).select_related("kind").order_by("-start")[:20]
            ],
            "subscriptions": [(one, money.order_of(one)) for one in _subscriptions(home)],
            "rings": home.address in people.phones_of(request.actor.person or 0) and money.ringing_way(home.address) is not None,
            "entries": PointEntry.objects.filter(household=home).select_related("material").order_by("-at", "-pk")[:20],
            "vouchers": Voucher.objects.filter(household=home, used=None, back=None).select_related("reward"),
            "rewards": Reward.objects.filter(active=True, points__lte=home.points),
        }  # fmt: skip
    return render(request, "waste/mine.html", values)


def _subscriptions(home: Household) -> QuerySet[Subscription]:
    return Subscription.objects.filter(household=home, ended=None).select_related("kind", "household").order_by("pk")


def _automatic(request: Request, home: Household) -> HttpResponse:
    row = _subscriptions(home).filter(code=codes.read(request.POST["subscription"])).first()
    begins = request.POST.get("do") == "automatic"
    try:
        if row is None:
            raise orders.Refused(_("There is no such pick-up."))
        subscriptions.pay_by_itself(row, begins, by=request.actor)
    except (orders.Refused, money.NoPrice) as error:
        messages.error(request, str(error))
    else:
        done = _("Each month your telephone is asked to pay; you confirm it.")
        messages.success(request, done if begins else _("The automatic payment has ended. You pay each bill yourself."))
    return redirect("waste-mine")
