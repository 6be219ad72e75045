"""The public check of a receipt, and its printing at the desk."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.ledger import paying
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import Payment
from toguna.engines.ledger.models.desks import Print
from toguna.engines.ledger.receipts import actions, paper, reads, signing
from toguna.kernel import access, limits, money
from toguna.kernel.web import Request, public, staff

# RawBT takes what it prints from the address itself; longer ones Android cuts.
_LONGEST_LINK = 100_000


@public
def check(request: HttpRequest, number: str = "") -> HttpResponse:
    """What the town says of a receipt. ?s=: what its QR says; ?a=&p=: amount and code of one that a device made without network."""
    typed = request.GET.get("number", "").strip()[:1200]
    said = request.GET.get("s", "")[: signing.LONGEST]
    if typed and "T1." in typed:
        number, said = "", typed
    elif typed:
        return redirect("receipt-number", "".join(typed.split()).upper()[:40] or "-")
    found, signed = None, False
    if said:
        found, signed = reads.check_qr(said)
        if signed and found and number and found.number != number:
            signed, found = False, None  # a genuine signature on the address of another receipt
    if found is None and number:
        found = reads.check(number)
    code, amount = request.GET.get("p", "")[:20], request.GET.get("a", "")[:15]
    on_its_way = False
    if code and amount.isdecimal() and number:
        limits.hit("receipt-code", number, at_most=60, per=timedelta(hours=1))  # six letters are not to be guessed
        on_its_way = (found is None or found.amount != int(amount)) and reads.proven(number, int(amount), code)
        found = None if on_its_way or (found and found.amount != int(amount)) else found
    values: dict[str, Any] = {
        "found": found,
        "on_its_way": on_its_way,
        "amount": int(amount) if on_its_way else 0,
        "signed": signed,
        "forged": bool(said) and not signed,
        "asked": number or typed,
        "keys": signing.public_keys(),
        "exponents": json.dumps(
            {
                code: money.exponent(code)
                for code in ("XOF", "XAF", "GNF", "XPF", "UGX", "RWF", "BIF", "DJF", "KMF", "TND", "LYD")
            }
        ),
    }
    return render(
        request, "ledger/receipt_check.html", values, status=404 if number and found is None and not on_its_way else 200
    )


@public
def keys(request: HttpRequest) -> HttpResponse:
    """The keys that check a QR with no network: {keys: [{name, alg, x}]}, x: the 32 bytes as base64url."""
    found = [{"name": name, "kty": "OKP", "crv": "Ed25519", "x": raw} for name, raw in signing.public_keys().items()]
    answer = JsonResponse({"form": "T1.<facts>.<signature>", "keys": found})
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "public, max-age=3600"
    return answer


@staff(actions.CASH)
def receipt(request: Request, pk: int) -> HttpResponse:
    """A receipt at the desk. ?print=&size=: what was asked to be printed."""
    payment = get_object_or_404(Payment.objects.select_related("desk", "payer"), pk=pk)
    size = actions.size_of(request.GET.get("size", request.COOKIES.get("paper", "")))
    wanted, values = request.GET.get("print", ""), {}
    if wanted.isdecimal() and Print.objects.filter(payment=payment, number=int(wanted[:6])).exists():
        link = {kind: reverse("desk-receipt-file", args=[pk, int(wanted), size, kind]) for kind in ("pdf", "bin")}
        values = {"printed": True, "pdf": link["pdf"]}
        if size in ("58", "80"):
            raw = paper.stream(reads.slip(payment, int(wanted)), size)
            if len(raw) * 4 // 3 < _LONGEST_LINK:
                values["rawbt"] = "rawbt:base64," + base64.b64encode(raw).decode()
            values["bytes"] = link["bin"]
    change = request.GET.get("change", "")
    slip = reads.slip(payment)
    values |= {
        "pk": pk,
        "slip": slip,
        "lines": [(words, money.shown(amount, slip.currency)) for words, amount in slip.lines],
        "copies": payment.prints.count(),
        "may_void": not payment.void and access.can(request.actor, actions.SUPERVISE),
        "size": size,
        "change": money.shown(int(change), payment.currency) if change.isdecimal() and len(change) < 15 else "",
    }
    return render(request, "ledger/receipt_desk.html", values)


@staff(actions.CASH)
@require_POST
def print_receipt(request: Request, pk: int) -> HttpResponse:
    get_object_or_404(Payment, pk=pk)
    limits.hit("print-receipt", str(request.actor.account), at_most=2000, per=timedelta(days=1))
    number, size = actions.printing(pk, by=request.actor), actions.size_of(request.POST.get("size", ""))
    answer = redirect(f"{reverse('desk-receipt', args=[pk])}?print={number}&size={size}#printing")
    answer.set_cookie("paper", size, max_age=365 * 86400, samesite="Lax", httponly=True, secure=request.is_secure())
    return answer


@staff(actions.SUPERVISE)
@require_POST
def void(request: Request, pk: int) -> HttpResponse:
    """A wrong amount, a cheque that bounced: the bills are owed again, and the number stays, void in plain sight."""
    get_object_or_404(Payment, pk=pk)
    try:
        paying.void(pk, reason=request.POST.get("reason", ""), by=request.actor)
        messages.success(request, _("The receipt is void. Give the money back, and keep the paper."))
    except Refused as error:
        messages.error(request, str(error))
    return redirect("desk-receipt", pk)


@staff(actions.CASH)
def file(request: Request, pk: int, number: int, size: str, kind: str) -> HttpResponse:
    """A print that was written down: its PDF, or the bytes that a printer of rolls takes."""
    made = get_object_or_404(Print.objects.select_related("payment__desk", "payment__payer"), payment=pk, number=number)
    slip, paper_size = reads.slip(made.payment, made.number), actions.size_of(size)
    if kind == "pdf":
        headers = {"Content-Disposition": f'inline; filename="{slip.number}.pdf"'}
        return HttpResponse(paper.pdf(slip, paper_size), content_type="application/pdf", headers=headers)
    if kind != "bin" or paper_size not in ("58", "80"):
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="{slip.number}.bin"'}
    return HttpResponse(paper.stream(slip, paper_size), content_type="application/octet-stream", headers=headers)
