"""Where those whom the town named for it read alerts on corruption. Each look leaves a trace."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import audit, codes
from toguna.kernel.web import Request, staff
from toguna.services.integrity.casetype import ALERT

STEPS: dict[str, Any] = {
    "noted": gettext_lazy("Note"),
    "replied": gettext_lazy("Answer of the town"),
    "answered": gettext_lazy("Words of the person"),
    "anonymised": gettext_lazy("Made anonymous"),
}


@staff("integrity.read")
def alerts(request: Request) -> HttpResponse:
    """?view=open|all"""
    audit.record(request.actor, "integrity.list")
    found = cases.scope(request.actor, ALERT.name)
    view = "all" if request.GET.get("view") == "all" else "open"
    shown = found if view == "all" else found.filter(open=True)
    page = cases.page(shown, after=request.GET.get("after", ""), order="newest" if view == "all" else "due")
    now = timezone.now()
    values = {
        "rows": [(c, ALERT.state(c.state), bool(c.open and c.due and c.due < now)) for c in page.rows],
        "after": page.after, "view": view, "tabs": [("open", _("Open")), ("all", _("All"))],
    }  # fmt: skip
    return render(request, "integrity/desk_list.html", values)


def _find(request: Request, code: str) -> cases.Case:
    """The alert with this code, when the actor may read it; 404 otherwise: codes cannot be tried."""
    case = get_object_or_404(cases.Case.objects.select_related("topic"), type=ALERT.name, code=codes.read(code))
    if not cases.may_read(request.actor, case):
        raise Http404
    return case


@staff("integrity.read")
def alert(request: Request, code: str) -> HttpResponse:
    case = _find(request, code)
    audit.record(request.actor, "integrity.read", f"cases.case:{case.pk}")
    steps = list(cases.timeline(case, whole=True))
    accounts = {s.account for s in steps if s.account}
    names = dict(people.Account.objects.filter(pk__in=accounts).values_list("pk", "name"))
    values = {
        "case": case, "state": ALERT.state(case.state), "possible": ALERT.possible(case.state), "client_id": uuid.uuid4(),
        "history": [
            (s, ALERT.state(s.to_state).title if s.to_state else STEPS.get(s.action, s.action), names.get(s.account or 0, ""))
            for s in steps
        ],
    }  # fmt: skip
    return render(request, "integrity/desk_alert.html", values)


@staff("integrity.read")
def act(request: Request, code: str) -> HttpResponse:
    """do=move|reply|note. The verbs say who may."""
    case = _find(request, code)
    if request.method != "POST":
        return redirect("desk-alert", code=case.code)
    post, by, words = request.POST, request.actor, request.POST.get("words", "")
    try:
        once = uuid.UUID(post.get("client_id", ""))
    except ValueError:
        once = uuid.uuid4()
    try:
        match post.get("do"):
            case "move":
                cases.move(
                    case.pk, post.get("transition", ""), by=by, words=words, seen=post.get("seen"), client_id=once
                )
            case "reply" | "note" as do:
                cases.reply(case.pk, words, by=by, public=do == "reply", client_id=once)
            case _:
                raise cases.Refused(_("There is no such action."))
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    return redirect("desk-alert", code=case.code)
