"""The day in figures, the scripts, and the exchanges that may say who calls."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from toguna.kernel.web import Request, staff
from toguna.services.frontdesk import actions, reads
from toguna.services.frontdesk.forms import ExchangeForm, ScriptForm
from toguna.services.frontdesk.models import Exchange, Script


@staff(actions.SERVE)
def day(request: Request) -> HttpResponse:
    """?date=2026-11-23; what is no date is today."""
    today = timezone.localdate()
    try:
        wanted = parse_date(request.GET.get("date", "")) or today
    except ValueError:
        wanted = today
    wanted = min(max(wanted, today.replace(year=today.year - 5, day=1)), today)
    return render(request, "frontdesk/day.html", {"date": wanted, "day": reads.day(wanted), "today": today})


@staff(actions.SET_UP)
def scripts(request: Request) -> HttpResponse:
    """All of them; a new one is made here."""
    form = ScriptForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _saved(request, None, form):
        return redirect("front-scripts")
    values = {"scripts": Script.objects.all(), "form": form}
    return render(request, "frontdesk/scripts.html", values, status=422 if form.is_bound else 200)


@staff(actions.SET_UP)
def script(request: Request, slug: str) -> HttpResponse:
    row = get_object_or_404(Script, slug=slug)
    initial: dict[str, Any] = {"order": row.order, "active": row.active}
    initial |= {f"title_{code}": words for code, words in row.titles.items()}
    initial |= {f"steps_{code}": "\n".join(lines) for code, lines in row.steps.items()}
    form = ScriptForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and _saved(request, row, form):
        return redirect("front-scripts")
    return render(request, "frontdesk/script.html", {"script": row, "form": form}, status=422 if form.is_bound else 200)


def _saved(request: Request, row: Script | None, form: ScriptForm) -> bool:
    values = form.cleaned_data
    try:
        actions.save_script(
            row, titles=form.titles, steps=form.steps, order=values["order"], active=values["active"], by=request.actor
        )
    except actions.Refused as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, _("Saved."))
    return True


@staff(actions.SET_UP)
def exchanges(request: Request) -> HttpResponse:
    """do=connect gives a secret, on this page only; do=disconnect ends it."""
    secret, form = "", ExchangeForm(request.POST if request.POST.get("do") == "connect" else None)
    if request.method == "POST" and request.POST.get("do") == "disconnect":
        actions.disconnect(get_object_or_404(Exchange, slug=request.POST.get("exchange", "")), by=request.actor)
        messages.success(request, _("This exchange is no longer heard."))
        return redirect("front-exchanges")
    if form.is_bound and form.is_valid():
        try:
            secret = actions.connect(form.cleaned_data["name"], by=request.actor)
        except actions.Refused as error:
            form.add_error("name", str(error))
    values = {
        "exchanges": Exchange.objects.all(),
        "form": form,
        "secret": secret,
        "address": request.build_absolute_uri(reverse("telephony")),
        "front": request.build_absolute_uri(reverse("front")),
    }
    return render(request, "frontdesk/exchanges.html", values, status=422 if form.is_bound and not secret else 200)
