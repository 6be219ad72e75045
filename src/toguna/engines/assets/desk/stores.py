"""Fuel, papers that end, and spare parts in the back office. Thin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.assets import actions, fuel, reads, work
from toguna.engines.assets.actions import MANAGE, READ, USE
from toguna.engines.assets.desk.forms import MoveForm, PartForm
from toguna.engines.assets.desk.register import number, valid
from toguna.engines.assets.models import Fill, Part, PartMove, UpkeepPlan
from toguna.kernel import access
from toguna.kernel.web import Request, staff

SHOWN = 100
SPAN = timedelta(days=90)


@staff(READ)
def fuel_page(request: Request) -> HttpResponse:
    """Fills, what is strange about them first, and what each vehicle burns and costs. POST do=seen|strike, fill=ID."""
    if request.method == "POST":
        one = get_object_or_404(Fill, pk=number(request.POST.get("fill", "")))
        fuel.settle(one.pk, strike=request.POST.get("do") == "strike", by=request.actor)
        messages.success(request, _("Done."))
        return redirect("desk-asset-fuel")
    now = timezone.now()
    rows = reads.fills(request.actor)
    burners = {a.pk: a for a in reads.visible(request.actor).filter(fills__at__gte=now - SPAN).distinct()[:500]}
    costs = reads.costs(list(burners), now - SPAN, now)
    share = reads.availability(list(burners), now - SPAN, now)
    values: dict[str, Any] = {
        "odd": [
            (f, [fuel.ODD[o] for o in f.odd]) for f in rows.filter(seen=False, struck=False).exclude(odd=[])[:SHOWN]
        ],
        "fills": [(f, [fuel.ODD[o] for o in f.odd]) for f in rows[:SHOWN]],
        "vehicles": sorted(
            ((burners[pk], cost, share.get(pk)) for pk, cost in costs.items()), key=lambda row: -row[1].whole
        ),
        "days": SPAN.days, "may_manage": access.can(request.actor, MANAGE, anywhere=True),
    }  # fmt: skip
    return render(request, "assets/desk_fuel.html", values)


@staff(READ)
def due(request: Request) -> HttpResponse:
    """The list of what ends: papers of the next 60 days and those that have ended, warranties, and plans whose day comes."""
    today = timezone.localdate()
    plans = UpkeepPlan.objects.filter(active=True, asset__in=reads.visible(request.actor)).exclude(
        asset__state="retired"
    )
    coming = []
    for plan in plans.select_related("asset")[:2000]:
        row = plan.asset
        ahead = work.came(plan, row, today + timedelta(days=30)) or (
            plan.every_km and row.metres >= plan.last_metres + plan.every_km * 900
        )
        if ahead:
            coming.append((plan, work.came(plan, row, today)))
    warranties = reads.visible(request.actor).exclude(state="retired")
    warranties = warranties.filter(warranty__gte=today, warranty__lte=today + reads.SOON)
    values = {
        "papers": [(one, bool(work.untold(one, today))) for one in reads.ending(request.actor)[:SHOWN]], "today": today, "coming": coming[:SHOWN],
        "warranties": warranties.order_by("warranty")[:SHOWN],
    }  # fmt: skip
    return render(request, "assets/desk_due.html", values)


@staff(READ)
def parts(request: Request) -> HttpResponse:
    """The store: what there is, what is low, what moved. POST do=part | move."""
    rows = list(Part.objects.all()[:1000])
    may_use = access.can(request.actor, USE, anywhere=True)
    may_manage = access.can(request.actor, MANAGE)
    kinds = [k for k in PartMove.Kind.choices if may_manage or k[0] != "count"]

    def move_form(data: Any = None) -> MoveForm:
        form = MoveForm(data, auto_id="move_%s")
        form.fields["part"].choices = [(p.pk, f"{p.name} ({p.code})") for p in rows]  # type: ignore[attr-defined]
        form.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        return form

    if request.method == "POST":
        try:
            if request.POST.get("do") == "part":
                given = valid(PartForm(request.POST)).cleaned_data
                work.save_part(**given, by=request.actor)
            else:
                given = valid(move_form(request.POST)).cleaned_data
                work.move(
                    given["part"], given["kind"], given["many"], by=request.actor, client_id=given["client_id"],
                    price=given["price"] or None,
                )  # fmt: skip
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("It is kept."))
        return redirect("desk-asset-parts")
    values = {
        "rows": rows, "low": work.low_parts(), "moves": PartMove.objects.select_related("part", "order").order_by("-pk")[:40],
        "move_form": move_form() if rows and may_use else None, "part_form": PartForm(auto_id="part_%s") if may_manage else None,
    }  # fmt: skip
    return render(request, "assets/desk_parts.html", values)
