"""Complaining, following, and what the town says of it all each year. Thin: the rules are in the actions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import codes, text
from toguna.kernel.web import Request, public
from toguna.services.complaints import actions, reads
from toguna.services.complaints.casetype import COMPLAINT
from toguna.services.complaints.forms import ComplaintForm
from toguna.services.complaints.models import Level


def _language() -> str:
    return (get_language() or "").split("-")[0]


@public
def complain(request: Request) -> HttpResponse:
    """The form. The same form received twice is one complaint."""
    form = ComplaintForm(
        request.POST or None, topics=reads.topics(), initial={"about": request.GET.get("about", "")[:20]}
    )
    if request.method == "POST" and form.is_valid():
        asked = form.asked(language=_language())
        actions.count(request.actor, request, phone=asked.phone)
        try:
            case, _made = actions.complain(asked, about=form.cleaned_data["about"], by=request.actor)
        except cases.Refused as error:
            form.add_error(None, str(error))
        else:
            return redirect(f"{reverse('complaint', args=[case.code])}?key={cases.key_of(case)}&new=1")
    status = 422 if request.method == "POST" else 200
    return people.remember_device(request, render(request, "complaints/complain.html", {"form": form}, status=status))


def _find(code: str) -> cases.Case:
    found = cases.Case.objects.select_related("topic", "complaint")
    return get_object_or_404(found, type=COMPLAINT.name, code=codes.read(code))


@public
def complaint(request: HttpRequest, code: str) -> HttpResponse:
    """Its state and its level, to whoever holds the code; the words, to whoever holds the key of their link."""
    case = _find(code)
    given = request.GET.get("key", "")
    key = given if cases.holds_key(case, given) else ""
    values: dict[str, Any] = {
        "case": case,
        "state": COMPLAINT.state(case.state),
        "level": Level.objects.filter(number=case.complaint.level).first(),
        "steps": [(s, COMPLAINT.state(s.to_state) if s.to_state else None) for s in cases.timeline(case)],
        "key": key,
        "new": bool(key) and "new" in request.GET,
        "may_contest": bool(key) and bool(COMPLAINT.possible(case.state, reporter=True)),
    }
    return render(request, "complaints/complaint.html", values)


@public
def answer(request: Request, code: str) -> HttpResponse:
    """Whoever complained adds words (do=words) or does not agree (do=contest). Nobody else can."""
    case = _find(code)
    key = request.POST.get("key", "")
    if request.method != "POST" or not cases.holds_key(case, key):
        return redirect("complaint", code=case.code)
    words = request.POST.get("words", "")
    try:
        if request.POST.get("do") == "contest":
            actions.contest(case.pk, words, by=request.actor, key=key)
        else:
            cases.answer(case.pk, words, by=request.actor, key=key)
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Thank you: it was added to your complaint."))
    return redirect(f"{reverse('complaint', args=[case.code])}?key={key}")


@public
def report(request: HttpRequest, year: int | None = None) -> HttpResponse:
    """The yearly public report: how many, of what, how soon, how many were right."""
    years = reads.years()
    chosen = year or (years[0] if years else None)
    if chosen is None or chosen not in years:
        if year is not None:
            raise Http404(_("There is no report for this year."))
        return render(request, "complaints/report.html", {"years": []})
    lines, whole = reads.year(chosen)
    most = max((line.received for line in lines), default=0)
    values = {
        "years": years, "year": chosen, "whole": whole,
        "lines": [(line, round(100 * line.received / most) if most else 0) for line in lines],
        "levels": [(text.pick(level.names), level.days) for level in Level.objects.all()],
    }  # fmt: skip
    return render(request, "complaints/report.html", values)
