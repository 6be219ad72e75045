"""The back office of complaints; alerts on corruption open only to whom the town has named for them."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, text
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, staff
from toguna.services.complaints import actions, reads
from toguna.services.complaints.casetype import COMPLAINT
from toguna.services.complaints.forms import ComplaintForm, LevelForm
from toguna.services.complaints.models import Level

STEPS: dict[str, Any] = {
    "assigned": gettext_lazy("Given to"),
    "noted": gettext_lazy("Note"),
    "replied": gettext_lazy("Answer of the town"),
    "answered": gettext_lazy("Words of the person"),
    "escalated": gettext_lazy("Next level"),
    "anonymised": gettext_lazy("Made anonymous"),
}


@staff("complaints.read")
def complaints(request: Request) -> HttpResponse:
    """Open ones first, the one that is due first at the top. ?view=open|mine|all"""
    found = cases.scope(request.actor, COMPLAINT.name).select_related("complaint")
    waiting = found.filter(open=True)
    mine = waiting.filter(team__in=request.actor.teams)
    views = {"open": waiting, "mine": mine, "all": found}
    view = request.GET.get("view", "")
    view = view if view in views else "open"
    page = cases.page(views[view], after=request.GET.get("after", ""), order="newest" if view == "all" else "due")
    now, levels = timezone.now(), {level.number: text.pick(level.names) for level in Level.objects.all()}
    values = {
        "rows": [
            (c, COMPLAINT.state(c.state), bool(c.open and c.due and c.due < now), levels.get(c.complaint.level, "")) for c in page.rows
        ],
        "after": page.after,
        "view": view,
        "tabs": [
            ("open", _("Open"), waiting.count()), ("mine", _("My teams"), mine.count()), ("all", _("All"), None),
        ],
        "may_set_up": access.can(request.actor, COMPLAINT.set_up, anywhere=True),
    }  # fmt: skip
    return render(request, "complaints/desk_list.html", values)


def _find(request: Request, code: str) -> cases.Case:
    """The complaint with this code, when the actor may read it; 404 otherwise: codes cannot be tried."""
    found = cases.Case.objects.select_related("topic", "team", "assignee", "reporter", "complaint")
    case = get_object_or_404(found, type=COMPLAINT.name, code=codes.read(code))
    if not cases.may_read(request.actor, case):
        raise Http404
    return case


@staff("complaints.read")
def complaint(request: Request, code: str) -> HttpResponse:
    """One complaint. ?reporter=show says who complained, and is recorded."""
    case = _find(request, code)
    actor = request.actor
    contacts = None
    if case.reporter and request.GET.get("reporter") == "show":
        audit.record(actor, "complaints.read_reporter", f"cases.case:{case.pk}")
        ways = [people.shown(c.kind, c.value) for c in case.reporter.contacts.all()]
        contacts = [case.reporter.name or _("No name"), *ways]
    steps = list(cases.timeline(case, whole=True))
    accounts = {s.account for s in steps if s.account}
    names = dict(people.Account.objects.filter(pk__in=accounts).values_list("pk", "name"))
    about = None
    if case.complaint.about:
        about = cases.Case.objects.filter(code=case.complaint.about).first()
        if about is not None and not cases.may_read(actor, about):
            about = None
    values = {
        "case": case, "state": COMPLAINT.state(case.state), "contacts": contacts,
        "level": Level.objects.filter(number=case.complaint.level).first(),
        "next": Level.objects.filter(number__gt=case.complaint.level).order_by("number").first(),
        "about": about and (about.code, cases.case_type(about.type).desk_url),
        "history": [
            (s, COMPLAINT.state(s.to_state).title if s.to_state else STEPS.get(s.action, s.action), names.get(s.account or 0, ""))
            for s in steps
        ],
        "possible": COMPLAINT.possible(case.state),
        "may_handle": access.can(actor, COMPLAINT.assign, zone=case.zone_id, subject=case.topic.slug),
        "teams": list(people.Team.objects.order_by("slug")),
        "client_id": uuid.uuid4(),
    }  # fmt: skip
    return render(request, "complaints/desk_complaint.html", values)


@staff("complaints.read")
def act(request: Request, code: str) -> HttpResponse:
    """do=move|reply|note|assign|escalate. The verbs say who may."""
    case = _find(request, code)
    if request.method != "POST":
        return redirect("desk-complaint", code=case.code)
    post, by = request.POST, request.actor
    words = post.get("words", "")
    try:
        once = uuid.UUID(post.get("client_id", ""))
    except ValueError:
        once = uuid.uuid4()
    try:
        match post.get("do"):
            case "move":
                rule = COMPLAINT.transition(post.get("transition", ""))
                if rule is None or rule.reporter:
                    raise cases.Refused(_("There is no such action."))
                cases.move(case.pk, rule.name, by=by, words=words, seen=post.get("seen"), client_id=once)
            case "reply" | "note" as do:
                cases.reply(case.pk, words, by=by, public=do == "reply", client_id=once)
            case "assign":
                team = post.get("team", "")
                known = (
                    people.Team.objects.filter(pk=int(team)).first() if team.isdecimal() and len(team) < 18 else None
                )
                cases.assign(case.pk, by=by, team=known.pk if known else None)
            case "escalate":
                actions.escalate(case.pk, by=by, words=words)
            case _:
                raise cases.Refused(_("There is no such action."))
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    return redirect("desk-complaint", code=case.code)


@staff("complaints.handle")
def new(request: Request) -> HttpResponse:
    """What somebody says at the counter or on the telephone. ?for=NOTE: the front desk knows who it is."""
    given = request.POST if request.method == "POST" else request.GET
    served = people.serving(given.get(people.NOTE), by=request.actor)
    known = {"contact": people.typed_contact(served), "name": served.name} if served else {}
    form = ComplaintForm(request.POST or None, topics=reads.topics(), initial=known)
    if request.method == "POST" and form.is_valid():
        asked = form.asked(
            language=(get_language() or "").split("-")[0], channel=served.channel if served else "counter"
        )
        actions.count(request.actor, request)
        clerk = request.actor
        by = Actor(clerk.account, None, clerk.name, clerk.staff, clerk.grants, clerk.teams)  # never in their own name
        try:
            case, _made = actions.complain(asked, about=form.cleaned_data["about"], by=by, served=served)
        except cases.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Kept. The code to give to the person: %(code)s") % {"code": case.code})
            return redirect("desk-complaint", code=case.code)
    values = {"form": form, "served": served, "note": given.get(people.NOTE, "")}
    return render(request, "complaints/desk_new.html", values, status=422 if request.method == "POST" else 200)


@staff("complaints.set_up")
def levels(request: Request) -> HttpResponse:
    """The ladder: which team has each level, and for how many days."""
    teams = [(str(t.pk), text.pick(t.names)) for t in people.Team.objects.order_by("slug")]
    forms = [LevelForm(request.POST or None, level=level, teams=teams) for level in Level.objects.all()]
    if request.method == "POST" and all(checked for checked in [form.is_valid() for form in forms]):
        actions.set_levels(
            {f.level.number: (int(f.cleaned_data["team"] or 0) or None, f.cleaned_data["days"]) for f in forms},
            by=request.actor,
        )
        messages.success(request, _("Done."))
        return redirect("desk-complaint-levels")
    rows = [(text.pick(form.level.names), form) for form in forms]
    return render(
        request, "complaints/desk_levels.html", {"rows": rows}, status=422 if request.method == "POST" else 200
    )
