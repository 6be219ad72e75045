"""One action on many reports: those that are ticked, or all that a list shows. First a page that says what will be done to
how many; then it is done, and each refusal is told with its reason."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, codes
from toguna.kernel.web import Request, staff
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.desk import lists
from toguna.services.reports.desk.report import form_id, given_to

OURS = REPORT.name
NEEDS = {"assign": REPORT.assign, "move": "reports.handle", "merge": REPORT.assign, "export": "reports.export"}


@staff("reports.read")
def bulk(request: Request) -> HttpResponse:
    """do=assign|move|merge|export, case=CODE..., or all=yes with the list's query; confirmed=yes does it."""
    post, actor = request.POST, request.actor
    do = post.get("do", "")
    if request.method != "POST":
        return redirect("desk-reports")
    if do not in NEEDS:
        messages.error(request, _("There is no such action."))
        return redirect("desk-reports")
    access.require(actor, NEEDS[do], anywhere=True)
    try:
        found, missing = chosen(request)
        once = form_id(post)
        if post.get("confirmed") == "yes" and once is not None and do != "export":
            outcome = _done(request, do, found, once)
            outcome.refused += [(code, _("No such report, or you may not see it.")) for code in missing]
            return render(request, "reports/desk/done.html", {"outcome": outcome, "query": post.get("query", "")})
    except cases.Refused as error:
        messages.error(request, str(error))
        return redirect("desk-reports")
    values: dict[str, Any] = {
        "do": do,
        "rows": [(case, REPORT.state(case.state)) for case in found],
        "query": post.get("query", ""),
        "client_id": uuid.uuid4(),
        "teams": people.Team.objects.order_by("slug"),
        "members": people.Account.objects.filter(teams__in=actor.teams, is_active=True).distinct().order_by("name"),
        "transitions": [t for t in REPORT.transitions if not t.reporter],
    }
    return render(request, "reports/desk/bulk.html", values)


def chosen(request: Request) -> tuple[list[cases.Case], set[str]]:
    """The reports that the form names and that the actor may read, and the codes of the others. Raises Refused when there
    are none, or too many."""
    post = request.POST
    missing: set[str] = set()
    if post.get("all") == "yes":
        found = lists.shown(request.actor, QueryDict(post.get("query", "")).dict())
    else:
        wanted = {codes.read(code) for code in post.getlist("case")[: cases.MOST_BULK + 1]}
        found = cases.scope(request.actor, OURS).filter(code__in=wanted)
        missing = wanted - set(found.values_list("code", flat=True))
    rows = list(found.select_related("topic", "zone").order_by("id")[: cases.MOST_BULK + 1])
    if len(rows) + len(missing) > cases.MOST_BULK:
        raise cases.Refused(_("These are too many at once: %(most)d at most.") % {"most": cases.MOST_BULK})
    if not rows:
        raise cases.Refused(_("Tick at least one report first."))
    return rows, missing


def _done(request: Request, do: str, found: list[cases.Case], once: uuid.UUID) -> cases.Outcome:
    post, by = request.POST, request.actor
    if do == "assign":
        team, who = given_to(post)
        if team is None and who is None:
            raise cases.Refused(_("Choose a team or a person."))
        return cases.each(found, lambda pk: cases.assign(pk, by=by, team=team, assignee=who), client_id=once)
    if do == "move":
        name, words = post.get("transition", ""), post.get("words", "")
        return cases.each(found, lambda pk: cases.move(pk, name, by=by, words=words), client_id=once)
    main = next((case for case in found if case.code == post.get("main")), None)
    if main is None:
        raise cases.Refused(_("Choose the report that stays open."))
    try:
        cases.merge(main.pk, [case.pk for case in found], by=by)  # all or none: it is one case afterwards
    except access.Denied:
        return cases.Outcome(0, [(case.code, _("You may not do this to all of them.")) for case in found])
    return cases.Outcome(len(found))
