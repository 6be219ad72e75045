"""The counter, the cash desks one by one, and all of them for who supervises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.desks import actions, cashbook, counting, reads
from toguna.engines.ledger.desks.forms import (
    CloseForm,
    CountForm,
    DepositForm,
    OfferForm,
    OutForm,
    PinForm,
    SignForm,
    TakeForm,
)
from toguna.engines.ledger.models import Desk
from toguna.engines.ledger.models.desks import Session, Voucher
from toguna.engines.ledger.receipts import actions as receipts
from toguna.engines.ledger.receipts import paper
from toguna.kernel import access, audit, limits, money, town
from toguna.kernel.web import Request, staff

State = Session.State


def _form(request: Request, form: Any, title: str, button: str, *, lead: str = "", back: str = "") -> HttpResponse:
    values = {"form": form, "title": title, "button": button, "lead": lead, "back": back or reverse("desk-cash")}
    return render(request, "ledger/cash_form.html", values, status=422 if form.errors else 200)


def _tried(form: Any, act: Callable[[], Any]) -> Any:
    """What the act gives, or None when it was refused: the form then says why."""
    try:
        return act()
    except (Refused, counting.BadCount, limits.TooMany) as error:
        form.add_error(None, str(error))
        return None


def _mine(request: Request) -> Session:
    found = actions.session_of(request.actor)
    if found is None:
        raise Http404(_("You have no cash desk open."))
    return found


@staff(actions.CASH)
def counter(request: Request) -> HttpResponse:
    """Opens a desk, or finds what is owed, takes it, and prints the receipt."""
    session = actions.session_of(request.actor)
    words = " ".join(request.GET.get("q", "").split())[:300]
    values: dict[str, Any] = {
        "session": session,
        "words": words,
        "may_supervise": access.can(request.actor, actions.SUPERVISE),
    }
    if session is None:
        values |= {"desks": reads.desks(), "offered": reads.offered(request.actor)}
    else:
        bills = cashbook.find_bills(words) if words else []
        if len(bills) == 1 and bills[0].exact and session.state == State.OPEN:
            return redirect("desk-cash-bill", bills[0].reference)
        values |= {
            "bills": bills,
            "payments": reads.payments(session, 10),
            "opened": date_format(timezone.localtime(session.opened), "SHORT_DATETIME_FORMAT"),
            "offered_name": actions.name_of(session.offered_to) if session.offered_to else "",
        }
    return render(request, "ledger/cash_counter.html", values)


@staff(actions.CASH)
def open_desk(request: Request, pk: int) -> HttpResponse:
    desk = get_object_or_404(Desk, pk=pk, active=True)
    form = CountForm(cashbook.currency(desk), request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["client_id"]
        made = _tried(form, lambda: actions.open_session(pk, form.pieces(), by=request.actor, client_id=given))
        if made:
            messages.success(
                request,
                _("%(desk)s is open with %(amount)s.")
                % {"desk": desk.name, "amount": money.shown(made.float, made.currency)},
            )
            return redirect("desk-cash")
    lead = _("Count the float that lies in it; leave all empty when there is none.")
    return _form(request, form, _("Open %(desk)s") % {"desk": desk.name}, _("Open the desk"), lead=lead)


@staff(actions.CASH)
def bill(request: Request, reference: str) -> HttpResponse:
    """What one bill asks for, and the money for it. Sent twice it is taken once, by the form's own number."""
    session = actions.session_of(request.actor)
    if session is None:
        messages.error(request, _("You have no cash desk open."))
        return redirect("desk-cash")
    found = cashbook.bill(reference)
    if found is None:
        raise Http404(_("There is no such bill."))
    form = TakeForm(
        session.currency, request.POST or None, owed=found.open, initial={"amount": cashbook.typed(found.open, found.currency)}
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = _tried(
            form,
            lambda: actions.take(
                session.pk,
                data["amount"],
                by=request.actor,
                client_id=data["client_id"],
                bills=[found.pk],
                payer=found.payer,
            ),
        )
        if made:
            change = (data.get("given") or 0) - data["amount"]
            after = f"?change={change}" if change > 0 else ""
            return redirect(reverse("desk-receipt", args=[made.pk]) + after)
    values = {"bill": found, "form": form}
    return render(request, "ledger/cash_bill.html", values, status=422 if form.errors else 200)


@staff(actions.CASH)
def close(request: Request) -> HttpResponse:
    session = _mine(request)
    form = CloseForm(session.currency, request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        done = _tried(form, lambda: actions.close_session(session.pk, form.pieces(), reason=reason, by=request.actor))
        if done:
            messages.success(request, _("The desk is closed; its cash goes into the safe."))
            return redirect("desk-cash-session", session.pk)
        audit.record(request.actor, "ledger.count_refused", f"ledger.session:{session.pk}", reason=bool(reason))
    lead = _("Count all that lies in the desk, the float too.")
    return _form(request, form, _("Count and close"), _("Close the desk"), lead=lead)


@staff(actions.CASH)
def count(request: Request) -> HttpResponse:
    session = _mine(request)
    form = CountForm(session.currency, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = _tried(form, lambda: actions.count_now(session.pk, form.pieces(), by=request.actor))
        if made:
            said = {"amount": money.shown(abs(made.total - made.expected), session.currency)}
            if made.total == made.expected:
                messages.success(request, _("The count is what the book says."))
            elif made.total < made.expected:
                messages.warning(request, _("%(amount)s lacks.") % said)
            else:
                messages.warning(request, _("There is %(amount)s too much.") % said)
            return redirect("desk-cash")
    return _form(request, form, _("Count in between"), _("Compare with the book"))


@staff(actions.CASH)
def out(request: Request) -> HttpResponse:
    session = _mine(request)
    form = OutForm(session.currency, cashbook.expenses(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data

        def act() -> Voucher:
            if data["do"] == "outlay":
                return actions.pay_out(
                    session.pk,
                    data["amount"],
                    data["expense"],
                    data["words"],
                    paid_to=data["paid_to"],
                    by=request.actor,
                    client_id=data["client_id"],
                )
            return actions.exchange_with_safe(
                session.pk,
                data["amount"],
                to_safe=data["do"] == "safe",
                by=request.actor,
                client_id=data["client_id"],
            )

        if made := _tried(form, act):
            messages.success(request, _("It is written down: voucher %(number)s.") % {"number": reads.numbered(made)})
            return redirect("desk-cash-session", session.pk)
    return _form(request, form, _("Cash out, safe"), _("Write it down"))


@staff(actions.CASH)
def hand_over(request: Request) -> HttpResponse:
    session = _mine(request)
    form = OfferForm(session.currency, reads.colleagues(request.actor), request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        done = _tried(
            form,
            lambda: actions.offer(session.pk, data["to"], form.pieces(), reason=data["reason"], by=request.actor),
        )
        if done:
            return redirect("desk-cash")
    lead = _(
        "Count together. You sign by sending this; who takes over signs with their PIN here, or in their own session."
    )
    return _form(request, form, _("Hand over"), _("I sign: hand the desk over"), lead=lead)


@staff(actions.CASH)
def sign(request: Request, pk: int) -> HttpResponse:
    session = get_object_or_404(Session.objects.select_related("desk"), pk=pk, state=State.OFFERED)
    if session.cashier != request.actor.account:
        raise Http404
    form = SignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = _tried(form, lambda: actions.sign_over(pk, form.cleaned_data["pin"], by=request.actor))
        if made:
            messages.success(request, _("The desk is handed over; both have signed."))
            return redirect("desk-cash-session", pk)
    lead = _("%(name)s takes over %(amount)s in %(desk)s.") % {
        "name": actions.name_of(session.offered_to),
        "amount": money.shown(session.counted or 0, session.currency),
        "desk": session.desk.name,
    }
    return _form(request, form, _("Sign for the desk"), _("I have counted it: I take the desk over"), lead=lead)


@staff(actions.CASH)
@require_POST
def take_over(request: Request, pk: int) -> HttpResponse:
    get_object_or_404(Session, pk=pk)
    try:
        made = actions.take_over(pk, by=request.actor)
        messages.success(request, _("%(desk)s is yours now; both have signed.") % {"desk": made.desk.name})
    except Refused as error:
        messages.error(request, str(error))
    return redirect("desk-cash")


@staff(actions.CASH)
@require_POST
def take_back(request: Request, pk: int) -> HttpResponse:
    get_object_or_404(Session, pk=pk)
    try:
        actions.take_back(pk, by=request.actor)
    except Refused as error:
        messages.error(request, str(error))
    return redirect("desk-cash")


@staff(actions.CASH)
def pin(request: Request) -> HttpResponse:
    form = PinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():

        def act() -> bool:
            actions.set_pin(form.cleaned_data["pin"], by=request.actor)
            return True

        if _tried(form, act):
            messages.success(request, _("Your PIN is set."))
            return redirect("desk-cash")
    return _form(request, form, _("My PIN"), _("Set the PIN"))


@staff(actions.CASH)
def session(request: Request, pk: int) -> HttpResponse:
    """What happened in a session, line by line: for its cashier and for who supervises."""
    found = get_object_or_404(Session.objects.select_related("desk", "after"), pk=pk)
    if found.cashier != request.actor.account:
        access.require(request.actor, actions.SUPERVISE)
    return render(request, "ledger/cash_session.html", reads.told(found, access.can(request.actor, actions.SUPERVISE)))


@staff(actions.CASH)
def voucher(request: Request, pk: int) -> HttpResponse:
    """The voucher, or the slip that goes to the bank with the cash, as PDF."""
    found = get_object_or_404(Voucher.objects.select_related("desk", "session"), pk=pk)
    if found.account != request.actor.account:
        access.require(request.actor, actions.SUPERVISE)
    size = receipts.size_of(request.GET.get("size", ""))
    headers = {"Content-Disposition": f'inline; filename="{found.reference}.pdf"'}
    return HttpResponse(paper.pdf(reads.slip(found), size), content_type="application/pdf", headers=headers)


@staff(actions.SUPERVISE)
def board(request: Request) -> HttpResponse:
    """All cash desks as they are now, what is in the safe and on its way to the bank."""
    if request.method == "POST" and request.POST.get("do") == "desk":
        try:
            cashbook.new_desk(request.POST.get("name", ""), by=request.actor)
            messages.success(request, _("The desk is made."))
        except Refused as error:
            messages.error(request, str(error))
        return redirect("desk-cash-board")
    return render(request, "ledger/cash_board.html", reads.board())


@staff(actions.SUPERVISE)
def deposit(request: Request) -> HttpResponse:
    currency = town.current().currency
    form = DepositForm(currency, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = _tried(
            form,
            lambda: actions.deposit(
                data["amount"], currency, data["words"], by=request.actor, client_id=data["client_id"]
            ),
        )
        if made:
            messages.success(
                request,
                _("Write the reference %(code)s on the slip of the bank: its statement is matched by it.")
                % {"code": made.reference},
            )
            return redirect("desk-cash-board")
    lead = _("The safe holds %(amount)s.") % {"amount": money.shown(cashbook.in_safe(), currency)}
    return _form(
        request, form, _("Bring cash to the bank"), _("Make the slip"), lead=lead, back=reverse("desk-cash-board")
    )
