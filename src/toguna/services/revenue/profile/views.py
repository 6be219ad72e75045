"""A taxpayer's own pages, the public check of the register, and the desk that answers. Thin: see `actions`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, limits, text
from toguna.kernel.web import Request, public, resident, staff
from toguna.services.revenue.models import Objection, PlanWish, Taxpayer
from toguna.services.revenue.profile import actions, reads, statement
from toguna.services.revenue.profile.forms import ContestForm, PlanForm
from toguna.services.revenue.register import account
from toguna.services.revenue.register import actions as register_actions
from toguna.services.revenue.register import reads as register

CHECKS = 60  # an hour, of one device


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response


def _mine(request: Request, number: str) -> Taxpayer:
    row = reads.owner(request.actor, number)
    if row is None:
        raise Http404(_("There is no such taxpayer."))
    return row


@resident
def mine(request: Request) -> HttpResponse:
    """What they are taxpayers of: their page when there is one."""
    found = reads.balances(reads.theirs(request.actor.person))
    if len(found) == 1:
        return redirect("taxes", found[0][0].number)
    return _private(render(request, "revenue/mine.html", {"rows": found}))


@resident
def profile(request: Request, number: str) -> HttpResponse:
    """Balance, what is taxed and why, bills, payments, what was asked of the town."""
    row = _mine(request, number)
    bills = account.bills(row)
    values = {
        "taxpayer": row, "balance": register.balance(row), "explained": account.explained(list(register.taxed_of(row))),
        "bills": bills, "payments": account.payments(row), "next": next((one for one in bills if one.open), None),
        "objections": row.objections.all()[:10], "plans": row.plans.select_related("bill")[:10],
    }  # fmt: skip
    return _private(render(request, "revenue/profile.html", values))


def _pdf(row: Taxpayer) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{row.number}.pdf"', "Cache-Control": "private, no-store"}
    return HttpResponse(statement.drawn(row), content_type="application/pdf", headers=headers)


@resident
def statement_pdf(request: Request, number: str) -> HttpResponse:
    return _pdf(_mine(request, number))


@resident
def contest(request: Request, number: str) -> HttpResponse:
    """?about= what is meant."""
    row = _mine(request, number)
    things = {f"thing:{one.code}": one for one in register.taxed_of(row)}
    bills = {f"bill:{one.reference}": one for one in reads.open_bills(row)[:20]}
    choices = [(key, _name(one)) for key, one in things.items()]
    choices += [(key, " ".join([_("Bill"), one.reference, one.words[:60]])) for key, one in bills.items()]
    form = ContestForm(request.POST or None, choices=choices, initial={"about": request.GET.get("about", "")})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = actions.contest(
                row, given["reason"], by=request.actor, client_id=given["client_id"], thing=things.get(given["about"]),
                bill=bills.get(given["about"]), channel="web",
            )  # fmt: skip
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request,
                _("The town has it, number %(code)s. Nothing is asked of you for it until it is answered.")
                % {"code": made.code},
            )
            return redirect("taxes", row.number)
    title = _("Say that it is wrong")
    return _private(_form(request, form, title, _("Send"), row))


def _name(thing: Any) -> str:
    return " ".join(part for part in (text.pick(thing.base.titles), thing.words, thing.plate) if part)


@resident
def plan(request: Request, number: str, reference: str) -> HttpResponse:
    row = _mine(request, number)
    bill = get_object_or_404(ledger.Bill, reference=codes.read(reference), payer__in=register.payers_of(row))
    form = PlanForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            actions.ask_plan(
                row,
                bill,
                given["months"],
                by=request.actor,
                client_id=given["client_id"],
                reason=given["reason"],
                channel="web",
            )
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is asked. The town will answer you."))
            return redirect("taxes", row.number)
    return _private(_form(request, form, _("Pay in parts"), _("Ask"), row, bill=bill))


def _form(request: Request, form: Any, title: str, button: str, row: Taxpayer, **more: Any) -> HttpResponse:
    values = {"form": form, "title": title, "button": button, "taxpayer": row, **more}
    return render(request, "revenue/profile_form.html", values, status=422 if form.errors else 200)


@public
def registered(request: Request) -> HttpResponse:
    """?code= a number, the code of a plate, or a number plate: in the register or not; nobody's name."""
    typed = " ".join(request.GET.get("code", "").split())[:20]
    found: list[reads.Registered] = []
    if typed:
        limits.hit("revenue.registered", people.device_of(request), at_most=CHECKS, per=timedelta(hours=1))
        found = reads.registered(typed)
    values = {"typed": typed, "found": found}
    return people.remember_device(
        request, render(request, "revenue/registered.html", values, status=404 if typed and not found else 200)
    )


# --- The desk


@staff("revenue.read")
def answers(request: Request) -> HttpResponse:
    """What is contested and what plans are asked, the oldest first; what was answered lately."""
    zones = access.zones(request.actor, "revenue.read")

    def within(rows: Any) -> Any:
        return rows if zones is None else rows.filter(taxpayer__in=register.taxpayers(request.actor))

    objections = within(Objection.objects.select_related("taxpayer", "taxed__base", "bill"))
    plans = within(PlanWish.objects.select_related("taxpayer", "bill"))
    values = {
        "objections": objections.filter(state="open").order_by("pk")[:100], "plans": plans.filter(state="open").order_by("pk")[:100],
        "answered": objections.exclude(state="open").order_by("-decided")[:10], "planned": plans.exclude(state="open").order_by("-decided")[:10],
        "may_answer": access.can(request.actor, actions.ANSWER, anywhere=True),
    }  # fmt: skip
    return render(request, "revenue/answers.html", values)


@staff(actions.ANSWER)
@require_POST
def answer(request: Request, kind: str, pk: int) -> HttpResponse:
    """do=agree|refuse, words=, take_back=yes. The verbs say who may."""
    agree, words = request.POST.get("do") == "agree", request.POST.get("words", "")
    get_object_or_404(Objection if kind == "objection" else PlanWish, pk=pk)
    try:
        if kind == "objection":
            actions.answer_objection(
                pk, agree=agree, words=words, by=request.actor, take_back=bool(request.POST.get("take_back"))
            )
        else:
            actions.answer_plan(pk, agree=agree, words=words, by=request.actor)
    except actions.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Answered: the taxpayer is told."))
    return redirect("desk-objections")


@staff("revenue.read")
def desk_statement(request: Request, number: str) -> HttpResponse:
    row = get_object_or_404(Taxpayer, number=codes.read(number))
    register_actions.require_taxpayer(request.actor, row, "revenue.read")
    audit.record(request.actor, "revenue.read_taxpayer", f"revenue.taxpayer:{row.pk}")
    return _pdf(row)
