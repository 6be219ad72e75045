"""Whom to call back, and what came of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.kernel.web import Request, staff
from toguna.services.frontdesk import actions, reads, views
from toguna.services.frontdesk.forms import CallBackForm
from toguna.services.frontdesk.models import CallBack

MOST = 100


@staff(actions.SERVE)
def call_backs(request: Request) -> HttpResponse:
    """The list; a promise to somebody who is not on the screen is made here too."""
    form = CallBackForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _promised(request, form, views.Desk()):
        return redirect("front-back")
    status = 422 if form.is_bound else 200
    return render(request, "frontdesk/back.html", _values(form), status=status)


def _values(form: CallBackForm) -> dict[str, object]:
    now = timezone.now()
    rows = [(row, row.due <= now, views.Desk(number=row.number, person=row.person)) for row in reads.to_call()[:MOST]]
    return {"rows": rows, "form": form}


@require_POST
@staff(actions.SERVE)
def new(request: Request) -> HttpResponse:
    """From the screen of whoever is served."""
    desk, form = views.posted(request), CallBackForm(request.POST)
    if form.is_valid() and _promised(request, form, desk):
        return redirect(desk.url)
    return views.screen(request, desk, 422, back=form)


def _promised(request: Request, form: CallBackForm, desk: views.Desk) -> bool:
    values = form.cleaned_data
    try:
        actions.promise(
            number=values["number"],
            why=values["why"],
            due=values["due"],
            priority=values["priority"],
            person=desk.person,
            key=values["key"],
            by=request.actor,
        )
    except actions.Refused as error:
        form.add_error("why", str(error))
        return False
    messages.success(request, _("They are on the list of call-backs."))
    return True


@require_POST
@staff(actions.SERVE)
def called(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(CallBack, pk=pk)
    row = actions.called(row.pk, reached=request.POST.get("do") == "done", by=request.actor)
    if row.done:
        messages.success(request, _("Done."))
    elif row.tries >= actions.MOST_TRIES:
        messages.warning(request, _("Nobody answered again (tries: %(n)d). Write to them instead?") % {"n": row.tries})
    else:
        messages.success(request, _("Nobody answered: it comes back in two hours."))
    return redirect("front-back")
