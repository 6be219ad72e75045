"""Scales: where they stand, how they sign, and what they said, the refused readings too."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.cache import cache_control

from toguna.engines.ledger import api as ledger
from toguna.engines.telemetry import api as telemetry
from toguna.kernel import access, audit, text
from toguna.kernel.web import Request, staff
from toguna.services.waste.models import Material, Scale, WastePlace, Weighing
from toguna.services.waste.weighing import actions
from toguna.services.waste.weighing.telling import shown

MOST = 200
KINDS = ("station", "dump", "sorting", "point", "buyer", "reseller")


class ScaleForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    place = forms.ChoiceField(label=gettext_lazy("Where it stands"))
    material = forms.ChoiceField(label=gettext_lazy("What it weighs"), required=False)
    tariff = forms.ChoiceField(label=gettext_lazy("What it charges"), required=False)
    least = forms.DecimalField(
        label=gettext_lazy("It weighs from, kg"), min_value=0, max_value=100_000, decimal_places=3
    )
    most = forms.DecimalField(
        label=gettext_lazy("It weighs up to, kg"), min_value=0, max_value=100_000, decimal_places=3
    )
    active = forms.BooleanField(label=gettext_lazy("In service"), required=False)

    def __init__(self, *args: Any, places: list[WastePlace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = {str(one.pk): one for one in places}
        self.materials = {one.slug: one for one in Material.objects.filter(active=True)}
        by_weight = [one for one in ledger.current_tariffs() if ledger.wanted(one.rule) == ["kg"]]
        choices: dict[str, list[tuple[str, Any]]] = {
            "place": [(str(one.pk), f"{one.name} ({one.get_kind_display()})") for one in places],
            "material": [("", _("anything")), *((slug, text.pick(one.names)) for slug, one in self.materials.items())],
            "tariff": [("", _("nothing")), *((one.slug, text.pick(one.titles)) for one in by_weight)],
        }
        for name, rows in choices.items():
            self.fields[name].choices = rows  # type: ignore[attr-defined]

    def told(self) -> actions.Told:
        given = self.cleaned_data
        return actions.Told(
            given["name"], self.places[given["place"]], given["tariff"], self.materials.get(given["material"]),
            int(given["least"] * 1000), int(given["most"] * 1000), given["active"],
        )  # fmt: skip


@staff("waste.read")
def scales(request: Request) -> HttpResponse:
    zones = access.zones(request.actor, "waste.read")
    rows = Scale.objects.select_related("place__zone", "material")
    if zones is not None:
        rows = rows.filter(place__zone__in=zones)
    rows = rows.annotate(
        taken=Count("weighings", filter=Q(weighings__why="")), refused=Count("weighings", filter=~Q(weighings__why="")),
        heard=Max("weighings__received"),
    )  # fmt: skip
    values = {"rows": rows, "may_set_up": access.can(request.actor, "waste.set_up", anywhere=True)}
    return render(request, "waste/desk_scales.html", values)


@staff("waste.read")
@cache_control(private=True, no_store=True)
def scale(request: Request, code: str) -> HttpResponse:
    """What it said. ?view=refused; ?key=show shows its key to who sets up, and is written down. Posted: its count began anew."""
    row = get_object_or_404(Scale.objects.select_related("place", "material"), code=code)
    access.require(request.actor, "waste.read", zone=row.place.zone_id)
    if request.method == "POST":
        try:
            kept = actions.count_anew(row.code, by=request.actor)
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            taken = sum(not one.why for one in kept)
            messages.success(
                request,
                ngettext("%(n)s weighing more is taken.", "%(n)s weighings more are taken.", taken) % {"n": taken},
            )
        return redirect("desk-waste-scale", code=row.code)
    may_set_up = access.can(request.actor, "waste.set_up", zone=row.place.zone_id)
    key, example = None, ""
    if may_set_up and request.GET.get("key") == "show":
        key, example = actions.key_of(row), actions.example(row)
        audit.record(request.actor, "waste.scale_key", f"waste.scale:{row.pk}")
    found = Weighing.objects.filter(scale=row).select_related("household", "bill")
    refused = request.GET.get("view") == "refused"
    found = found.exclude(why="") if refused else found.filter(why="")
    values = {
        "row": row, "key": key, "may_set_up": may_set_up, "refused": refused,
        "rows": [(one, shown(one.grammes) if one.grammes is not None else "–") for one in found.order_by("-pk")[:MOST]],
        "range": (shown(row.least), shown(row.most)), "tariff": ledger.tariff(row.tariff) if row.tariff else None,
        "address": f"{settings.TOGUNA_URL}{reverse('telemetry-in', args=[key[0]])}" if key else "",
        "anew": actions.begun_anew(row) if may_set_up and row.active else [], "counts": row.counts.all(),
        "example": example, "signature": telemetry.sign(example.encode(), key[1]) if key else "",
    }  # fmt: skip
    return render(request, "waste/desk_scale.html", values)


@staff("waste.set_up")
def edit(request: Request, code: str = "") -> HttpResponse:
    row = get_object_or_404(Scale.objects.select_related("place", "material"), code=code) if code else None
    zones = access.zones(request.actor, "waste.set_up")
    places = WastePlace.objects.filter(kind__in=KINDS).exclude(state="closed").order_by("name")
    if zones is not None:
        places = places.filter(zone__in=zones)
    initial: dict[str, Any] = {"active": True, "least": "0.1", "most": "150"}
    if row is not None:
        initial = {
            "name": row.name, "place": row.place_id, "material": row.material.slug if row.material else "", "tariff": row.tariff,
            "least": row.least / 1000, "most": row.most / 1000, "active": row.active,
        }  # fmt: skip
    form = ScaleForm(request.POST or None, initial=initial, places=list(places[:500]))
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.save(row, form.told(), by=request.actor)
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is kept."))
            return redirect("desk-waste-scale", code=made.code)
    return render(request, "waste/desk_scale_edit.html", {"row": row, "form": form}, status=422 if form.errors else 200)
