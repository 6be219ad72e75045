"""The pages of the book: thin over `settling`, `billing` and `book`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import billing, book, settling
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import Account, Bill, Desk, Entry, Payer, Payment, PaymentRequest, Period, Wish
from toguna.engines.ledger.office import export as files
from toguna.engines.ledger.office import reads
from toguna.engines.ledger.office.forms import CreditForm, OffForm, PlanForm, RefundForm, SpanForm
from toguna.engines.ledger.office.reads import APPROVE, BILL, READ
from toguna.engines.ledger.providers import returning, ways
from toguna.kernel import access, audit, codes, money, text, town
from toguna.kernel.web import Request, staff


def _before(request: Request) -> int | None:
    typed = request.GET.get("before", "")
    return int(typed) if typed.isdecimal() and len(typed) < 19 else None


def _more(found: list[Any]) -> tuple[list[Any], int | None]:
    """(what is shown, the id below which the next page begins)."""
    shown = found[: reads.SHOWN]
    return shown, shown[-1].pk if len(found) > reads.SHOWN else None


@staff(BILL)
def home(request: Request) -> HttpResponse:
    """Finds a bill or a payer; what is late; the doors to the rest."""
    words = " ".join(request.GET.get("q", "").split())[:80]
    bills, payers = reads.find(words)
    if len(bills) == 1:
        return redirect("desk-bill", bills[0].reference)
    may_read = access.can(request.actor, READ, anywhere=True)
    values = {
        "words": words,
        "bills": bills,
        "payers": payers,
        "may_read": may_read,
        "late": Paginator(reads.late_bills(), reads.SHOWN).get_page(request.GET.get("page")) if not words else None,
        "today": reads.today() if may_read else None,
        "may_spend": access.can(request.actor, APPROVE),
        "waiting": reads.waiting_wishes().count() if access.can(request.actor, APPROVE, anywhere=True) else 0,
    }
    return render(request, "ledger/book_home.html", values)


@staff(READ)
def accounts(request: Request) -> HttpResponse:
    form = SpanForm(request.GET or None)
    since, until = form.span()
    rows = reads.balances(since, until)
    values = {
        "form": form,
        "rows": rows,
        "sums": reads.sums(rows),
        "since": since,
        "until": until,
        "charts": files.CHARTS,
    }
    return render(request, "ledger/book_accounts.html", values, status=422 if form.errors else 200)


@staff(READ)
def account(request: Request, code: str) -> HttpResponse:
    row = get_object_or_404(Account, code=code)
    lines, after = _more(reads.account_lines(row, _before(request)))
    values = {"account": row, "lines": lines, "after": after, "balance": book.balance(row.code)}
    return render(request, "ledger/book_account.html", values)


@staff(READ)
def journal(request: Request) -> HttpResponse:
    form = SpanForm(request.GET or None)
    since, until = form.span()
    kind = request.GET.get("kind", "")[:20]
    rows, after = _more(reads.journal(since, until, kind, _before(request)))
    values = {
        "form": form,
        "rows": rows,
        "after": after,
        "kind": kind,
        "kinds": list(reads.KINDS.items()),
        "since": since,
        "until": until,
    }
    return render(request, "ledger/book_journal.html", values, status=422 if form.errors else 200)


@staff(READ)
def entry(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(Entry.objects.select_related("reverses"), pk=pk)
    values = {
        "entry": row,
        "said": reads.kind_words(row.kind),
        "lines": list(row.lines.select_related("account", "payer").order_by("number")),
        "reversed_by": Entry.objects.filter(reverses=row).first(),
    }
    return render(request, "ledger/book_entry.html", values)


def _tried(form: Any, act: Callable[[], Any]) -> bool:
    try:
        act()
        return True
    except (Refused, ways.Unset) as wrong:
        form.add_error(None, str(wrong))
        return False


@staff(BILL)
def bill(request: Request, reference: str) -> HttpResponse:
    """A bill and what may be done about it: a plan, less of it, giving it up, taking it back. POST says which by `do`."""
    row = get_object_or_404(Bill.objects.select_related("payer", "tariff"), reference=codes.read(reference) or "-")
    do = request.POST.get("do", "")
    given = request.POST if request.method == "POST" else None
    first = {"client_id": uuid.uuid4()}
    forms: dict[str, Any] = {
        "plan": PlanForm(given if do == "plan" else None, initial={"first": timezone.localdate()}),
        "credit": CreditForm(given if do == "credit" else None, initial=first, currency=row.currency, prefix="credit"),
        "off": OffForm(given if do == "off" else None, initial=first, prefix="off"),
        "cancel": OffForm(given if do == "cancel" else None, initial=first, prefix="cancel"),
    }
    if do in forms and forms[do].is_valid():
        act, said = _deed(request, row, do, forms[do])
        if _tried(forms[do], act):
            messages.success(request, said)
            return redirect("desk-bill", row.reference)
    audit.record(request.actor, "ledger.read_bill", f"ledger.bill:{row.pk}")
    row.refresh_from_db()
    values = {
        **reads.bill_facts(row),
        "forms": forms,
        "tried": do,
        "may_approve": access.can(request.actor, APPROVE, anywhere=True),
        "may_read": access.can(request.actor, READ, anywhere=True),
        "late": settling.late(row),
    }
    return render(request, "ledger/book_bill.html", values, status=422 if do in forms else 200)


def _deed(request: Request, row: Bill, do: str, form: Any) -> tuple[Callable[[], Any], str]:
    """(what is done, what is said of it)."""
    said, by = form.cleaned_data, request.actor
    if do == "plan":
        step = 25 if money.exponent(row.currency) == 0 else 1  # the smallest coin that people have
        return lambda: settling.plan(row.pk, form.days(), by=by, step=step), _("The bill is spread over these days.")
    if do == "credit":
        key = f"web:{said['client_id']}"
        return lambda: settling.credit(row.pk, said["amount"], reason=said["reason"], key=key, by=by), _(
            "The bill is less by this credit note."
        )
    if do == "off":
        key = f"web:{said['client_id']}"
        return lambda: settling.ask_write_off(row.pk, reason=said["reason"], key=key, by=by), _(
            "It waits for somebody else's approval."
        )

    return lambda: billing.cancel(row.pk, reason=said["reason"], by=by), _(
        "The bill is cancelled; what was paid stays with the payer, paid ahead."
    )


@staff(BILL)
def payer(request: Request, pk: int) -> HttpResponse:
    """What one payer owes and paid; money given back is asked for here."""
    row = get_object_or_404(Payer, pk=pk)
    facts = reads.payer_facts(row)
    form = RefundForm(
        request.POST or None,
        currency=facts["currency"],
        ways=_ways_back(facts["payments"]),
        initial={"client_id": uuid.uuid4()},
    )
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        desk, payment = form.chosen()

        def ask() -> None:
            settling.ask_refund(
                row.pk, said["amount"], desk, payment=payment, currency=facts["currency"], reason=said["reason"],
                key=f"web:{said['client_id']}", by=request.actor,
            )  # fmt: skip

        if _tried(form, ask):
            messages.success(request, _("It waits for somebody else's approval."))
            return redirect("desk-payer", row.pk)
    audit.record(request.actor, "ledger.read_payer", f"ledger.payer:{row.pk}")
    values = {**facts, "form": form, "may_approve": access.can(request.actor, APPROVE, anywhere=True)}
    return render(request, "ledger/book_payer.html", values, status=422 if form.errors else 200)


def _ways_back(payments: list[Payment]) -> list[tuple[str, str]]:
    """Desks with cash, and the payments that their operator can give back."""
    found = [
        (f"desk:{one.pk}", one.name)
        for one in Desk.objects.filter(active=True, kind__in=(Desk.Kind.COUNTER, Desk.Kind.COLLECTOR)).order_by("name")
    ]
    asked = set(PaymentRequest.objects.filter(payment__in=payments, back_of=None).values_list("payment", flat=True))
    for one in payments:
        if one.pk in asked and not one.void:
            try:
                returning.original(one)
            except Refused:
                continue
            words = _("%(way)s, the payment of %(day)s: %(amount)s")
            said = {"way": ways.find(one.method).title, "day": timezone.localdate(one.at).isoformat()}
            found.append((f"payment:{one.pk}", words % {**said, "amount": money.shown(one.amount, one.currency)}))
    return found


@staff(READ)
def wishes(request: Request) -> HttpResponse:
    """What waits for approval, and what was decided lately."""
    values = {
        "waiting": list(reads.waiting_wishes()),
        "page": Paginator(
            Wish.objects.exclude(state__in=(Wish.State.ASKED, Wish.State.SENT)).select_related("payer", "bill"),
            reads.SHOWN,
        ).get_page(request.GET.get("page")),
    }
    return render(request, "ledger/book_wishes.html", values)


@staff(READ)
def wish(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(Wish.objects.select_related("payer", "bill", "desk", "payment__desk", "entry"), pk=pk)
    wrong = ""
    if request.method == "POST":
        note, do = request.POST.get("note", ""), request.POST.get("do")
        try:
            if do == "back":
                returning.did_not_go(row.pk, note=note, by=request.actor)
            elif do in ("yes", "no"):
                settling.decide(row.pk, do == "yes", note=note, by=request.actor)
            else:
                raise Http404
            messages.success(request, _("It is decided."))
            return redirect("desk-wishes")
        except Refused as refused:
            wrong = str(refused)
    asked = PaymentRequest.objects.filter(wish=row).first()
    values = {
        "wish": row,
        "asked": asked,
        "wrong": wrong,
        "mine": row.asked_by == request.actor.account,
        "may": access.can(request.actor, APPROVE, anywhere=True),
        "silent": asked is not None and asked.state in returning.SILENT,
    }
    return render(request, "ledger/book_wish.html", values, status=422 if wrong else 200)


@staff(READ)
def periods(request: Request) -> HttpResponse:
    """The months of the book: made for a year, closed one after the other."""
    if request.method == "POST":
        access.require(request.actor, APPROVE, anywhere=True)
        try:
            if request.POST.get("do") == "year":
                typed = request.POST.get("year", "")
                if not typed.isdecimal() or not 2000 <= int(typed[:5]) <= 2100:
                    raise Refused(_("Say a year, such as 2026."))
                book.months(int(typed), by=request.actor)
            else:
                row = get_object_or_404(Period, pk=int(request.POST.get("period", "0") or 0))
                book.close(row, by=request.actor)
                messages.success(request, _("The period is closed: nothing is written in it any more."))
        except Refused as refused:
            messages.error(request, str(refused))
        return redirect("desk-periods")
    values = {
        "rows": list(Period.objects.order_by("-since")[:60]),
        "today": timezone.localdate(),
        "may": access.can(request.actor, APPROVE, anywhere=True),
    }
    return render(request, "ledger/book_periods.html", values)


_EXPORTS = {"journal": files.journal, "balance": files.balance, "fec": files.fec}


@staff(READ)
def export(request: Request, kind: str) -> StreamingHttpResponse:
    """journal, balance or fec of a span: ?since=&until=&chart=own|syscohada|m14."""
    if kind not in _EXPORTS:
        raise Http404
    since, until = SpanForm(request.GET or None).span()
    chart = next((one for one in files.CHARTS if one == request.GET.get("chart")), files.CHARTS[0])
    audit.record(
        request.actor,
        "ledger.export",
        "ledger.entry",
        kind=kind,
        since=since.isoformat(),
        until=until.isoformat(),
        chart=chart,
    )
    ending = "txt" if kind == "fec" else "csv"
    name = f"{text.fold(town.current().name).replace(' ', '-')}-{kind}-{since}-{until}.{ending}"
    answer = StreamingHttpResponse(
        _EXPORTS[kind](since, until, chart), content_type=f"text/{'plain' if ending == 'txt' else 'csv'}; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
