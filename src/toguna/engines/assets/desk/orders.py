"""Work orders: who does what, and what it cost. Thin."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from toguna.engines.assets import actions, reads, work
from toguna.engines.assets.actions import MANAGE, READ, USE
from toguna.engines.assets.desk.forms import FinishForm
from toguna.engines.assets.desk.register import number, valid
from toguna.engines.assets.models import Asset, WorkOrder
from toguna.engines.people import api as people
from toguna.kernel import access
from toguna.kernel.web import Request, staff

SHOWN = 60
LATELY = timedelta(days=30)
State = WorkOrder.State


def _named(rows: QuerySet[WorkOrder]) -> list[tuple[WorkOrder, str]]:
    """Each with the name of who has it in hand."""
    found = list(rows[:SHOWN])
    names = {
        a.pk: a.name or a.email or ""
        for a in people.Account.objects.filter(pk__in={o.taken_by for o in found if o.taken_by})
    }
    return [(one, names.get(one.taken_by or 0, "")) for one in found]


@staff(READ)
def board(request: Request) -> HttpResponse:
    """To do (what stops something first), in hand, done lately; ?mine=1: what I have in hand."""
    rows = reads.orders(request.actor)
    if "mine" in request.GET:
        rows = rows.filter(taken_by=request.actor.account)
    off = reads.visible(request.actor).filter(state__in=(Asset.State.BROKEN, Asset.State.UPKEEP)).order_by("since")
    values = {
        "open": _named(rows.filter(state=State.OPEN).order_by("-stops", "opened")),
        "taken": _named(rows.filter(state=State.TAKEN).order_by("-stops", "taken")),
        "done": _named(
            rows.filter(state__in=(State.DONE, State.CANCELLED), closed__gte=timezone.now() - LATELY).order_by("-closed")
        ),
        "off": off[:SHOWN], "mine": "mine" in request.GET,
    }  # fmt: skip
    return render(request, "assets/desk_orders.html", values)


@staff(READ)
def order(request: Request, order: int) -> HttpResponse:
    """One; POST do=take | finish | cancel."""
    row = get_object_or_404(WorkOrder.objects.select_related("asset"), pk=order)
    access.require(request.actor, READ, zone=row.asset.zone_id)
    form = FinishForm(request.POST if request.POST.get("do") == "finish" else None, initial={"minutes": 0})
    if request.method == "POST":
        try:
            apply(request, row, form)
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            return redirect("desk-asset-order", order=row.pk)
    row.refresh_from_db()
    values = {
        "row": row, "form": form, "who": _named(WorkOrder.objects.filter(pk=row.pk))[0][1],
        "moves": row.moves.select_related("part").order_by("pk"),
        "may_use": access.can(request.actor, USE, zone=row.asset.zone_id),
        "may_manage": access.can(request.actor, MANAGE, zone=row.asset.zone_id),
    }  # fmt: skip
    return render(request, "assets/desk_order.html", values, status=422 if form.errors else 200)


def apply(request: Request, row: WorkOrder, form: FinishForm) -> None:
    """Raises Refused, Denied."""
    do = request.POST.get("do", "")
    if do == "take":
        work.take(row.pk, by=request.actor)
    elif do == "cancel":
        work.cancel(row.pk, request.POST.get("why", ""), by=request.actor)
    elif do == "finish":
        given = valid(form).cleaned_data
        work.finish(
            row.pk, by=request.actor, minutes=given["minutes"], other=given["other"], words=given["words"], parts=given["parts"]
        )  # fmt: skip


def of(request: Request, typed: str) -> WorkOrder | None:
    """The order that is meant, in the reach of whoever asks."""
    return reads.orders(request.actor).filter(pk=number(typed)).first()
