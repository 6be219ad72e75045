"""Reminders at the desk: the plan and what it is worth, letters, seizure notices, visits. Thin over the actions."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, QuerySet
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.indicators import api as indicators
from toguna.kernel import access, tasks
from toguna.kernel.web import Request, staff
from toguna.services.revenue.dunning import actions, letters, reads
from toguna.services.revenue.dunning.forms import StepForm
from toguna.services.revenue.models import DunningStep, LetterBatch, Reminded, Taxed
from toguna.services.revenue.register import reads as register

PAGE = 100
Way = DunningStep.Way


@staff(actions.PLAN)
def plan(request: Request) -> HttpResponse:
    """The steps, what each cost and brought back, and what waits for somebody."""
    worth = reads.worth()
    most = max((one.brought for one in worth), default=0)
    rows = [
        {"one": one, "bar": indicators.charts.share(one.brought, most), "share": indicators.charts.number(one.share),
         "for_one": indicators.charts.number(one.for_one)}
        for one in worth
    ]  # fmt: skip
    counts = {
        way: actions.waiting(request.actor, way).filter(batch=None).count()
        for way in (Way.LETTER, Way.NOTICE, Way.VISIT)
    }
    values = {
        "rows": rows, "letters": counts[Way.LETTER], "notices": counts[Way.NOTICE], "visits": counts[Way.VISIT], "days": reads.MOVED_BY,
        "cost": sum(one.cost for one in worth), "brought": sum(one.brought for one in worth), "whole": access.can(request.actor, actions.PLAN),
    }  # fmt: skip
    return render(request, "revenue/dunning.html", values)


@staff(actions.PLAN)
def step(request: Request, pk: int | None = None) -> HttpResponse:
    row = get_object_or_404(DunningStep, pk=pk) if pk else None
    access.require(request.actor, actions.PLAN)
    form = StepForm(request.POST or None, step=row)
    if request.method == "POST" and form.is_valid():
        try:
            actions.write(row, form.told(), by=request.actor)
        except actions.Refused as wrong:
            form.add_error(None, str(wrong))
        else:
            messages.success(request, _("The step is kept."))
            return redirect("desk-dunning")
    return render(request, "revenue/dunning_step.html", {"row": row, "form": form}, status=422 if form.errors else 200)


@staff(actions.PLAN)
def paper(request: Request) -> HttpResponse:
    """Letters that wait, by step; files that were made. POST: one more file."""
    if request.method == "POST":
        chosen = get_object_or_404(DunningStep, pk=request.POST.get("step"), way__in=(Way.LETTER, Way.NOTICE))
        try:
            key = uuid.UUID(request.POST.get("key", ""))
        except ValueError:
            return redirect("desk-dunning-letters")
        made = actions.batch(chosen, key, by=request.actor)
        if made is None:
            messages.warning(request, _("Nothing waits for this step."))
        else:
            tasks.defer(letters.make, tasks.Lane.CAMPAIGN, letters=made.pk)
        return redirect("desk-dunning-letters")
    waiting = actions.waiting(request.actor, Way.LETTER) | actions.waiting(request.actor, Way.NOTICE).exclude(
        approved=None
    )
    rows = waiting.filter(batch=None).values("step").annotate(count=Count("pk")).order_by("step")
    steps = DunningStep.objects.in_bulk([row["step"] for row in rows])
    batches = LetterBatch.objects.select_related("step").annotate(waits=Count("letters") - Count("letters__done"))[:50]
    values = {
        "steps": [(steps[row["step"]], row["count"], uuid.uuid4()) for row in rows],
        "batches": [(one, letters.path(one).exists()) for one in batches],
        "refresh": any(not letters.path(one).exists() for one in batches),
    }
    return render(request, "revenue/dunning_letters.html", values)


@staff(actions.PLAN)
def file(request: Request, pk: int) -> HttpResponseBase:
    """The file of a batch; POST: they left."""
    row = get_object_or_404(LetterBatch, pk=pk)
    if row.account != request.actor.account:  # letters of districts that are not theirs, it may be
        access.require(request.actor, actions.PLAN)
    if request.method == "POST":
        actions.left(row, by=request.actor)
        return redirect("desk-dunning-letters")
    if not letters.path(row).exists():
        tasks.defer(letters.make, tasks.Lane.CAMPAIGN, letters=row.pk)
        messages.warning(request, _("The file is being made."))
        return redirect("desk-dunning-letters")
    return FileResponse(letters.path(row).open("rb"), content_type="application/pdf", filename=f"letters-{row.pk}.pdf")


@staff(actions.PLAN)
def seizures(request: Request) -> HttpResponse:
    """Seizure notices that a head of service has to approve."""
    rows = actions.waiting(request.actor, Way.NOTICE).filter(approved=None).order_by(F("left").desc(), "pk")
    return _listed(request, rows, "revenue/dunning_seizures.html")


@staff(actions.VISIT)
def visits(request: Request) -> HttpResponse:
    """Whom to visit, street by street."""
    rows = actions.waiting(request.actor, Way.VISIT, actions.VISIT)
    return _listed(request, rows.order_by("pk"), "revenue/dunning_visits.html")


def _listed(request: Request, waiting: QuerySet[Reminded], template: str) -> HttpResponse:
    page = Paginator(waiting, PAGE).get_page(request.GET.get("page"))
    found = list(page.object_list)
    things = {
        one.code: one for one in Taxed.objects.filter(code__in=[one.bill.about for one in found]).select_related("zone")
    }
    owners = register.of_payers([one.bill.payer_id for one in found])
    rows = [(one, owners.get(one.bill.payer_id), things.get(one.bill.about)) for one in found]
    rows.sort(
        key=lambda one: (one[2].street_name, one[2].code) if one[2] and template.endswith("visits.html") else ("", "")
    )
    return render(request, template, {"rows": rows, "page": page})


@require_POST
@staff(actions.PLAN)
def decide(request: Request, pk: int) -> HttpResponse:
    """do = approve, drop."""
    get_object_or_404(Reminded, pk=pk)
    try:
        actions.decide(pk, request.POST.get("do") == "approve", note=request.POST.get("note", ""), by=request.actor)
    except actions.Refused as wrong:
        messages.error(request, str(wrong))
    return redirect("desk-dunning-seizures")


@require_POST
@staff(actions.VISIT)
def visited(request: Request, pk: int) -> HttpResponse:
    get_object_or_404(Reminded, pk=pk)
    actions.visit_done(pk, request.POST.get("note", ""), by=request.actor)
    return redirect("desk-dunning-visits")
