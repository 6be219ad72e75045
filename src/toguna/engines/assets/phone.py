"""The pages of whoever stands before a machine with a telephone: scan or type its code, say broken, give fuel, finish the work."""

from __future__ import annotations

import uuid
from typing import Any

import zxingcpp
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from PIL import Image

from toguna.engines.assets import actions, fuel, reads, work
from toguna.engines.assets.actions import MANAGE, READ, USE
from toguna.engines.assets.desk import orders
from toguna.engines.assets.desk.forms import FinishForm, FuelForm, MeterForm
from toguna.engines.assets.desk.register import COLOURS, one, valid
from toguna.engines.assets.models import Asset, WorkOrder
from toguna.kernel import access
from toguna.kernel.web import Request, staff

MOST_BYTES = 12_000_000
MOST_SIDE = 2000


@staff(USE)
def begin(request: Request) -> HttpResponse:
    """The code, typed or on a photo of the label; and what I have in hand."""
    typed, wrong = "", ""
    if request.method == "POST":
        typed = request.POST.get("code", "")
        file = request.FILES.get("photo")
        code = _seen(file) if isinstance(file, UploadedFile) else typed
        found = reads.by_code(code)
        if found is not None and access.can(request.actor, READ, zone=found.zone_id):
            return redirect("asset-scan", code=found.code)
        wrong = _("No equipment of yours has this code. Look at the label again, or take the photo nearer.")
    mine = reads.orders(request.actor).filter(taken_by=request.actor.account, state="taken").order_by("-stops", "taken")
    off = reads.visible(request.actor).filter(state__in=(Asset.State.BROKEN, Asset.State.UPKEEP)).order_by("since")
    values = {"typed": typed, "wrong": wrong, "mine": mine[:20], "off": off[:20]}
    return render(request, "assets/phone.html", values, status=422 if wrong else 200)


def _seen(file: UploadedFile[Any]) -> str:
    """The code of the label on a photo; "" where there is none."""
    if not file.size or file.size > MOST_BYTES:
        return ""
    try:
        with Image.open(file) as picture:
            picture.draft("L", (MOST_SIDE, MOST_SIDE))
            picture.thumbnail((MOST_SIDE, MOST_SIDE))
            found = zxingcpp.read_barcodes(picture.convert("L"))
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""
    words = [str(one.text).rstrip("/").rpartition("/")[2][:20] for one in found if one.text]
    # Its maker's own bars may be on the photo too.
    return next((one for one in words if reads.by_code(one) is not None), words[0] if words else "")


@staff(READ)
def asset(request: Request, code: str) -> HttpResponse:
    """What its label opens. POST do=broken | fuel | meter | back | take | finish."""
    row = one(request, code)
    if request.method == "POST":
        try:
            says = _do(request, row)
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, says)
        return redirect("asset-scan", code=row.code)
    live = list(row.orders.filter(state__in=work.LIVE).order_by("-stops", "pk"))
    values = {
        "row": row, "colour": COLOURS[row.state], "fuel_form": FuelForm(auto_id="fuel_%s"), "meter_form": MeterForm(auto_id="meter_%s"),
        "orders": [(o, FinishForm(initial={"minutes": 0}, auto_id=f"o{o.pk}_%s")) for o in live],
        "may_use": access.can(request.actor, USE, zone=row.zone_id),
        "may_manage": access.can(request.actor, MANAGE, zone=row.zone_id), "client_id": uuid.uuid4(),
        "burns": bool(row.tank) or row.kind in ("vehicle", "machine", "generator", "pump"),
    }  # fmt: skip
    return render(request, "assets/phone_asset.html", values)


def _do(request: Request, row: Asset) -> str:
    post = request.POST
    match post.get("do"):
        case "broken":
            work.say_broken(row.pk, post.get("words", ""), by=request.actor, client_id=_once(post.get("client_id", "")))
            return _("The garage knows that it is broken down.")
        case "fuel":
            given = valid(FuelForm(post)).cleaned_data
            made = fuel.fill(
                row.pk, float(given["litres"]), km=given["km"], price=given["price"], by=request.actor, client_id=given["client_id"],
                full=given["full"],
            )  # fmt: skip
            if made.odd:
                return _("Kept. Check: %(why)s.") % {"why": ", ".join(str(fuel.ODD[o]) for o in made.odd)}
            return _("The fuel is kept.")
        case "meter":
            given = valid(MeterForm(post)).cleaned_data
            actions.read_meter(row.pk, km=given["km"], hours=given["hours"], by=request.actor)
            return _("It is kept.")
        case "back":
            actions.set_state(row.pk, Asset.State.SERVICE, by=request.actor)
            return _("It is in service again.")
        case "take" | "finish":
            order: WorkOrder | None = orders.of(request, post.get("order", ""))
            if order is None or order.asset_id != row.pk:
                raise actions.Refused(_("There is no such work."))
            orders.apply(request, order, FinishForm(post))
            return _("Done.")
        case _:
            raise actions.Refused(_("There is no such work."))


def _once(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.uuid4()
