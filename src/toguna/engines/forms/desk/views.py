"""The desk's forms: brought as XLSForm, published, offered in the field, taken out again with their answers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.forms import actions, answers, definition, reads
from toguna.engines.forms.desk.forms import BringForm
from toguna.engines.forms.models import Filling, Form
from toguna.engines.forms.uses import DESIGN, READ
from toguna.engines.forms.xlsform import reading, writing
from toguna.kernel import access, audit, town
from toguna.kernel.web import Request, staff

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@staff(DESIGN)
def forms(request: Request) -> HttpResponse:
    """All forms; a posted workbook becomes the draft of the form that it names."""
    form = BringForm(request.POST, request.FILES) if request.method == "POST" else BringForm()
    if request.method == "POST" and form.is_valid():
        brought = form.cleaned_data["file"]
        try:
            loaded = reading.load(brought.read(reading.LARGEST + 1), brought.name, language=town.current().languages[0])
            wrong = tuple(definition.problems(loaded.definition))
            if not wrong:
                slug = slugify(loaded.definition["name"])[:64] or "form"
                made = actions.save_draft_form(
                    slug, loaded.definition, service=form.cleaned_data["service"], by=request.actor
                )
                return _page(request, made, remarks=loaded.remarks)
            for one in wrong[:20]:
                form.add_error("file", one)
        except (reading.Unreadable, actions.Refused) as bad:
            form.add_error("file", str(bad))
    ended = Count("versions__fillings", filter=Q(versions__fillings__state=Filling.State.COMPLETE))
    rows = Form.objects.select_related("current").defer("draft", "current__definition", "current__xform")
    rows = rows.annotate(ended=ended).order_by("slug")[:500]
    status = 422 if form.errors else 200
    return render(request, "forms/desk_forms.html", {"forms": rows, "form": form}, status=status)


@staff(DESIGN)
def form(request: Request, slug: str) -> HttpResponse:
    return _page(request, get_object_or_404(Form, slug=slug))


def _page(request: HttpRequest, row: Form, **more: Any) -> HttpResponse:
    versions = list(row.versions.defer("definition", "xform").order_by("-version")[:20])
    current = row.current
    newer = row.draft is not None and (current is None or current.definition != {**row.draft, "name": row.slug})
    context = {
        "row": row,
        "versions": versions,
        "problems": actions.problems(row.draft) if newer else (),
        "newer": newer,
        "ended": Filling.objects.filter(version__form=row, state=Filling.State.COMPLETE).count(),
        "may_read": access.can(request.actor, READ),  # type: ignore[attr-defined]
        **more,
    }
    return render(request, "forms/desk_form.html", context)


@staff(DESIGN)
@require_POST
def change(request: Request, slug: str) -> HttpResponse:
    """do: publish, field, nofield, open or close."""
    row = get_object_or_404(Form, slug=slug)
    do = request.POST.get("do", "")
    try:
        if do == "publish":
            version = actions.publish(row, by=request.actor)
            messages.success(request, _("Version %(version)s is published.") % {"version": version.version})
        elif do in ("field", "nofield"):
            actions.offer(row, by=request.actor, field=do == "field")
        elif do in ("open", "close"):
            actions.offer(row, by=request.actor, active=do == "open")
    except actions.Refused as refused:
        messages.error(request, " ".join([str(refused), *refused.problems[:5]]))
    return redirect("desk-form", slug)


@staff(DESIGN)
def workbook(request: Request, slug: str) -> HttpResponse:
    """The form as an XLSForm: its draft when there is one, else what is published."""
    row = get_object_or_404(Form.objects.select_related("current"), slug=slug)
    data = row.draft or (row.current.definition if row.current else None)
    if data is None:
        return redirect("desk-form", slug)
    response = HttpResponse(writing.workbook(definition.read(data)), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{row.slug}.xlsx"'
    return response


@staff(READ)
def download(request: Request, slug: str) -> HttpResponseBase:
    """All answers as CSV; who took them is written down."""
    access.require(request.actor, READ)
    row = get_object_or_404(Form, slug=slug, current__isnull=False)
    audit.record(request.actor, "forms.download", f"forms.form:{row.pk}")
    pieces = answers.table(row, reads.definition_of(row.current_id or 0))
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{row.slug}.csv"'
    return response
