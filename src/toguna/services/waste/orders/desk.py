"""The back office of pick-ups: those of a day, who does them, what went wrong; and the register of pre-collectors."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, codes, money
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, staff
from toguna.services.waste import opening
from toguna.services.waste.models import PickUp, PickUpStep, PreCollector
from toguna.services.waste.orders import actions, precollectors, proof, telling
from toguna.services.waste.orders import money as prices
from toguna.services.waste.orders.forms import PayOutForm, PreCollectorForm

MOST = 100
STEPS: dict[str, Any] = {
    "asked": gettext_lazy("Ordered"), "offered": gettext_lazy("Offered"), "accepted": gettext_lazy("Accepted"),
    "refused": gettext_lazy("Refused"), "late": gettext_lazy("No answer in time"), "back": gettext_lazy("Given back"),
    "unserved": gettext_lazy("Nobody left to ask"), "done": gettext_lazy("Done"), "cancelled": gettext_lazy("Cancelled"),
    "rated": gettext_lazy("Rated"), "complained": gettext_lazy("Complaint"), "settled": gettext_lazy("Complaint answered"), "photo": gettext_lazy("Taken, says a photo"),
}  # fmt: skip


def in_reach(actor: Actor, permission: str = "waste.read") -> QuerySet[PickUp]:
    """The orders in the zones of the actor's grants."""
    rows, zones = PickUp.objects.all(), access.zones(actor, permission)
    return rows if zones is None else rows.filter(zone__in=zones)


def _to_confirm(rows: QuerySet[PickUp]) -> QuerySet[PickUp]:
    """Said to be taken with a photo alone, by who has it still."""
    said = PickUpStep.objects.filter(pickup=OuterRef("pk"), what="photo", collector=OuterRef("collector"))
    return rows.filter(Exists(said), state=PickUp.State.ACCEPTED)


def numbers(actor: Actor) -> Sequence[tuple[Any, Any, str]]:
    """For the first page of the back office. One statement."""
    found = in_reach(actor).aggregate(
        unserved=Count("pk", filter=Q(state=PickUp.State.UNSERVED, end__gt=timezone.now())),
        today=Count("pk", filter=Q(state__in=PickUp.OPEN, start__date=timezone.localdate())),
        complaints=Count("pk", filter=Q(complained__isnull=False, settled=None)),
    )
    address = reverse("desk-waste")
    return [
        (_("Pick-ups that nobody takes"), found["unserved"], f"{address}?view=unserved"),
        (_("Pick-ups of today"), found["today"], address),
        (_("Complaints on pick-ups"), found["complaints"], f"{address}?view=complaints"),
    ]


@staff("waste.read")
def pickups(request: Request) -> HttpResponse:
    """?view=day|open|unserved|photo|complaints|done, ?day=, ?q= a code."""
    if typed := codes.read(request.GET.get("q", "")[:20]):
        found = in_reach(request.actor).filter(code=typed).first()
        if found is not None:
            return redirect("desk-waste-pickup", code=found.code)
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        day = timezone.localdate()
    begin = timezone.make_aware(datetime.combine(day, datetime.min.time()))
    rows, now = in_reach(request.actor), timezone.now()
    views = {
        "day": rows.filter(start__gte=begin, start__lt=begin + timedelta(days=1)).order_by("start", "pk"),
        "open": rows.filter(state__in=PickUp.OPEN, end__gt=now).order_by("start", "pk"),
        "unserved": rows.filter(state=PickUp.State.UNSERVED, end__gt=now).order_by("start", "pk"),
        "photo": _to_confirm(rows).order_by("start", "pk"),
        "complaints": rows.filter(complained__isnull=False, settled=None).order_by("complained"),
        "done": rows.filter(state=PickUp.State.DONE).order_by("-closed"),
    }
    view = request.GET.get("view", "")
    if view not in views:  # a day that is asked for; else today, or where it has none, what is to come
        view = "day" if "day" in request.GET or views["day"].exists() else "open"
    chosen = list(views[view].select_related("kind", "household", "collector", "zone")[:MOST])
    tabs = [
        ("day", _("Of a day")), ("open", _("Open")), ("unserved", _("Nobody takes them")), ("photo", _("Taken, says a photo")),
        ("complaints", _("Complaints")),
        ("done", _("Done")),
    ]  # fmt: skip
    values = {
        "rows": [(row, telling.when(row.start, row.end), telling.many(row)) for row in chosen], "view": view, "tabs": tabs, "day": day,
        "before": day - timedelta(days=1), "after": day + timedelta(days=1), "most": MOST if len(chosen) == MOST else 0,
        "may_work": access.can(request.actor, "waste.work", anywhere=True),
    }  # fmt: skip
    return render(request, "waste/desk_pickups.html", values)


def _find(request: Request, code: str) -> PickUp:
    row = get_object_or_404(actions.whole(), code=codes.read(code))
    if not access.can(request.actor, "waste.read", zone=row.zone_id):
        raise Http404
    return row


@staff("waste.read")
def pickup(request: Request, code: str) -> HttpResponse:
    row = _find(request, code)
    names = dict(
        people.Account.objects.filter(pk__in=row.steps.exclude(account=None).values("account")).values_list(
            "pk", "name"
        )
    )
    values = {
        "row": row, "when": telling.when(row.start, row.end), "what": telling.many(row), "open": row.state in PickUp.OPEN,
        "steps": [(s, STEPS.get(s.what, s.what), names.get(s.account or 0, "")) for s in row.steps.select_related("collector")],
        "photos": list(proof.photos(row)), "offers": row.offers.select_related("collector").order_by("pk"), "may_work": access.can(request.actor, "waste.work", zone=row.zone_id),
        "may_forgive": access.can(request.actor, "waste.set_up", zone=row.zone_id),
        "collectors": [(c.pk, f"{c.name} ({c.get_vehicle_display()})") for c in PreCollector.objects.filter(state="active")],
    }  # fmt: skip
    return render(request, "waste/desk_pickup.html", values)


@staff("waste.read")
def photo(request: Request, code: str, photo: uuid.UUID) -> FileResponse:
    return proof.sent(_find(request, code), photo, by=request.actor)


@staff("waste.work")
def act(request: Request, code: str) -> HttpResponse:
    """do=give|done|cancel|settle."""
    row = _find(request, code)
    if request.method != "POST":
        return redirect("desk-waste-pickup", code=row.code)
    post, by = request.POST, request.actor
    try:
        match post.get("do"):
            case "give":
                typed = post.get("collector", "")
                who = (
                    PreCollector.objects.filter(pk=int(typed), state="active").first()
                    if typed.isdecimal() and len(typed) < 18
                    else None
                )
                if who is None:
                    raise actions.Refused(_("Choose who goes."))
                actions.give_to(row, who, by=by)
            case "done":
                actions.done_at_desk(row, words=post.get("words", ""), by=by)
            case "cancel":
                actions.cancel(row, by=by, own=False, words=post.get("words", ""))
            case "settle":
                actions.settle(row, post.get("words", ""), free="free" in post, by=by)
            case _:
                raise actions.Refused(_("There is no such action."))
    except (actions.Refused, ledger.Refused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    return redirect("desk-waste-pickup", code=row.code)


# Pre-collectors


@staff("waste.read")
def collectors(request: Request) -> HttpResponse:
    """The register: who asks first, then who works."""
    month = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    of_month = Q(pickups__state=PickUp.State.DONE, pickups__closed__gte=month)
    rows = PreCollector.objects.annotate(
        done=Count("pickups", filter=of_month), earned=Sum("pickups__earned", filter=of_month)
    )
    order = {"asked": 0, "active": 1, "resting": 2, "ended": 3}
    found = sorted(rows.prefetch_related("zones"), key=lambda row: (order[row.state], row.name))
    values = {
        "rows": [(row, precollectors.zones_in_words(row), precollectors.stars(row)) for row in found],
        "may_set_up": access.can(request.actor, "waste.set_up", anywhere=True),
    }
    return render(request, "waste/desk_collectors.html", values)


@staff("waste.read")
def collector(request: Request, pk: int) -> HttpResponse:
    """One of them: what they do, earn and are owed; a pay-out."""
    row = get_object_or_404(PreCollector.objects.select_related("payer").prefetch_related("zones"), pk=pk)
    may = access.can_each(request.actor, "waste.set_up", precollectors.zones_of(row))
    form = PayOutForm(request.POST or None) if may else None
    if request.method == "POST" and form is not None and form.is_valid():
        given = form.cleaned_data
        try:
            prices.pay_out(
                money.read(given["amount"]), way=given["way"], client_id=given["client_id"], by=request.actor, collector=row,
                note=given["note"],
            )  # fmt: skip
        except money.NotMoney:
            form.add_error("amount", _("This is not an amount."))
        except ledger.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The payment is written down."))
            return redirect("desk-waste-collector", pk=row.pk)
    values = {
        "row": row, "zones": precollectors.zones_in_words(row), "hours": opening.shown(row.hours), "sums": precollectors.sums(row),
        "stars": precollectors.stars(row), "answered": precollectors.answered(row), "payouts": row.payouts.all()[:20],
        "pickups": in_reach(request.actor).filter(collector=row).select_related("kind").order_by("-start")[:20],
        "may_set_up": may, "form": form, "states": _next_states(row),
    }  # fmt: skip
    return render(request, "waste/desk_collector.html", values, status=422 if form is not None and form.errors else 200)


def _next_states(row: PreCollector) -> list[tuple[str, str]]:
    names = {"active": _("Let them work"), "resting": _("Let them rest"), "ended": _("Take them off the register")}
    return [
        (state, words)
        for state, words in names.items()
        if state != row.state and (state != "resting" or row.state == "active")
    ]


@staff("waste.set_up")
def collector_edit(request: Request, pk: int | None = None) -> HttpResponse:
    row = get_object_or_404(PreCollector.objects.prefetch_related("zones"), pk=pk) if pk else None
    initial: dict[str, Any] = {"most": 12}
    if row is not None:
        initial = {
            "name": row.name, "phone": row.phone, "vehicle": row.vehicle, "zones": [zone.pk for zone in row.zones.all()],
            "hours": opening.shown(row.hours), "most": row.most, "share": row.share,
        }  # fmt: skip
    form = PreCollectorForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        told = precollectors.Told(
            given["name"], given["phone"], given["vehicle"], [int(one) for one in given["zones"]], given["hours"], given["most"],
            given["share"], given["base"], language=row.language if row else "",
        )  # fmt: skip
        try:
            made = precollectors.save(
                row, told, client_id=uuid.uuid5(uuid.NAMESPACE_OID, given["phone"]), by=request.actor
            )
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is kept."))
            return redirect("desk-waste-collector", pk=made.pk)
    return render(
        request, "waste/desk_collector_edit.html", {"row": row, "form": form}, status=422 if form.errors else 200
    )


@staff("waste.set_up")
def collector_state(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(PreCollector, pk=pk)
    state = request.POST.get("state", "")
    if request.method == "POST" and state in dict(_next_states(row)):
        try:
            precollectors.become(row, state, by=request.actor)
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Done."))
    return redirect("desk-waste-collector", pk=row.pk)
