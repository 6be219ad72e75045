"""Pages of the service: for residents, for everyone, and for the teams. Thin: the rules are in the actions of `cases`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Count, Min, Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, text
from toguna.kernel.web import Request, public, staff
from toguna.services.reports import finding, intake
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.forms import ReportForm
from toguna.services.reports.topics import topic, topics

OURS = REPORT.name
ANSWER_WITHIN = timedelta(days=28)  # after it was closed; later it is a new report


@public
def choose(request: HttpRequest) -> HttpResponse:
    """First step: what is it? Pictograms with words."""
    return render(request, "reports/choose.html", {"topics": [t for t in topics() if t.active]})


@public
def new(request: Request, slug: str) -> HttpResponse:
    """Second step: where, the words, photos, and how to be told. The same form received twice is one report."""
    chosen = topic(slug)
    if chosen is None or not chosen.active:
        messages.error(request, _("This category is closed. Choose another one."))
        return redirect("report-choose")
    sent = request.POST.copy()
    if picked := request.POST.get("chosen"):  # a button beside one of the places that the words may mean
        sent["position"] = picked
    form = ReportForm(sent or None, request.FILES or None, initial={"position": request.GET.get("at", "")})
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        kind, address = values["contact"] or ("", "")
        asked = cases.Asked(
            type=OURS,
            topic=chosen,
            text=values["text"],
            place=values["place"],
            lon=form.where[0] if form.where else None,
            lat=form.where[1] if form.where else None,
            zone=values["district"],
            language=(get_language() or "").split("-")[0],
            client_id=values["client_id"],
            name=values["name"],
            phone=address if kind == "phone" else "",
            email=address if kind == "email" else "",
            photos=tuple(values["photos"] or ()),
        )
        try:
            case, _made = intake.take(asked, request=request)
        except cases.Outside as error:
            form.add_error("position" if values["position"] else "place", str(error))
        except cases.Refused as error:
            form.add_error(None, str(error))
        else:
            return redirect(f"{reverse('report-thanks', args=[case.code])}?key={cases.key_of(case)}")
    page = render(request, "reports/new.html", {"form": form, "topic": chosen}, status=422 if form.errors else 200)
    return people.remember_device(request, page)


@public
def thanks(request: HttpRequest, code: str) -> HttpResponse:
    case = get_object_or_404(cases.Case.objects.select_related("topic"), type=OURS, code=codes.read(code))
    return render(request, "reports/thanks.html", {"case": case, "key": _key(request.GET, case)})


def _key(given: QueryDict, case: cases.Case) -> str:
    """The key of the person who opened the case, when the address holds it."""
    key = given.get("key", "")
    return key if cases.holds_key(case, key) else ""


@public
def follow(request: HttpRequest) -> HttpResponse:
    """Where a code is typed; spaces, dashes and case are forgiven."""
    typed = request.GET.get("code", "")
    code = codes.read(typed)
    if code:
        if cases.Case.objects.filter(type=OURS, code=code).exists():
            return redirect("report", code=code)
        messages.error(request, _("No report has the code %(code)s. Check it letter by letter.") % {"code": typed})
    return render(request, "reports/follow.html", {"typed": typed})


@public
def report(request: HttpRequest, code: str) -> HttpResponse:
    """The public page: what, where, its state and what was done. Never who reported it."""
    case = get_object_or_404(
        cases.Case.objects.select_related("topic", "zone", "team"), type=OURS, code=codes.read(code)
    )
    values = {
        "case": case,
        "state": REPORT.state(case.state),
        "steps": [(s, REPORT.state(s.to_state) if s.to_state else None) for s in cases.timeline(case)],
        "photos": case.photos.filter(state=cases.Photo.State.READY, public=True) if case.public else [],
        "key": _key(request.GET, case),
        "answers": REPORT.possible(case.state, reporter=True) if _may_answer(case) else [],
        # Who holds the code of a private report follows its state; its words and place are not for everyone.
        "open_to_all": case.public,
    }
    return render(request, "reports/report.html", values)


def _may_answer(case: cases.Case) -> bool:
    return case.closed is not None and timezone.now() - case.closed < ANSWER_WITHIN


@public
def answer(request: Request, code: str) -> HttpResponse:
    """The person who reported says whether it is solved; "no" opens it again. Nobody else can."""
    case = get_object_or_404(cases.Case, type=OURS, code=codes.read(code))
    key = _key(request.POST, case)
    back = f"{reverse('report', args=[case.code])}?key={key}"
    if request.method != "POST" or not key:
        return redirect("report", code=case.code)
    try:
        if not _may_answer(case):
            raise cases.Refused(_("It is too long ago. Report it again, please."))
        wanted, words = request.POST.get("transition", ""), request.POST.get("words", "")
        if wanted not in {t.name for t in REPORT.possible(case.state, reporter=True)}:
            raise cases.Refused(_("There is no such action."))
        cases.move(case.pk, wanted, by=request.actor, words=words, key=key)
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Thank you: the team reads your answer."))
    return redirect(back)


@public
def reports(request: HttpRequest) -> HttpResponse:
    """All public reports, the newest first."""
    found = finding.public(request.GET.dict())
    page = cases.page(found, after=request.GET.get("after", ""))
    rows = [(case, REPORT.state(case.state)) for case in page.rows]
    return render(
        request, "reports/list.html", {"rows": rows, "after": page.after, "points": finding.points(rows), **finding.choices()}
    )


def lately() -> dict[str, Any]:
    """For the home page: what was solved lately, and how many wait."""
    solved = (
        cases.Case.objects.filter(type=OURS, open=False, public=True, state="solved")
        .select_related("topic", "zone")
        .order_by("-closed")
    )
    return {"rows": list(solved[:4])}
