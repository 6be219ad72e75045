"""The desk's pages of money that nobody could match: what waits, whose it was, and giving it back."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from toguna.engines.ledger import settling
from toguna.engines.ledger import suspense as aside
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import Desk, Payment, Suspense
from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import owed, returning
from toguna.kernel import access, audit, money
from toguna.kernel.web import Request, staff

SHOWN = 50


@staff(aside.RESOLVE)
def waiting(request: Request) -> HttpResponse:
    """What waits, the oldest first."""
    rows = Suspense.objects.filter(resolved=None).select_related("payment").order_by("at", "pk")
    sums: dict[str, int] = {}
    for currency, amount in rows.values_list("payment__currency").annotate(sum=Sum("payment__amount")).order_by():
        sums[currency] = amount
    values = {
        "page": Paginator(rows, SHOWN).get_page(request.GET.get("page")),
        "totals": [money.shown(amount, currency) for currency, amount in sorted(sums.items())],
    }
    return render(request, "ledger/book_suspense.html", values)


def _cash_desks() -> QuerySet[Desk]:
    return Desk.objects.filter(active=True, kind__in=(Desk.Kind.COUNTER, Desk.Kind.COLLECTOR)).order_by("name")


def _desk(typed: str) -> Desk | None:
    """The cash desk that was chosen; None for the operator. Raises Refused."""
    if typed == "operator":
        return None
    found = _cash_desks().select_related("account").filter(pk=int(typed) if typed.isdecimal() else 0).first()
    if found is None:
        raise Refused(_("Say from which desk it is paid."))
    return found


def _by_operator(payment: Payment) -> bool:
    """Whether the operator that took it can give it back by itself."""
    try:
        returning.original(payment, payment.amount)
    except Refused:
        return False
    return True


@staff(aside.RESOLVE)
def item(request: Request, pk: int) -> HttpResponse:
    """One of them: GET finds bills by a reference or a name, POST says which it was."""
    row = get_object_or_404(Suspense.objects.select_related("payment", "payment__desk"), pk=pk)
    words = " ".join(request.GET.get("q", "").split())[:80]
    wrong = ""
    if request.method == "POST":
        bill = owed.find(request.POST.get("bill", ""))
        back = request.POST.get("do") == "back"
        try:
            if back:
                settling.give_suspense_back(
                    row.pk, request.POST.get("name", ""), _desk(request.POST.get("where", "")),
                    note=request.POST.get("note", ""), by=request.actor,
                )  # fmt: skip
                messages.success(request, _("It waits for somebody else's approval."))
                return redirect("desk-suspense")
            if bill is None:
                raise Refused(_("No bill has this reference."))
            ahead = request.POST.get("do") == "ahead"
            aside.resolve(
                row.pk, bills=[] if ahead else [bill.pk], payer=bill.payer_id if ahead or not bill.left else None,
                note=request.POST.get("note", ""), by=request.actor,
            )  # fmt: skip
            messages.success(request, _("It is sorted out."))
            return redirect("desk-suspense")
        except Refused as refused:
            wrong = str(refused)
    audit.record(request.actor, "ledger.read_suspense", f"ledger.suspense:{row.pk}")
    asked = PaymentRequest.objects.filter(suspense=row).first()
    values = {
        "row": row,
        "asked": asked,
        "words": words,
        "found": owed.search(words, row.payment.currency),
        "wrong": wrong,
        "may_refund": access.can(request.actor, settling.BILL),
        "by_operator": asked is not None and _by_operator(row.payment),
        "desks": _cash_desks(),
    }
    return render(request, "ledger/book_suspense_item.html", values, status=422 if wrong else 200)
