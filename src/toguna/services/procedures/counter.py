"""Requests in the back office beside the generic desk: one is begun for somebody, an entry is chosen, a file is brought."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.engines.people import api as people
from toguna.kernel import access, codes
from toguna.kernel.web import Request, staff
from toguna.services.procedures import catalogue, requesting
from toguna.services.procedures.casetype import HANDLE, READ, REQUEST
from toguna.services.procedures.views import asked


@staff(HANDLE)
def begin(request: Request) -> HttpResponse:
    """Which procedure, for whom: ?for=NOTE, the front desk knows; ?procedure=SLUG."""
    given = request.POST if request.method == "POST" else request.GET
    served = people.serving(given.get(people.NOTE), by=request.actor)
    if request.method == "POST":
        procedure = asked(given.get("procedure", ""))
        try:
            filling = requesting.begin(
                procedure, by=request.actor, person=served.person if served else None,
                language=(get_language() or "").split("-")[0], channel=served.channel if served else "counter",
                client_id=_form_id(given.get("client_id", "")),
            )  # fmt: skip
        except forms.Refused as error:
            messages.error(request, str(error))
        else:
            if served is not None:
                people.acted_for(served, "procedures.begin_for", f"forms.filling:{filling.pk}", by=request.actor)
            return redirect("desk-request-form", filling.code)
    offered = set(forms.forms(service=requesting.SERVICE).values_list("slug", flat=True))
    values = {
        "events": [(event, [p for p in found if p.form in offered]) for event, found in catalogue.by_event()],
        "served": served, "note": given.get(people.NOTE, ""), "client_id": uuid.uuid4(),
    }  # fmt: skip
    return render(request, "procedures/desk_begin.html", values)


def _form_id(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.uuid4()


@staff(HANDLE)
def fill(request: Request, code: str) -> HttpResponse:
    """The whole form on one page, for the counter."""
    found = forms.Filling.objects.select_related("version__form").defer("version__definition", "version__xform")
    filling = get_object_or_404(found, code=codes.read(code), version__form__service=requesting.SERVICE)
    return forms.counter_view(request, filling, base=reverse("desk-request-form", args=[filling.code]), done=_sent)


def _sent(request: HttpRequest, filling: forms.Filling) -> HttpResponse:
    messages.success(request, _("Kept. The code to give to the person: %(code)s") % {"code": filling.subject})
    return redirect("procedures-desk-case", filling.subject)


@staff(READ)
def act(request: Request, code: str) -> HttpResponse:
    """do=entry|another|file|complete, on a request. The verbs say who may."""
    found = cases.Case.objects.select_related("topic", "request__procedure")
    case = get_object_or_404(found, type=REQUEST.name, code=codes.read(code))
    if not cases.may_read(request.actor, case):
        raise Http404
    back = redirect("procedures-desk-case", case.code)
    if request.method != "POST":
        return back
    post, by = request.POST, request.actor
    try:
        match post.get("do"):
            case "entry":
                typed = post.get("entry", "")
                requesting.choose_entry(case.pk, int(typed) if typed.isdecimal() and len(typed) < 18 else 0, by=by)
            case "another":
                requesting.another(case.pk, by=by)
            case "complete":
                access.require(by, HANDLE, zone=case.zone_id, subject=case.topic.slug)
                return redirect("desk-request-form", requesting.reopen(case, by=by).code)
            case "file":
                file = request.FILES.get("file")
                if file is None:
                    raise cases.Refused(_("Choose a file first."))
                once = _form_id(post.get("client_id", ""))
                documents.keep(file, file.name or "file", subject=("cases.case", case.pk), by=by, client_id=once)
            case _:
                raise cases.Refused(_("There is no such action."))
    except (cases.Refused, documents.FileRefused) as error:
        messages.error(request, str(error))
    except documents.Entry.DoesNotExist:
        messages.error(request, _("There is no such entry in the registers."))
    else:
        messages.success(request, _("Done."))
    return back
