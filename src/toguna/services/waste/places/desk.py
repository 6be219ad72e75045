"""The back office of the register: add, change, move, close; labels with their QR; what people said of places."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, codes, money, paper, tables, text
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, staff
from toguna.services.waste import devices, opening
from toguna.services.waste.models import Material, PlaceSaid, WastePlace
from toguna.services.waste.places import actions, reads, table

PAGE, LABELS = 100, 400
_LABEL = Path(__file__).parent / "label.typ"


class PlaceForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=WastePlace.Kind.choices)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    position = forms.CharField(
        label=gettext_lazy("Point"), max_length=200, help_text=gettext_lazy("Coordinates, a plus code, or a landmark.")
    )
    where = forms.CharField(label=gettext_lazy("Where, in words"), max_length=200, required=False)
    capacity = forms.IntegerField(
        label=gettext_lazy("Capacity, litres"), min_value=0, max_value=10_000_000, required=False
    )
    hours = forms.CharField(label=gettext_lazy("Hours"), max_length=200, required=False, help_text=opening.HELP)
    served = forms.CharField(
        label=gettext_lazy("When a truck may come"), max_length=200, required=False,
        help_text=gettext_lazy("Of a bin or a collection point, written as the hours. Empty: at any hour."),
    )  # fmt: skip
    phone = forms.CharField(
        label=gettext_lazy("Phone of who keeps it"), max_length=20, required=False,
        help_text=gettext_lazy("A partner shop sends its codes from this number."),
    )  # fmt: skip
    device = forms.TypedChoiceField(
        label=gettext_lazy("Sensor that says how full it is"), coerce=int, empty_value=None, required=False,
        help_text=gettext_lazy("Of a bin or a collection point. A new one is first registered among the devices."),
    )  # fmt: skip
    state = forms.ChoiceField(label=gettext_lazy("State"), choices=WastePlace.State.choices)
    public = forms.BooleanField(label=gettext_lazy("Shown to everybody"), required=False)

    def __init__(self, *args: Any, row: WastePlace | None, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["device"].choices = devices.free(  # type: ignore[attr-defined]
            devices.FILLS, row.device if row else None, access.zones(actor, "waste.work")
        )
        self.materials = list(Material.objects.filter(active=True))
        for one in self.materials:
            self.fields[f"takes_{one.slug}"] = forms.CharField(
                label=text.pick(one.names), max_length=20, required=False,
                help_text=_("Price of a kg that it pays; 0: it takes it and pays nothing; empty: it does not take it."),
            )  # fmt: skip

    def clean_position(self) -> Point:
        typed = self.cleaned_data["position"]
        found = territory.read_point(typed)
        if found is None:
            hits = territory.geocode(typed, limit=1)
            if not hits:
                raise ValidationError(_("We do not know this place. Give a landmark near it, or coordinates."))
            found = (hits[0].lon, hits[0].lat)
        return Point(*found, srid=4326)

    def clean_hours(self) -> list[dict[str, Any]]:
        return opening.read(self.cleaned_data["hours"])

    def clean_served(self) -> list[dict[str, Any]]:
        return opening.read(self.cleaned_data["served"])

    def clean_phone(self) -> str:
        typed = self.cleaned_data["phone"]
        return people.normal_phone(typed) if typed else ""

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        takes: dict[str, int | None] = {}
        for row in self.materials:
            typed = (given.get(f"takes_{row.slug}") or "").strip()
            if not typed:
                continue
            try:
                takes[row.slug] = money.read(typed) or None
            except money.NotMoney:
                self.add_error(f"takes_{row.slug}", _("This is not an amount."))
        given["takes"] = takes
        return given

    def told(self) -> actions.Told:
        given = self.cleaned_data
        return actions.Told(
            given["kind"], given["name"], given["position"], given["where"], given["capacity"] or 0, given["hours"], given["phone"],
            given["public"], given["takes"], given["state"], given["device"], given["served"],
        )  # fmt: skip


def in_reach(actor: Actor, permission: str = "waste.read") -> QuerySet[WastePlace]:
    rows, zones = WastePlace.objects.all(), access.zones(actor, permission)
    return rows if zones is None else rows.filter(zone__in=zones)


def _filtered(request: Request) -> QuerySet[WastePlace]:
    given = request.GET
    rows = in_reach(request.actor).select_related("zone").order_by("name", "pk")
    kind, typed = given.get("kind", ""), text.clean(given.get("q", ""))[:80]
    if kind in WastePlace.Kind.values:
        rows = rows.filter(kind=kind)
    if (zone := given.get("zone", "")).isdecimal() and len(zone) < 18:
        rows = rows.filter(zone__in=territory.zone_tree_ids(int(zone)))
    if typed:
        rows = rows.filter(Q(name__icontains=typed) | Q(code=codes.read(typed) or "-"))
    return rows if "closed" in given else rows.exclude(state="closed")


@staff("waste.read")
def places(request: Request) -> HttpResponse:
    """?kind, ?zone, ?q, ?closed=1, ?after."""
    rows = _filtered(request)
    start = int(after) if (after := request.GET.get("after", "")).isdecimal() and len(after) < 7 else 0
    page = list(rows[start : start + PAGE + 1])
    said = (
        PlaceSaid.objects.filter(done=None, place__in=in_reach(request.actor)).select_related("place").order_by("-pk")
    )
    values = {
        "rows": page[:PAGE], "next": start + PAGE if len(page) > PAGE else 0, "kinds": WastePlace.Kind.choices,
        "kind": request.GET.get("kind", ""), "zones": [(z.id, text.pick(z.names)) for z in territory.districts()],
        "zone": request.GET.get("zone", ""), "typed": request.GET.get("q", ""), "said": said[:30],
        "may_work": access.can(request.actor, "waste.work", anywhere=True),
    }  # fmt: skip
    return render(request, "waste/desk_places.html", values)


@staff("waste.work")
def dealt(request: Request) -> HttpResponse:
    """What was said of places was dealt with."""
    if request.method == "POST":
        typed = [int(one) for one in request.POST.getlist("said")[:200] if one.isdecimal() and len(one) < 18]
        actions.dealt(typed, by=request.actor)
        messages.success(request, _("Done."))
    return redirect("desk-waste-places")


@staff("waste.work")
def edit(request: Request, code: str = "") -> HttpResponse:
    row = get_object_or_404(WastePlace, code=code) if code else None
    if row is not None:
        access.require(request.actor, "waste.work", zone=row.zone_id)
    initial: dict[str, Any] = {"client_id": uuid.uuid4(), "public": True, "kind": request.GET.get("kind", "bin")}
    if row is not None:
        initial = {
            "client_id": row.client_id, "kind": row.kind, "name": row.name, "position": f"{row.point.y:.6f}, {row.point.x:.6f}",
            "where": row.where, "capacity": row.capacity, "hours": opening.shown(row.hours), "served": opening.shown(row.served), "phone": row.phone, "state": row.state,
            "public": row.public, "device": row.device,
        }  # fmt: skip
        for one in row.taken.select_related("material"):
            initial[f"takes_{one.material.slug}"] = money.shown(one.price, plain=True) if one.price else "0"
    form = PlaceForm(request.POST or None, initial=initial, row=row, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.save(row, form.told(), client_id=form.cleaned_data["client_id"], by=request.actor)
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is kept."))
            return redirect("desk-waste-place", code=made.code)
    values = {"row": row, "form": form}
    return render(request, "waste/desk_place_edit.html", values, status=422 if form.errors else 200)


@staff("waste.read")
def export(request: Request) -> HttpResponse:
    """The list as a table."""
    rows = _filtered(request).prefetch_related("taken__material")
    return tables.given(table.rows(rows.iterator(chunk_size=500)), "waste-places")


@staff("waste.work")
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
                ngettext("%(n)d place is new.", "%(n)d places are new.", new) % {"n": new}
                + " "
                + ngettext("%(n)d was changed.", "%(n)d were changed.", changed) % {"n": changed},
            )
            return redirect("desk-waste-places")
    kinds = ", ".join(f"{value} ({label})" for value, label in WastePlace.Kind.choices)
    words = {
        "code": _("Code on its label"), "kind": kinds, "name": _("Name"), "where": _("Where, in words"), "lat": _("Latitude, degrees"),
        "lon": _("Longitude, degrees"), "litres": _("Capacity, litres"), "hours": opening.HELP, "served": _("When a truck may come"),
        "takes": _("Materials with what a kg pays: plastic=75; household. They are: %(names)s.") % {"names": ", ".join(m.slug for m in reads.materials())},
        "phone": _("Phone of who keeps it"), "state": ", ".join(f"{value} ({label})" for value, label in WastePlace.State.choices),
        "public": _("1: shown to everybody; 0: not."),
    }  # fmt: skip
    values = {"wrong": wrong, "columns": [(name, words[name]) for name in table.COLUMNS]}
    return render(request, "waste/desk_places_import.html", values, status=422 if wrong else 200)


@staff("waste.read")
def labels(request: Request) -> HttpResponse:
    """The labels of the places of a list, as PDF: six on a page, each with its code and its QR."""
    rows = list(_filtered(request)[:LABELS])
    files: dict[str, Path | bytes] = {}
    about = []
    for row in rows:
        address = f"{settings.TOGUNA_URL}{reverse('waste-place', args=[row.code])}"
        files[f"{row.code}.svg"] = segno.make(address, error="m", micro=False).svg_inline(scale=4, border=1).encode()
        about.append({"code": row.code, "name": row.name, "kind": str(row.get_kind_display())})
    words = {"full": _("Full? Scan, or send by SMS:"), "send": _("BIN FULL")}
    body = paper.drawn(_LABEL, {"labels": about, "words": words}, files)
    return HttpResponse(
        body, content_type="application/pdf", headers={"Content-Disposition": 'inline; filename="labels.pdf"'}
    )
