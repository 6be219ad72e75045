"""The payer's pages, which need no account and no script; and the desk's: what was asked, what providers say."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger.models.providers import PaymentRequest, SettlementFile
from toguna.engines.ledger.paying import receipt_number
from toguna.engines.ledger.providers import asking, following, owed, reconciling, ways
from toguna.engines.ledger.providers.forms import FileForm, PayForm
from toguna.engines.ledger.providers.port import BadFile, written
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, limits, money, tasks
from toguna.kernel.web import Request, public, staff

State = PaymentRequest.State
SHOWN = 50
RELOAD = 6  # seconds
_WAITING = (State.NEW, State.SENDING, State.PENDING)


@public
def find(request: HttpRequest) -> HttpResponse:
    """The bill of a typed reference: its page, or where to type it again."""
    typed = request.GET.get("reference", "")[:30]
    if typed and (bill := owed.find(typed)) is not None:
        return redirect("pay-bill", bill.reference)
    values = {"typed": typed, "wrong": bool(typed)}
    return render(request, "ledger/providers_find.html", values, status=404 if typed else 200)


@public
def pay(request: HttpRequest, reference: str) -> HttpResponse:
    """What is left of a bill, and the ways to pay it. Whoever has its reference may pay it, and reads nothing of whose it is."""
    limits.hit("ledger.pay", request.META.get("REMOTE_ADDR", ""), at_most=600, per=timedelta(hours=1))
    bill = owed.find(reference)
    if bill is None:
        return render(request, "ledger/providers_find.html", {"typed": reference[:30], "wrong": True}, status=404)
    left, usable = owed.left(bill), ways.usable(bill.currency)
    posted = request.method == "POST" and bool(left) and bool(usable)
    given = request.POST if posted else None
    first = {"amount": written(left, bill.currency), "way": usable[0].slug if usable else "", "client_id": uuid.uuid4()}
    form = PayForm(given, initial=first, usable=usable, currency=bill.currency)
    if posted and form.is_valid():
        said = form.cleaned_data
        try:
            row = asking.ask(
                said["way"],
                said["amount"],
                bills=[bill.pk],
                phone=said["phone"],
                by=cast(Request, request).actor,
                client_id=said["client_id"],
                currency=bill.currency,
            )
            return redirect("pay-request", row.code)
        except asking.Unaskable as wrong:
            form.add_error("amount", str(wrong))
        except limits.TooMany as wrong:
            form.add_error("phone", str(wrong))
    values = {"bill": bill, "left": left, "usable": usable, "form": form, "running": _running(bill.pk)}
    return render(request, "ledger/providers_pay.html", values, status=422 if posted else 200)


def _running(bill: int) -> PaymentRequest | None:
    rows = PaymentRequest.objects.filter(bills__contains=[bill], state__in=_WAITING, expires__gt=timezone.now())
    return rows.order_by("-pk").first()


@public
def request_page(request: HttpRequest, code: str) -> HttpResponse:
    """Where a payment stands, for whoever has its code: nothing in it says who pays. It reloads by a header, without a script,
    while the payer is to confirm."""
    row = get_object_or_404(PaymentRequest.objects.select_related("payment__desk"), code=codes.read(code), back_of=None)
    try:
        way = ways.find(row.way)
    except ways.Unset:
        way = None
    transfer = way.given if way and way.provider.how == "transfer" else None
    waiting = row.state in _WAITING
    number = receipt_number(row.payment) if row.payment is not None and row.state == State.SUCCEEDED else ""
    values: dict[str, Any] = {
        "row": row,
        "title": way.title if way else row.way,
        "said": following.said_to_payer(row),
        "bad": row.state in (State.FAILED, State.EXPIRED, State.UNKNOWN, State.SUSPENDED),
        "phone": people.masked("phone", row.phone) if row.phone else "",
        "transfer": transfer,
        "waiting": waiting,
        "number": number,
        "receipt": reverse("receipt-number", args=[number]) if number else "",
        "bill": owed.reference(row.bills[0]) if row.bills and row.state != State.SUCCEEDED else "",
    }
    answer = render(request, "ledger/providers_request.html", values)
    answer["Cache-Control"] = "no-store"
    if waiting and not transfer and row.expires > timezone.now():
        answer["Refresh"] = str(RELOAD)
    return answer


@staff(reconciling.PERMISSION)
def requests(request: Request) -> HttpResponse:
    words = " ".join(request.GET.get("q", "").split())[:80]
    state = request.GET.get("state", "")
    rows = PaymentRequest.objects.order_by("-created", "-pk")
    if words:
        code = codes.read(words)
        rows = rows.filter(Q(transaction=words) | Q(theirs=words) | Q(phone__in=_phones(words)) | Q(code=code or "-"))
    if state in State.values:
        rows = rows.filter(state=state)
    values = {"page": Paginator(rows, SHOWN).get_page(request.GET.get("page")), "words": words, "state": state}
    return render(
        request, "ledger/providers_requests.html", {**values, "states": State.choices, "troubles": ways.troubles()}
    )


def _phones(typed: str) -> list[str]:
    try:
        return [people.normal_phone(typed)]
    except ValidationError:
        return []


@staff(reconciling.PERMISSION)
def desk_request(request: Request, code: str) -> HttpResponse:
    row = get_object_or_404(PaymentRequest.objects.select_related("payment", "suspense"), code=code)
    may_ask = row.state not in PaymentRequest.PAID and not row.arrived
    if request.method == "POST" and may_ask:
        tasks.defer(following.follow_job, request=row.pk)
        messages.success(request, _("The provider is being asked; the answer is here in a moment."))
        return redirect("desk-pay-request", row.code)
    audit.record(request.actor, "ledger.read_request", f"ledger.request:{row.pk}")  # it shows who paid, by what number
    values = {
        "row": row,
        "bodies": list(row.bodies.all()[:200]),
        "may_ask": may_ask,
        "phone": people.shown("phone", row.phone) if row.phone else "",
    }
    return render(request, "ledger/providers_desk_request.html", values)


@staff(reconciling.PERMISSION)
def files(request: Request) -> HttpResponse:
    """The files that were brought, the last first; a posted one is read."""
    access.require(request.actor, reconciling.PERMISSION)
    usable = ways.usable()
    posted = request.method == "POST"
    form = FileForm(request.POST, request.FILES, usable=usable) if posted else FileForm(usable=usable)
    if posted and form.is_valid():
        brought = form.cleaned_data["file"]
        try:
            content = brought.read(reconciling.LARGEST + 1)
            kept = reconciling.bring(ways.find(form.cleaned_data["way"]), brought.name, content, by=request.actor)
            return redirect("desk-settlement", kept.pk)
        except BadFile as wrong:
            form.add_error("file", str(wrong))
    rows = SettlementFile.objects.defer("text").annotate(count=Count("lines"))[:SHOWN]
    values = {"form": form, "usable": usable, "rows": rows}
    return render(request, "ledger/providers_files.html", values, status=422 if posted else 200)


@staff(reconciling.PERMISSION)
def file(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(SettlementFile.objects.defer("text"), pk=pk)
    report = reconciling.report(row)
    every = sorted(report.ours.keys() | report.theirs.keys())
    totals = [
        {
            "currency": code,
            "ours": money.shown(report.ours.get(code, 0), code),
            "theirs": money.shown(report.theirs.get(code, 0), code),
            "fees": money.shown(report.fees.get(code, 0), code),
        }
        for code in every
    ]
    parts = [
        (_("Another amount in our book"), [], report.differing),
        (_("In our book, not in their file"), report.missing, []),
        (_("Was not in our book: taken from this file"), [], report.taken),
        (_("In suspense: nobody knows what it pays"), [], report.suspense),
        (_("Came by itself, and no file confirms it yet"), report.waiting, []),
    ]
    values = {
        "file": row,
        "report": report,
        "totals": totals,
        "parts": [part for part in parts if part[1] or part[2]],
        "differences": [money.shown(amount, code) for code, amount in report.differences.items()],
    }
    return render(request, "ledger/providers_file.html", values)
