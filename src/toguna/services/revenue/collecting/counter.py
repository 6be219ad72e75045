"""The counter: who comes is found in the register, pays in cash, by cheque or by card, and leaves with a receipt. Keyboard only."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import audit, money, town
from toguna.kernel.web import Request, staff
from toguna.services.revenue.collecting.devices import COLLECT
from toguna.services.revenue.collecting.forms import TakeForm
from toguna.services.revenue.models import Taxpayer
from toguna.services.revenue.register import actions as register_actions
from toguna.services.revenue.register import reads as register

READ = register.READ


@staff(COLLECT)
def find(request: Request) -> HttpResponse:
    """?q=; or ?for=NOTE, for whoever stands at the counter (see docs/frontdesk.md). One who fits is opened at once."""
    words = " ".join(request.GET.get("q", "").split())[:200]
    served = people.serving(request.GET.get("for"), by=request.actor)
    found: list[register.Found] = []
    if served is not None:
        mine = register.taxpayers(request.actor).filter(person=served.person).order_by("pk")
        found = [register.Found(one, "person", 100) for one in mine[: register.MOST]]
        words = words or served.name
    elif words:
        found = register.find(_said(words), actor=request.actor)
    payers = {one.taxpayer.pk for one in found}
    if len(payers) == 1 and (served is not None or found[0].why in ("number", "code", "plate", "bill")):
        return redirect("desk-counter-taxpayer", found[0].taxpayer.number)
    values = {"words": words, "found": found, "session": ledger.session_of(request.actor)}
    return render(request, "revenue/collect/counter.html", values)


def _said(words: str) -> str:
    """What was typed; of an address that a scanner of QR typed, its last part."""
    return words.partition("?")[0].rstrip("/").rpartition("/")[2] if "/" in words else words


@staff(COLLECT)
def taxpayer(request: Request, number: str) -> HttpResponse:
    """What one owes, and the money for it. Sent twice it is taken once, by the form's own number."""
    row = register.by_number(number)
    if row is None or row.merged_into_id is not None:
        raise Http404(_("Nobody in the register has this number."))
    register_actions.require_taxpayer(request.actor, row, READ)
    session, currency = ledger.session_of(request.actor), town.current().currency
    bills = list(
        register.bills_of(row).filter(state=ledger.Bill.State.OPEN, currency=currency).prefetch_related("lines")[:200]
    )
    balance = register.balance(row)
    form = _form(request, bills, currency)
    if request.method == "POST" and session is not None and form.is_valid():
        answer = _take(request, row, bills, session.pk, form)
        if answer is not None:
            return answer
    if request.method != "POST":
        audit.record(request.actor, "revenue.open_taxpayer", f"revenue.taxpayer:{row.pk}")
    chosen = set(request.POST.getlist("bill")) if request.method == "POST" else {one.reference for one in bills}
    values = {
        "row": row, "bills": bills, "chosen": chosen, "balance": balance, "form": form, "session": session, "currency": currency,
        "total": sum(one.left for one in bills), "things": register.taxed_of(row)[:50],
    }  # fmt: skip
    return render(request, "revenue/collect/counter_taxpayer.html", values, status=422 if form.errors else 200)


def _form(request: Request, bills: list[ledger.Bill], currency: str) -> TakeForm:
    owed = sum(one.left for one in bills)
    ticked = set(request.POST.getlist("bill"))
    chosen = sum(one.left for one in bills if one.reference in ticked) or owed
    digits = money.exponent(currency)
    typed = (f"{owed / 10**digits:.{digits}f}" if digits else str(owed)) if owed else ""
    ways = [("cash", _("Cash")), *((name, one[2]) for name, one in ledger.OTHER_WAYS.items())]
    return TakeForm(
        request.POST or None, initial={"amount": typed, "way": "cash"}, currency=currency, ways=ways, owed=chosen
    )


def _take(
    request: Request, row: Taxpayer, bills: list[ledger.Bill], session: int, form: TakeForm
) -> HttpResponse | None:
    data: dict[str, Any] = form.cleaned_data
    ticked = set(request.POST.getlist("bill"))
    chosen = [one.pk for one in bills if one.reference in ticked]
    try:
        made = ledger.take_at_desk(
            session, data["amount"], by=request.actor, client_id=data["client_id"], bills=chosen or None, payer=row.payer_id,
            reference=data["reference"], method=data["way"],
        )  # fmt: skip
    except ledger.Refused as error:
        form.add_error(None, str(error))
        return None
    change = (data.get("given") or 0) - data["amount"] if data["way"] == "cash" else 0
    return redirect(reverse("desk-receipt", args=[made.pk]) + (f"?change={change}" if change > 0 else ""))
