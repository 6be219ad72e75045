"""The bank's accounts, their statements, and what waits in suspense."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from toguna.engines.ledger.bank import actions, reads
from toguna.engines.ledger.bank.forms import BankForm, ResolveForm, StatementForm
from toguna.engines.ledger.bank.port import BadStatement
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.desks import cashbook
from toguna.engines.ledger.models.bank import Bank, BankLine, BankStatement
from toguna.kernel import town
from toguna.kernel.web import Request, staff

PAGE = 50


@staff(actions.BANK)
def banks(request: Request) -> HttpResponse:
    """Every account with its last statements, and all that waits."""
    waiting = BankLine.objects.filter(state=BankLine.State.SUSPENSE).select_related("bank").order_by("day", "pk")
    values = {
        "banks": [
            {"bank": one, "statements": [reads.report(s) for s in one.statements.all()[:12]]}
            for one in Bank.objects.all()
        ],
        "waiting": Paginator(waiting, PAGE).get_page(request.GET.get("page")),
        "on_the_way": reads.on_the_way(town.current().currency),
    }
    return render(request, "ledger/bank.html", values)


@staff(actions.BANK)
def bank(request: Request, pk: int = 0) -> HttpResponse:
    """An account of the town at a bank, and what the columns of its tables mean."""
    row = get_object_or_404(Bank, pk=pk) if pk else None
    initial: dict[str, Any] = {}
    if row:
        initial = {"name": row.name, "number": row.number, "month_first": not row.day_first}
        initial |= {f"m_{meaning}": heading for meaning, heading in row.mapping.items()}
    form = BankForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            actions.add_bank(
                data["name"],
                row.number if row else data["number"],
                row.currency if row else town.current().currency,
                form.mapping(),
                day_first=not data["month_first"],
                by=request.actor,
            )
            return redirect("desk-bank")
        except Refused as error:
            form.add_error(None, str(error))
    return render(request, "ledger/bank_account.html", {"form": form, "bank": row}, status=422 if form.errors else 200)


@staff(actions.BANK)
def bring(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(Bank, pk=pk)
    form = StatementForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            brought = actions.bring(pk, given.read(), given.name or "", by=request.actor)
        except (BadStatement, Refused) as error:
            form.add_error("file", str(error))
        else:
            for one in brought:
                said = ngettext("%(n)d new line.", "%(n)d new lines.", one.new) % {"n": one.new}
                if one.known:
                    said += " " + _("%(n)d were known already.") % {"n": one.known}
                if one.suspense:
                    said += " " + _("%(n)d wait in suspense.") % {"n": one.suspense}
                messages.success(request, said)
            return redirect("desk-bank-statement", brought[0].statement.pk)
    values = {"form": form, "title": row.name, "button": _("Read it"), "back": reverse("desk-bank"), "multipart": True}
    return render(request, "ledger/cash_form.html", values, status=422 if form.errors else 200)


@staff(actions.BANK)
def statement(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(BankStatement.objects.select_related("bank"), pk=pk)
    lines = Paginator(row.lines.select_related("voucher"), 200).get_page(request.GET.get("page"))
    return render(request, "ledger/bank_statement.html", {"report": reads.report(row), "lines": lines})


@staff(actions.BANK)
def resolve(request: Request, pk: int) -> HttpResponse:
    line = get_object_or_404(BankLine.objects.select_related("bank"), pk=pk)
    form = ResolveForm(cashbook.accounts(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            actions.resolve(pk, account=data["account"], bill=data["bill"], note=data["note"], by=request.actor)
            messages.success(request, _("It is resolved."))
            return redirect("desk-bank")
        except Refused as error:
            form.add_error(None, str(error))
    return render(request, "ledger/bank_line.html", {"line": line, "form": form}, status=422 if form.errors else 200)
