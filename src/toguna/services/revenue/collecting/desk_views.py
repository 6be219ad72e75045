"""Who supervises: the live board, what is odd, collectors and their devices. Thin."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import access, money, town
from toguna.kernel.web import Request, staff
from toguna.services.revenue.collecting import board, devices, looking, odd, setting_up
from toguna.services.revenue.collecting.devices import SUPERVISE, Refused
from toguna.services.revenue.collecting.forms import CollectorForm, CutForm, WordForm
from toguna.services.revenue.models import Collector, Device, Visit

RELOAD = 60  # seconds


@staff(SUPERVISE)
def live(request: Request) -> HttpResponse:
    """Each collector now. It reloads by a header, without a script."""
    rows = board.now(list(board.collectors(request.actor)))
    shown = [one for one in rows if one.collector.active]
    total = {
        name: sum(getattr(one, name) for one in shown) for name in ("taken", "yesterday", "held", "carried", "waiting")
    }
    values = {
        "rows": shown,
        "points": board.points(shown),
        "resting": [one for one in rows if not one.collector.active],
        "total": total,
        "odd": board.waiting(request.actor),
        "may_desks": access.can(request.actor, "ledger.supervise", anywhere=True),
        "at": timezone.now(),
    }
    answer = render(request, "revenue/collect/board.html", values)
    answer["Refresh"] = str(RELOAD)
    return answer


@staff(SUPERVISE)
def oddities(request: Request) -> HttpResponse:
    """?collector=&kind=&closed=1"""
    typed = request.GET.get("collector", "")
    one = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 15 else None
    closed = request.GET.get("closed") == "1"
    rows = board.oddities(request.actor, collector=one, kind=request.GET.get("kind", ""), closed=closed)
    people = [(row.collector.pk, row.name) for row in board.now(list(board.collectors(request.actor)))]
    values = {
        "rows": rows, "closed": closed, "asked": request.GET, "collectors": people, "kinds": list(odd.WORDS.items()), "form": WordForm(),
    }  # fmt: skip
    return render(request, "revenue/collect/odd.html", values)


@staff(SUPERVISE)
@require_POST
def look(request: Request, pk: int) -> HttpResponse:
    try:
        looking.close(pk, request.POST.get("word", ""), by=request.actor)
    except Refused as error:
        messages.error(request, str(error))
    query = request.META.get("QUERY_STRING", "")
    return redirect(reverse("desk-collecting-odd") + (f"?{query}" if query else ""))


def _zones(request: Request) -> list[tuple[int, str]]:
    allowed = access.zones(request.actor, SUPERVISE)
    return [(one.id, one.name) for one in territory.districts() if allowed is None or one.id in allowed]


def _whole(request: Request) -> bool:
    return access.zones(request.actor, SUPERVISE) is None


def _terms(data: dict[str, Any]) -> setting_up.Terms:
    return setting_up.Terms(data["zone"], data["most"], data["target"], data.get("active", True))


@staff(SUPERVISE)
def new(request: Request) -> HttpResponse:
    """An account becomes a collector."""
    accounts = [(one.pk, one.name or one.email or "") for one in setting_up.candidates()]
    form = CollectorForm(
        request.POST or None,
        currency=town.current().currency,
        zones=_zones(request),
        whole=_whole(request),
        accounts=accounts,
    )
    if request.method == "POST" and form.is_valid():
        try:
            made = setting_up.make(form.cleaned_data["account"], _terms(form.cleaned_data), by=request.actor)
            messages.success(request, _("%(desk)s is made: they open it with their float.") % {"desk": made.desk.name})
            return redirect("desk-collector", made.pk)
        except Refused as error:
            form.add_error(None, str(error))
    values = {"form": form, "title": _("New collector"), "empty": not accounts}
    return render(request, "revenue/collect/new.html", values, status=422 if form.errors else 200)


def _found(request: Request, pk: int) -> Collector:
    row = get_object_or_404(Collector.objects.select_related("desk", "zone"), pk=pk)
    access.require(request.actor, SUPERVISE, zone=row.zone_id)
    return row


@staff(SUPERVISE)
def collector(request: Request, pk: int) -> HttpResponse:
    """One collector: today, the devices, the receipts without a payment, and what may be changed."""
    row = _found(request, pk)
    currency = town.current().currency
    first = {
        "zone": row.zone_id or "", "most": _typed(row.most, currency), "target": _typed(row.target, currency), "active": row.active,
    }  # fmt: skip
    form = CollectorForm(
        request.POST or None, initial=first, currency=currency, zones=_zones(request), whole=_whole(request)
    )
    if request.method == "POST" and form.is_valid():
        try:
            setting_up.change(pk, _terms(form.cleaned_data), by=request.actor)
            messages.success(request, _("It is written down."))
            return redirect("desk-collector", pk)
        except Refused as error:
            form.add_error(None, str(error))
    now = board.of(row)
    year = timezone.localdate().year
    visits = Visit.objects.filter(collector=row).select_related("taxed__base", "taxpayer", "collected__payment__desk")
    values = {
        "row": row,
        "now": now,
        "form": form,
        "cut": CutForm(),
        "visits": visits.order_by("-done", "-pk")[:50],
        "voided": ledger.voided(row.desk, year),
        "out": ledger.out(row.desk, year),
        "devices": {str(one.name): one for one in now.devices},
        "counts": row.counts.all()[:5],
        "may_desks": access.can(request.actor, "ledger.supervise", anywhere=True),
    }
    return render(request, "revenue/collect/collector.html", values, status=422 if form.errors else 200)


def _typed(amount: int, currency: str) -> str:
    """As `money.read` reads it; empty for none."""
    if not amount:
        return ""
    digits = money.exponent(currency)
    return f"{amount / 10**digits:.{digits}f}" if digits else str(amount)


@staff(SUPERVISE)
@require_POST
def cut(request: Request, pk: int) -> HttpResponse:
    """A device is stolen or lost."""
    device = get_object_or_404(Device, pk=pk)
    _found(request, device.collector_id)
    try:
        unused = devices.cut_off(pk, why=request.POST.get("why", ""), by=request.actor)
        messages.success(
            request,
            _("The device is cut off; %(n)d numbers of receipts are void. What it still sends is put aside.")
            % {"n": unused},
        )
    except Refused as error:
        messages.error(request, str(error))
    return redirect("desk-collector", device.collector_id)
