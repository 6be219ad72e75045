"""The pound: which vehicles are held, what each owes, and their leaving. Thin: see `impounding`."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access
from toguna.kernel.web import Request, staff
from toguna.services.revenue.fines import impounding, papers
from toguna.services.revenue.fines.books import WRITE, Refused
from toguna.services.revenue.fines.forms import PoundForm, ReleaseForm
from toguna.services.revenue.models import Impound


@staff(WRITE)
def held(request: Request) -> HttpResponse:
    """Those that are held, and the last that left. POST: one comes in without a ticket."""
    form = PoundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = impounding.bring_in(
                said["plate"], said["place"], client_id=said["client_id"], by=request.actor, words=said["words"]
            )
            return redirect("desk-impound", made.pk)
        except Refused as error:
            form.add_error(None, str(error))
    zones = access.zones(request.actor, WRITE)
    rows = Impound.objects.select_related("ticket")
    rows = rows if zones is None else rows.filter(Q(zone__in=zones) | Q(zone=None))
    values = {
        "form": form, "rows": rows.filter(released=None)[:300], "gone": rows.exclude(released=None).order_by("-released")[:20],
    }  # fmt: skip
    return render(request, "revenue/fines/pound.html", values, status=422 if form.errors else 200)


def _found(request: Request, pk: int) -> Impound:
    row = get_object_or_404(Impound.objects.select_related("ticket__bill"), pk=pk)
    if not access.can(request.actor, WRITE, zone=row.zone_id, anywhere=row.zone_id is None):
        raise Http404(_("There is no such vehicle."))
    return row


@staff(WRITE)
def vehicle(request: Request, pk: int) -> HttpResponse:
    """What a vehicle owes. POST do=bill|release."""
    row, form = _found(request, pk), ReleaseForm()
    if request.method == "POST":
        try:
            if request.POST.get("do") == "bill":
                impounding.bill_days(pk, by=request.actor)
                messages.success(request, _("Done."))
                return redirect("desk-impound", pk)
            form = ReleaseForm(request.POST)
            if form.is_valid():
                impounding.release(pk, to=form.cleaned_data["to"], by=request.actor)
                messages.success(request, _("The vehicle may leave: print the slip."))
                return redirect("desk-impound", pk)
        except Refused as error:
            messages.error(request, str(error))
            return redirect("desk-impound", pk)
    values = {"row": row, "now": impounding.owes(row), "form": form}
    return render(request, "revenue/fines/vehicle.html", values, status=422 if form.errors else 200)


@staff(WRITE)
def slip(request: Request, pk: int) -> HttpResponse:
    row = _found(request, pk)
    if row.released is None:
        raise Http404(_("It has not left yet."))
    headers = {"Content-Disposition": f'inline; filename="{row.plate}.pdf"'}
    return HttpResponse(ledger.receipt_pdf(papers.release(row), "a5"), content_type="application/pdf", headers=headers)
