"""The back office of the ground: layers, features, imports, exports, analyses, how zones fit together."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.territory import analyses, editing, exporting, importing, zoning
from toguna.engines.territory.kinds import kinds
from toguna.engines.territory.models import Feature, FeatureChange, ImportRun, Layer
from toguna.engines.territory.refusal import ImportRefused
from toguna.kernel import access, text
from toguna.kernel.web import Request, staff

PAGE = 50
MOST_UPLOAD = 300 * 2**20


@staff("territory.read")
def index(request: Request) -> HttpResponse:
    """Layers, with what can be done to each."""
    layers = Layer.objects.order_by("slug")
    runs = ImportRun.objects.order_by("-id")[:10]
    values = {"layers": layers, "runs": runs, "formats": list(exporting.FORMATS), "topology": zoning.topology()}
    return render(request, "territory/desk_index.html", values)


@staff("territory.read")
def layer(request: Request, slug: str) -> HttpResponse:
    """The features of a layer, by name or kind; pages go by key."""
    found = get_object_or_404(Layer, slug=slug)
    rows = Feature.objects.filter(layer=found, valid_to=None).order_by("id").defer("geom", "attrs")
    query = request.GET.get("q", "").strip()
    if query:
        rows = rows.filter(Q(name__icontains=query) | Q(kind=query) | Q(source=query))
    after = request.GET.get("after", "")
    if after.isdigit():
        rows = rows.filter(id__gt=int(after))
    page = list(rows[: PAGE + 1])
    values = {
        "layer": found,
        "rows": page[:PAGE],
        "after": page[PAGE - 1].pk if len(page) > PAGE else "",
        "query": query,
        "formats": list(exporting.FORMATS),
    }
    return render(request, "territory/desk_layer.html", values)


class FeatureForm(forms.Form):
    client_id = forms.UUIDField(widget=forms.HiddenInput, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=250, required=False)
    kind = forms.CharField(
        label=gettext_lazy("Kind"), max_length=60, required=False, widget=forms.TextInput(attrs={"list": "kinds"})
    )
    geometry = forms.CharField(
        label=gettext_lazy("Position or shape"),
        help_text=gettext_lazy("A point as 13.9423, -8.8488, or GeoJSON, or WKT."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    attrs = forms.CharField(
        label=gettext_lazy("Other facts"),
        required=False,
        help_text=gettext_lazy("One a line: capacity = 120"),
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def clean_attrs(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for line in self.cleaned_data["attrs"].splitlines():
            if not line.strip():
                continue
            key, equals, value = line.partition("=")
            if not equals or not key.strip():
                raise ValidationError(
                    _("Write each fact as: name = value. This line is not so: %(line)s") % {"line": line[:60]}
                )
            found[text.clean(key)[:60]] = text.clean(value)
        return found

    def draft(self) -> editing.Draft:
        d = self.cleaned_data
        return editing.Draft(d["name"], d["kind"], d["attrs"], d["geometry"])


def _shown(feature: Feature) -> dict[str, Any]:
    geometry = (
        f"{feature.geom.y:.6f}, {feature.geom.x:.6f}" if feature.geom.geom_type == "Point" else feature.geom.geojson
    )
    attrs = "\n".join(f"{k} = {v}" for k, v in feature.attrs.items())
    return {
        "name": feature.name,
        "kind": feature.kind,
        "geometry": geometry,
        "attrs": attrs,
        "version": feature.version,
    }


@staff("territory.edit")
def new(request: Request, slug: str) -> HttpResponse:
    found = get_object_or_404(Layer, slug=slug)
    form = FeatureForm(request.POST or None, initial={"client_id": uuid.uuid4(), "geometry": request.GET.get("at", "")})
    if request.method == "POST" and form.is_valid():
        try:
            made = editing.create(found, form.draft(), by=request.actor, client_id=form.cleaned_data["client_id"])
        except editing.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("desk-feature", pk=made.pk)
    return render(request, "territory/desk_feature.html", {"layer": found, "form": form, "kinds": sorted(kinds())})


@staff("territory.read")
def feature(request: Request, pk: int) -> HttpResponse:
    """One feature: its form, its history, and what can be undone."""
    found = get_object_or_404(Feature.objects.select_related("layer"), pk=pk)
    may_edit = access.can(request.actor, "territory.edit", anywhere=True) and found.layer.editable
    form = FeatureForm(request.POST or None, initial=_shown(found))
    if request.method == "POST":
        do = request.POST.get("do")
        try:
            if do == "remove":
                editing.remove(pk, version=int(request.POST.get("version") or 0), by=request.actor)
            elif do == "restore":
                editing.restore(pk, int(request.POST.get("change") or 0), by=request.actor)
            elif form.is_valid():
                editing.change(pk, form.draft(), version=form.cleaned_data["version"] or 0, by=request.actor)
            else:
                do = "invalid"
        except editing.Refused as error:
            form.add_error(None, str(error)) if form.is_bound and do is None else messages.error(request, str(error))
        else:
            if do != "invalid":
                messages.success(request, _("Saved."))
                return redirect("desk-feature", pk=pk)
    changes = FeatureChange.objects.filter(feature=pk).order_by("-id")[:50]
    values = {
        "layer": found.layer,
        "feature": found,
        "form": form,
        "changes": changes,
        "may_edit": may_edit,
        "kinds": sorted(kinds()),
    }
    return render(request, "territory/desk_feature.html", values)


@staff("territory.read")
def export(request: Request, slug: str, extension: str) -> HttpResponseBase:
    """?crs=EPSG:32629"""
    found = get_object_or_404(Layer, slug=slug)
    try:
        with exporting.export(found, extension, request.GET.get("crs", "EPSG:4326")) as path:
            # Opened before the folder goes: the file lives until the answer is sent.
            opened = path.open("rb")
    except exporting.ExportRefused as error:
        return HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
    return FileResponse(
        opened,
        as_attachment=True,
        filename=f"{found.slug}.{extension}",
        content_type=exporting.FORMATS[extension].content,
    )


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "OSM PBF, GeoJSON, GeoPackage, Shapefile (zip), KML, KMZ, CSV with lat and lon, GeoTIFF. 300 MB at most."
        ),
    )
    layer = forms.CharField(
        label=gettext_lazy("Layer"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("A new name makes a new layer."),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size and file.size > MOST_UPLOAD:
            raise ValidationError(_("This file is too large for the web: use ./toguna territory import."))
        return file


@staff("territory.import")
def bring(request: Request) -> HttpResponse:
    access.require(request.actor, "territory.import")
    form = ImportForm(request.POST or None, request.FILES or None)
    report = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        with tempfile.TemporaryDirectory(prefix="toguna-upload-") as folder:
            path = Path(folder) / Path(file.name).name
            with path.open("wb") as target:
                for chunk in file.chunks():
                    target.write(chunk)
            try:
                report = importing.import_file(path, layer=form.cleaned_data["layer"] or None, by=request.actor)
            except ImportRefused as error:
                form.add_error("file", str(error))
    return render(
        request,
        "territory/desk_import.html",
        {"form": form, "report": report, "layers": Layer.objects.order_by("slug")},
    )


class AnalysisForm(forms.Form):
    analysis = forms.ChoiceField(label=gettext_lazy("Question"))
    a = forms.ModelChoiceField(label=gettext_lazy("First layer"), queryset=Layer.objects.order_by("slug"))
    b = forms.ModelChoiceField(
        label=gettext_lazy("Second layer"), queryset=Layer.objects.order_by("slug"), required=False
    )
    metres = forms.FloatField(label=gettext_lazy("Metres"), required=False, min_value=1, max_value=analyses.MOST_METRES)
    title = forms.CharField(label=gettext_lazy("Name of the new layer"), max_length=60, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["analysis"].choices = [(a.name, a.title) for a in analyses.ANALYSES.values()]  # type: ignore[attr-defined]


@staff("territory.edit")
def analyse(request: Request) -> HttpResponse:
    form = AnalysisForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        d = form.cleaned_data
        try:
            made = analyses.run(d["analysis"], d["title"], d["a"], by=request.actor, b=d["b"], metres=d["metres"])
        except analyses.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The answer is a new layer."))
            return redirect("desk-layer", slug=made.slug)
    return render(request, "territory/desk_analyse.html", {"form": form})


@staff("territory.edit")
def publish(request: Request, slug: str) -> HttpResponse:
    """Makes a layer public, or takes it back."""
    if request.method != "POST":
        raise Http404
    access.require(request.actor, "territory.edit")
    found = get_object_or_404(Layer, slug=slug)
    found.public = not found.public
    found.save(update_fields=["public"])
    return redirect("desk-layer", slug=slug)
