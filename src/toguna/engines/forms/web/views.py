"""Going on by a code, and the forms that belong to no other service: surveys, whose answers are kept and counted."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.forms import actions, reads, uses
from toguna.engines.forms.models import Filling, Form
from toguna.engines.forms.uses import KEPT
from toguna.engines.forms.web import carrying, pages
from toguna.engines.people import api as people
from toguna.kernel import codes, limits, text
from toguna.kernel.web import Request, public

HOUR = timedelta(hours=1)
PER_DEVICE = 30


def _filling(code: str) -> Filling:
    found = Filling.objects.select_related("version__form", "person")
    found = found.defer("version__definition", "version__xform", "version__form__draft")
    return get_object_or_404(found, code=codes.read(code)[:8])


@public
def resume(request: HttpRequest) -> HttpResponse:
    """Where the code that they were given is typed."""
    typed, error = request.POST.get("code", "")[:20], ""
    if request.method == "POST":
        limits.hit("forms.resume", people.device_of(request), at_most=PER_DEVICE, per=HOUR)
        filling = Filling.objects.select_related("version__form").filter(code=codes.read(typed)[:8]).first()
        if filling is not None:
            use = uses.of(filling.version.form.service)
            return redirect(use.address(filling) if use else reverse("form-step", args=[filling.code]))
        error = _("We know no form of this code. Look at it again: it has 8 letters and figures.")
    return render(request, "forms/web_resume.html", {"typed": typed, "error": error}, status=422 if error else 200)


def _offered(slug: str) -> Form:
    form = reads.forms(service=KEPT).filter(slug=slug).first()
    if form is None:
        raise Http404
    return form


@public
def begin(request: Request, slug: str) -> HttpResponse:
    form = _offered(slug)
    if request.method == "POST":
        limits.hit("forms.begin", people.device_of(request), at_most=PER_DEVICE, per=HOUR)
        try:
            once = uuid.UUID(request.POST.get("client_id", ""))
        except ValueError:
            once = uuid.uuid4()
        person = people.Person.objects.filter(pk=request.actor.person or 0).first()
        language = (get_language() or "").split("-")[0]
        filling = actions.open_filling(form, by=request.actor, person=person, language=language, client_id=once)
        return carrying.carry(request, filling, redirect("form-step", filling.code))
    values = {"title": text.pick(form.titles), "client_id": uuid.uuid4()}
    return people.remember_device(request, render(request, "forms/web_begin.html", values))


@public
def step(request: Request, code: str) -> HttpResponse:
    filling = _filling(code)
    if filling.version.form.service != KEPT:
        raise Http404
    return pages.step_view(request, filling, base=reverse("form-step", args=[filling.code]), done=_thanks)


def _thanks(request: HttpRequest, filling: Filling) -> HttpResponse:
    return render(
        request, "forms/web_thanks.html", {"filling": filling, "title": text.pick(filling.version.form.titles)}
    )
