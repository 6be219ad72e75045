"""The kiosk: a screen in a hall or a market. Who stands before it finds what is owed by a number, pays by telephone, or takes a slip to the
counter. It keeps nothing: what is typed is posted and never stands in an address, and after a minute it begins again."""

from __future__ import annotations

import base64
import io
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import codes, limits, town
from toguna.kernel.heavy import Heavy
from toguna.kernel.web import Request, public
from toguna.services.revenue.models import Taxpayer
from toguna.services.revenue.register import reads as register

segno = Heavy("segno")
IDLE = 90  # seconds until it begins again, where no script does it sooner
LOOK = 5  # seconds between two looks at a payment that is being confirmed
SHOWN = 12  # bills
WAITING = (ledger.PaymentRequest.State.NEW, ledger.PaymentRequest.State.SENDING, ledger.PaymentRequest.State.PENDING)


def initials(name: str) -> str:
    """ "A. T.": enough to see that it is oneself."""
    return " ".join(f"{word[0].upper()}." for word in name.split()[:4] if word[0].isalnum())


def meant(typed: str) -> tuple[Taxpayer | None, list[ledger.Bill]]:
    """(whoever is meant, what they owe), by their number, the code of what is taxed, or the reference of a bill; also within what a QR
    says. Never by a name, a telephone or a plate, which a stranger knows."""
    for part in [typed, *reversed(typed.replace("?", "/").replace("=", "/").split("/"))]:
        code = codes.read(part)
        if len(code) < 6:
            continue
        row = register.by_number(code)
        if row is None and (thing := register.by_code(code)) is not None:
            row = (
                Taxpayer.objects.filter(parts__taxed=thing, active=True).order_by("-parts__weight", "parts__pk").first()
            )
        if row is not None:
            return row, _open(register.bills_of(row))
        bill = ledger.find_bill(code)
        if bill is not None:
            return register.of_payer(bill.payer_id), _open([bill])
    return None, []


def _open(rows: Any) -> list[ledger.Bill]:
    currency = town.current().currency
    return [one for one in rows if one.left > 0 and one.currency == currency]


@public
def screen(request: HttpRequest) -> HttpResponse:
    """GET: where to type; ?pay=CODE: where a payment stands. POST do=find: what is owed; do=pay: asks for it; do=slip: to the counter."""
    if request.method == "POST":
        try:
            limits.hit("revenue.kiosk", request.META.get("REMOTE_ADDR", ""), at_most=600, per=timedelta(hours=1))
        except limits.TooMany as error:
            return _shown(request, {"wrong": str(error)}, 429)
        return _posted(request)
    if code := request.GET.get("pay", "")[:20]:
        return _payment(request, codes.read(code))
    return _shown(request, {})


def _posted(request: HttpRequest) -> HttpResponse:
    typed, do = request.POST.get("typed", "")[:300], request.POST.get("do", "find")
    who, bills = meant(typed)
    if who is None and not bills:
        return _shown(request, {"wrong": _("Nothing has this number. Look at it once more."), "typed": typed}, 404)
    chosen = [one for one in bills if one.reference in request.POST.getlist("bill")] or bills
    total = sum(one.left for one in chosen)
    values: dict[str, Any] = {
        "typed": typed, "found": True, "name": initials(who.name) if who else "", "number": who.number if who else bills[0].reference,
        "bills": bills[:SHOWN], "more": len(bills) - SHOWN, "total": sum(one.left for one in bills), "client_id": uuid.uuid4(),
        "ways": ledger.usable_ways(town.current().currency),
    }  # fmt: skip
    if do == "slip":
        return _shown(request, values | {"slip": True, "total": total, "qr": drawn(values["number"])})
    if do == "pay" and total:
        return _asked(request, values, chosen, total)
    return _shown(request, values)


def _asked(request: HttpRequest, values: dict[str, Any], chosen: Sequence[ledger.Bill], total: int) -> HttpResponse:
    try:
        phone = people.normal_phone(request.POST.get("phone", "")[:30]) if request.POST.get("phone") else ""
        given = uuid.UUID(request.POST.get("client_id", ""))
        way = next(one for one in values["ways"] if one.slug == request.POST.get("way"))
        row = ledger.ask_payment(
            way.slug, total, bills=[one.pk for one in chosen], phone=phone, by=cast(Request, request).actor, client_id=given,
            currency=town.current().currency,
        )  # fmt: skip
    except (ValidationError, ledger.Unaskable, limits.TooMany) as error:
        said = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        return _shown(request, values | {"wrong": said}, 422)
    except (ValueError, StopIteration):
        return _shown(request, values | {"wrong": _("Choose how you pay.")}, 422)
    return redirect(f"{reverse('kiosk')}?pay={row.code}")


def _payment(request: HttpRequest, code: str) -> HttpResponse:
    row = ledger.PaymentRequest.objects.select_related("payment__desk").filter(code=code, back_of=None).first()
    if row is None:
        return redirect("kiosk")
    values: dict[str, Any] = {"row": row, "said": ledger.said_to_payer(row), "waiting": row.state in WAITING}
    if row.payment is not None and row.state == ledger.PaymentRequest.State.SUCCEEDED:
        values |= {
            "payment": row.payment,
            "receipt": ledger.receipt_number(row.payment),
            "qr": drawn(ledger.receipt_qr(row.payment)),
        }
    if values["waiting"] and row.link:  # a page of the payment company: for their telephone, not for this screen
        values["link_qr"] = drawn(row.link)
    answer = _shown(request, values)
    if values["waiting"]:
        answer["Refresh"] = str(LOOK)
    return answer


def drawn(said: str) -> str:
    """A QR as the address of a picture."""
    made = io.BytesIO()
    segno.make(said, error="l", micro=False).save(made, kind="svg", border=4, light="#fff", xmldecl=False)
    return f"data:image/svg+xml;base64,{base64.b64encode(made.getvalue()).decode()}"


def _shown(request: HttpRequest, values: dict[str, Any], status: int = 200) -> HttpResponse:
    first = not values
    answer = render(
        request, "revenue/collect/kiosk.html", {"alphabet": codes.ALPHABET, "first": first, **values}, status=status
    )
    answer["Cache-Control"] = "no-store"
    if not first:
        answer["Refresh"] = f"{IDLE};url={reverse('kiosk')}"
    return answer
