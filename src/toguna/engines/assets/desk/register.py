"""The register in the back office: what there is, on a list and a map; one with all that is known of it. Thin."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import segno
import zxingcpp
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from toguna.engines.assets import actions, fuel, photos, reads, table, work
from toguna.engines.assets.actions import MANAGE, READ, USE
from toguna.engines.assets.desk.forms import AssetForm, MeterForm, OrderForm, PaperForm, PlanForm
from toguna.engines.assets.models import Asset, UpkeepPlan
from toguna.engines.documents import api as documents
from toguna.engines.territory import api as territory
from toguna.kernel import access, codes, paper, tables, text
from toguna.kernel.web import Request, staff

F = TypeVar("F", bound=Form)
PAGE, ON_MAP, LABELS = 100, 500, 500
SHOWN = 20  # of each history
MOST_PHOTOS = 40
YEAR = timedelta(days=365)
_LABEL = Path(__file__).parent / "label.typ"
# How the map and the tags colour a state.
COLOURS = {"service": "done", "broken": "late", "upkeep": "waiting", "retired": "refused"}


def one(request: Request, code: str, permission: str = READ) -> Asset:
    """In the reach of whoever asks; 404 for what is none. Raises Denied."""
    row = get_object_or_404(Asset.objects.select_related("zone"), code=codes.read(code) or "-")
    access.require(request.actor, permission, zone=row.zone_id)
    return row


def number(typed: str, most: int = 18) -> int:
    """0 for what is none."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < most else 0


def _filtered(request: Request) -> QuerySet[Asset]:
    given = request.GET
    zone = number(given.get("zone", ""))
    return reads.found(
        request.actor, kind=given.get("kind", ""), state=given.get("state", ""), words=given.get("q", ""),
        zones=list(territory.zone_tree_ids(zone)) if zone else None,
    )  # fmt: skip


@staff(READ)
def assets(request: Request) -> HttpResponse:
    """?kind, ?state, ?zone, ?q, ?after."""
    start = number(request.GET.get("after", ""), 7)
    rows = list(_filtered(request)[start : start + ON_MAP])
    page = rows[:PAGE]
    points = [
        {
            "lat": round(row.point.y, 5), "lon": round(row.point.x, 5), "title": str(row), "code": row.code,
            "url": reverse("desk-asset", args=[row.code]), "kind": "open" if row.state == "service" else "late",
        }
        for row in rows
        if row.point
    ]  # fmt: skip
    values = {
        "rows": [(row, COLOURS[row.state]) for row in page], "next": start + PAGE if len(rows) > PAGE else 0,
        "points": json.dumps(points, ensure_ascii=False) if points else "",
        "kinds": Asset.Kind.choices, "kind": request.GET.get("kind", ""), "states": Asset.State.choices,
        "state": request.GET.get("state", ""), "zones": [(z.id, text.pick(z.names)) for z in territory.districts()],
        "zone": request.GET.get("zone", ""), "typed": request.GET.get("q", ""),
        "may_manage": access.can(request.actor, MANAGE, anywhere=True),
        "maplibre": static("vendor/maplibre/maplibre-gl.mjs"), "map_worker": static("vendor/maplibre/maplibre-gl-worker.mjs"),
        "map_css": static("vendor/maplibre/maplibre-gl.css"),
    }  # fmt: skip
    return render(request, "assets/desk_assets.html", values)


@staff(MANAGE)
def edit(request: Request, code: str = "") -> HttpResponse:
    row = one(request, code, MANAGE) if code else None
    form = AssetForm(request.POST or None, row=row, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = actions.save(
                row, form.told(), client_id=given["client_id"], km=given.get("km") or 0, by=request.actor
            )
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is kept."))
            return redirect("desk-asset", code=made.code)
    return render(request, "assets/desk_edit.html", {"row": row, "form": form}, status=422 if form.errors else 200)


@staff(READ)
def asset(request: Request, code: str) -> HttpResponse:
    """One: what it is, how it is, what it needs, what it costs, its history."""
    row = one(request, code)
    now = timezone.now()
    year = now - YEAR
    today = timezone.localdate()
    plans = list(row.plans.filter(active=True).order_by("pk"))
    values = {
        "row": row, "colour": COLOURS[row.state], "today": today,
        "papers": row.papers.filter(renewed=False).order_by("ends"), "soon": today + timedelta(days=30),
        "plans": [(plan, _left(plan, row), work.came(plan, row, today)) for plan in plans],
        "orders": row.orders.order_by("-pk")[:SHOWN], "states": row.states.order_by("-at", "-pk")[:SHOWN],
        "fills": [(f, [fuel.ODD[o] for o in f.odd]) for f in row.fills.order_by("-at", "-pk")[:SHOWN]],
        "files": documents.files_of((photos.SUBJECT, row.pk)), "cost": reads.costs([row.pk], year, now)[row.pk],
        "share": reads.availability([row.pk], year, now).get(row.pk), "keepers": row.keepers.count(),
        "may_use": access.can(request.actor, USE, zone=row.zone_id),
        "may_manage": access.can(request.actor, MANAGE, zone=row.zone_id), "address": _address(row),
        "paper_form": PaperForm(auto_id="paper_%s"), "plan_form": PlanForm(auto_id="plan_%s"),
        "order_form": OrderForm(auto_id="order_%s"), "meter_form": MeterForm(auto_id="meter_%s"),
        "choices": [s for s in Asset.State.choices if s[0] != row.state], "photo_id": uuid.uuid4(),
    }  # fmt: skip
    return render(request, "assets/desk_asset.html", values)


def _left(plan: UpkeepPlan, row: Asset) -> list[str]:
    """What is left until a plan is due, in words."""
    said = []
    if plan.every_days:
        day = plan.last_day + timedelta(days=plan.every_days)
        said.append(_("on %(day)s") % {"day": f"{day:%d/%m/%Y}"})
    if plan.every_km:
        said.append(_("at %(km)s km") % {"km": plan.last_metres // 1000 + plan.every_km})
    if plan.every_hours:
        said.append(_("at %(n)s hours") % {"n": plan.last_minutes // 60 + plan.every_hours})
    return said


def _address(row: Asset) -> str:
    return f"{settings.TOGUNA_URL}{reverse('asset-scan', args=[row.code])}"


@staff(USE)
def act(request: Request, code: str) -> HttpResponse:
    """do=state | paper | plan | end-plan | order | meter | change-meter | photo. The verbs say who may."""
    row = one(request, code)
    if request.method != "POST":
        return redirect("desk-asset", code=row.code)
    doing: dict[str, Callable[[Request, Asset], None]] = {
        "state": _state, "paper": _paper, "plan": _plan, "end-plan": _end_plan, "order": _order, "meter": _meter,
        "change-meter": _change_meter, "photo": _photo,
    }  # fmt: skip
    run = doing.get(request.POST.get("do", ""))
    if run is None:
        raise Http404
    try:
        run(request, row)
    except (actions.Refused, documents.FileRefused) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("It is kept."))
    return redirect("desk-asset", code=row.code)


def valid(form: F) -> F:
    """Raises Refused with the first thing that is wrong."""
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        label = form.fields[name].label if name in form.fields else ""
        raise actions.Refused(" ".join(filter(None, (f"{label}:" if label else "", str(errors[0])))))
    return form


def _state(request: Request, row: Asset) -> None:
    actions.set_state(row.pk, request.POST.get("state", ""), request.POST.get("why", ""), by=request.actor)


def _paper(request: Request, row: Asset) -> None:
    given = valid(PaperForm(request.POST)).cleaned_data
    work.save_paper(
        row.pk, given["kind"], given["ends"], given["number"], by=request.actor, client_id=given["client_id"]
    )


def _plan(request: Request, row: Asset) -> None:
    given = valid(PlanForm(request.POST)).cleaned_data
    work.save_plan(row.pk, given["title"], days=given["days"], km=given["km"], hours=given["hours"], by=request.actor)


def _end_plan(request: Request, row: Asset) -> None:
    plan = get_object_or_404(UpkeepPlan, pk=number(request.POST.get("plan", "")), asset=row)
    work.end_plan(plan.pk, by=request.actor)


def _order(request: Request, row: Asset) -> None:
    given = valid(OrderForm(request.POST)).cleaned_data
    work.open_order(
        row.pk, given["title"], words=given["words"], stops=given["stops"], ref=given["ref"], by=request.actor,
        source="report" if given["ref"] else "hand", client_id=given["client_id"],
    )  # fmt: skip


def _meter(request: Request, row: Asset) -> None:
    given = valid(MeterForm(request.POST)).cleaned_data
    actions.read_meter(row.pk, km=given["km"], hours=given["hours"], by=request.actor)


def _change_meter(request: Request, row: Asset) -> None:
    given = valid(MeterForm(request.POST)).cleaned_data
    fuel.change_meter(row.pk, km=given["km"], hours=given["hours"], by=request.actor)


def _photo(request: Request, row: Asset) -> None:
    file = request.FILES.get("photo")
    if not isinstance(file, UploadedFile):
        raise actions.Refused(_("Choose a photo first."))
    if documents.files_of((photos.SUBJECT, row.pk)).count() >= MOST_PHOTOS:
        raise actions.Refused(_("There are enough photos of it: remove one first."))
    try:
        once = uuid.UUID(request.POST.get("client_id", ""))
    except ValueError:
        once = uuid.uuid4()
    documents.keep(
        file, file.name or "photo.jpg", subject=(photos.SUBJECT, row.pk), by=request.actor, title=str(row), client_id=once
    )  # fmt: skip


def _bars(code: str) -> bytes:
    """Code 128, for readers that know no QR: they type the code as a keyboard does."""
    drawn = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.Code128)
    return str(zxingcpp.write_barcode_to_svg(drawn, add_hrt=False, add_quiet_zones=True)).encode()


@staff(READ)
def labels(request: Request) -> HttpResponse:
    """The labels of a list (or of one: ?code=), as PDF: 21 on a page, each with its QR, its bars and its code."""
    code = request.GET.get("code", "")
    rows = [one(request, code)] if code else list(_filtered(request)[:LABELS])
    files: dict[str, Path | bytes] = {}
    for row in rows:
        files[f"{row.code}.svg"] = (
            segno.make(_address(row), error="m", micro=False).svg_inline(scale=4, border=2).encode()
        )
        files[f"{row.code}-bar.svg"] = _bars(row.code)
    about = [
        {
            "code": row.code,
            "name": Truncator(row.name).chars(40),
            "serial": row.serial,
            "kind": str(row.get_kind_display()),
        }
        for row in rows
    ]
    words = {"property": _("Property of the town"), "scan": _("Broken? Scan it.")}
    body = paper.drawn(_LABEL, {"labels": about, "words": words}, files)
    return HttpResponse(
        body, content_type="application/pdf", headers={"Content-Disposition": 'inline; filename="labels.pdf"'}
    )


@staff(READ)
def export(request: Request) -> HttpResponse:
    """The list as a table."""
    return tables.given(table.rows(_filtered(request).iterator(chunk_size=500)), "equipment")


@staff(MANAGE)
def bring(request: Request) -> HttpResponse:
    """A table is brought in: all of it, or nothing and what is wrong with it."""
    wrong: list[str] = []
    if request.method == "POST":
        try:
            new, changed = table.read(request.FILES.get("file"), by=request.actor)
        except tables.Wrong as error:
            wrong = error.lines
        else:
            messages.success(
                request,
                ngettext("%(n)d piece of equipment is new.", "%(n)d pieces of equipment are new.", new) % {"n": new}
                + " "
                + ngettext("%(n)d was changed.", "%(n)d were changed.", changed) % {"n": changed},
            )
            return redirect("desk-assets")
    values = {"wrong": wrong, "columns": ", ".join(table.COLUMNS)}
    return render(request, "assets/desk_import.html", values, status=422 if wrong else 200)
