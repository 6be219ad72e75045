"""A person's standing orders, by their confirmed telephones; and all of them, at the desk."""

from __future__ import annotations

import uuid
from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import Payer, StandingOrder
from toguna.engines.ledger.orders import actions
from toguna.engines.ledger.orders.forms import OrderForm
from toguna.engines.ledger.providers import owed, ways
from toguna.engines.ledger.providers.port import written
from toguna.engines.people import api as people
from toguna.kernel import access, town
from toguna.kernel.web import Request, resident, staff

SHOWN = 50


def _usable(currency: str) -> list[ways.Way]:
    return [way for way in ways.usable(currency) if way.provider.how != "transfer"]


def _subscribed(request: Request, form: OrderForm, payer: int, currency: str) -> StandingOrder | None:
    """The order, or None: the form then says why."""
    said = form.cleaned_data
    try:
        return actions.subscribe(
            payer, said["way"], said["phone"], day=int(said["day"]), most=said["most"], until=said["until"], currency=currency,
            key=f"web:{said['client_id']}", by=request.actor,
        )  # fmt: skip
    except (Refused, ways.Unset) as wrong:
        form.add_error(None, str(wrong))
        return None


@resident
def mine(request: HttpRequest) -> HttpResponse:
    """Those that ring one's own telephones; POST ends one."""
    actor = cast(Request, request).actor
    found = list(actions.orders_at(people.phones_of(actor.person or 0)))
    if request.method == "POST":
        order = next((one for one in found if str(one.pk) == request.POST.get("order")), None)
        if order is None:
            raise Http404
        actions.unsubscribe(order.pk, why="web", by=actor)
        messages.success(request, _("The standing order has ended. What was asked for before may still be confirmed."))
        return redirect("pay-orders")
    names = {way.slug: way.title for way in ways.usable()}
    rows = [(one, people.masked("phone", one.phone), names.get(one.way, one.way)) for one in found]
    return render(request, "ledger/orders_mine.html", {"rows": rows})


@resident
def begin(request: HttpRequest, reference: str) -> HttpResponse:
    """One for the payer of a bill, whoever they are to whoever pays: each payment is confirmed on the telephone itself."""
    bill = owed.find(reference)
    if bill is None:
        raise Http404(_("There is no such bill."))
    ours = cast(Request, request)
    phones = [(one, people.shown("phone", one)) for one in people.phones_of(ours.actor.person or 0)]
    usable = _usable(bill.currency)
    if not phones or not usable:
        return render(request, "ledger/orders_begin.html", {"bill": bill, "phones": phones, "usable": usable})
    first = {"way": usable[0].slug, "most": written(bill.amount, bill.currency), "client_id": uuid.uuid4()}
    form = OrderForm(request.POST or None, initial=first, usable=usable, currency=bill.currency, phones=phones)
    if request.method == "POST" and form.is_valid() and _subscribed(ours, form, bill.payer_id, bill.currency):
        messages.success(request, _("The standing order holds from now on. You can end it here at any time."))
        return redirect("pay-orders")
    values = {"bill": bill, "form": form, "phones": phones, "usable": usable}
    return render(request, "ledger/orders_begin.html", values, status=422 if form.errors else 200)


@staff("ledger.read")
def orders(request: Request) -> HttpResponse:
    rows = StandingOrder.objects.select_related("payer").order_by("ended", "-pk")
    if request.GET.get("which") != "all":
        rows = rows.filter(ended=None)
    page = Paginator(rows, SHOWN).get_page(request.GET.get("page"))
    shown = [(one, people.masked("phone", one.phone) if one.phone else "") for one in page]
    may = access.can(request.actor, actions.BILL, anywhere=True)
    return render(request, "ledger/orders_desk.html", {"page": page, "rows": shown, "may": may})


@staff(actions.BILL)
def desk_begin(request: Request, payer: int) -> HttpResponse:
    """For somebody at the counter, who says their number."""
    row, currency = get_object_or_404(Payer, pk=payer), town.current().currency
    usable = _usable(currency)
    form = OrderForm(request.POST or None, usable=usable, currency=currency, initial={"client_id": uuid.uuid4()})
    if request.method == "POST" and form.is_valid() and _subscribed(request, form, row.pk, currency):
        messages.success(request, _("The standing order is written down."))
        return redirect("desk-payer", row.pk)
    values = {"payer": row, "form": form, "usable": usable}
    return render(request, "ledger/orders_new.html", values, status=422 if form.errors else 200)


@staff(actions.BILL)
@require_POST
def desk_end(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(StandingOrder, pk=pk)
    actions.unsubscribe(row.pk, why=request.POST.get("why", ""), by=request.actor)
    messages.success(request, _("The standing order has ended."))
    return redirect("desk-payer", row.payer_id)
