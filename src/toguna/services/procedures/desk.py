"""The back office of the catalogue."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from toguna.engines.documents import api as documents
from toguna.kernel import access
from toguna.kernel.web import Request, staff
from toguna.services.procedures import actions
from toguna.services.procedures.forms import ProcedureForm
from toguna.services.procedures.life import EVENTS
from toguna.services.procedures.models import Procedure


@staff(actions.SET_UP)
def procedures(request: Request) -> HttpResponse:
    titles = {event.name: event.title for event in EVENTS}
    rows = [(row, titles.get(row.event, "")) for row in Procedure.objects.all()]
    return render(request, "procedures/desk_list.html", {"rows": rows})


@staff(actions.SET_UP)
def procedure(request: Request, slug: str = "") -> HttpResponse:
    """One procedure, or a new one."""
    row = get_object_or_404(Procedure, slug=slug) if slug else None
    form = ProcedureForm(request.POST or None, procedure=row)
    if request.method == "POST" and form.is_valid():
        try:
            kept = actions.save(row, form.told(), by=request.actor)
        except ValidationError as error:
            form.add_error(None, error)
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Done."))
            return redirect("desk-procedure", kept.slug)
    status = 422 if request.method == "POST" else 200
    may_issue = bool(row and row.paper) and access.can(request.actor, documents.ISSUE, anywhere=True)
    values = {"row": row, "form": form, "may_issue": may_issue}
    return render(request, "procedures/desk_procedure.html", values, status=status)
