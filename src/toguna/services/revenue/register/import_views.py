"""Tables that are brought into the register. Thin: see `importing`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from toguna.kernel import access, text
from toguna.kernel.web import Request, staff
from toguna.services.revenue.models import Base, ImportRow, ImportRun
from toguna.services.revenue.register import importing, reads
from toguna.services.revenue.register.actions import WRITE, Refused

PAGE, RELOAD = 50, 3
State = ImportRun.State


class FileForm(forms.Form):
    base = forms.ChoiceField(label=gettext_lazy("Tax"))
    file = forms.FileField(
        label=gettext_lazy("Table (.xlsx or .csv)"), widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,text/csv"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["base"].choices = [(one.slug, text.pick(one.titles)) for one in reads.bases()]  # type: ignore[attr-defined]


def _whole(request: Request) -> None:
    """A table is of the whole town: who writes in one quarter does not read it."""
    if access.zones(request.actor, WRITE) is not None:
        raise access.Denied(request.actor, WRITE)


@staff(WRITE)
def imports(request: Request) -> HttpResponse:
    _whole(request)
    form = FileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > importing.LARGEST:
                raise Refused(_("This file is larger than %(most)d MB.") % {"most": importing.LARGEST // 1_000_000})
            run = importing.receive(
                Base.objects.get(slug=form.cleaned_data["base"]), file.name, file.read(), by=request.actor
            )
        except Refused as error:
            form.add_error("file", str(error))
        else:
            return redirect("desk-register-import", run.pk)
    values = {"form": form, "runs": ImportRun.objects.select_related("base")[:30]}
    return render(request, "revenue/imports.html", values, status=422 if form.errors else 200)


@staff(WRITE)
def run(request: Request, pk: int) -> HttpResponse:
    """?view=problems|doubles|good"""
    _whole(request)
    row = get_object_or_404(ImportRun.objects.select_related("base"), pk=pk)
    rows = ImportRow.objects.filter(run=row).select_related("same", "made").order_by("number")
    views = {
        "problems": rows.exclude(problem=""),
        "doubles": rows.filter(problem="", same__isnull=False),
        "good": rows.filter(problem=""),
    }
    view = request.GET.get("view", "")
    if view not in views:
        view = "problems" if row.counts.get("problems") else "doubles" if row.counts.get("doubles") else "good"
    after = request.GET.get("after", "")
    found = (
        views[view].filter(number__gt=int(after))
        if after.isascii() and after.isdigit() and len(after) < 9
        else views[view]
    )
    page = list(found[: PAGE + 1])
    working = row.state in (State.READING, State.BRINGING)
    titles = importing.meanings(row.base)
    values = {
        "run": row, "working": working, "rows": page[:PAGE], "view": view, "after": page[PAGE - 1].number if len(page) > PAGE else "",
        "columns": [(name, title, row.columns.get(name, "")) for name, title in titles.items()],
        "headings": [(one, one) for one in row.headings if one], "decisions": ImportRow.Decision.choices[1:],
        "tabs": [("problems", _("Problems")), ("doubles", _("There already?")), ("good", _("All the others"))],
        "waiting": importing.waiting(row) if row.state == State.READ else 0, "ready": importing.ready(row) if row.state == State.READ else 0,
    }  # fmt: skip
    response = render(request, "revenue/import.html", values)
    if working:
        response["Refresh"] = str(RELOAD)
    return response


@staff(WRITE)
@require_POST
def act(request: Request, pk: int) -> HttpResponse:
    """do=read|decide|all|bring."""
    _whole(request)
    get_object_or_404(ImportRun, pk=pk)
    post = request.POST
    try:
        match post.get("do"):
            case "read":
                columns = {
                    name.removeprefix("column-"): str(value)
                    for name, value in post.items()
                    if name.startswith("column-")
                }
                importing.look(pk, columns, by=request.actor)
            case "decide":
                given = {
                    name.removeprefix("row-"): str(value) for name, value in post.items() if name.startswith("row-")
                }
                importing.decide(
                    pk,
                    {int(name): value for name, value in given.items() if name.isdecimal() and len(name) < 18},
                    by=request.actor,
                )
            case "all":
                importing.decide_all(pk, post.get("decision", ""), by=request.actor)
            case "bring":
                importing.bring(pk, by=request.actor)
    except Refused as error:
        messages.error(request, str(error))
    return redirect("desk-register-import", pk)
