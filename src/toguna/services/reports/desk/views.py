"""The back office of reports: the inbox, and one report. Thin: the rules are in the actions of `cases`."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Min, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, audit
from toguna.kernel.web import Request, staff
from toguna.services.reports import finding
from toguna.services.reports.casetype import REPORT

OURS = REPORT.name


@staff("reports.read")
def desk(request: Request) -> HttpResponse:
    """The inbox: list beside map. ?view=mine|team|late|open|all"""
    view = request.GET.get("view", "open")
    found = finding.narrowed(cases.scope(request.actor, OURS), request.GET.dict())
    now = timezone.now()
    views = {
        "mine": Q(open=True, assignee=request.actor.account),
        "team": Q(open=True, team__in=request.actor.teams),
        "late": Q(open=True, due__lt=now),
        "open": Q(open=True),
        "all": Q(),
    }
    counts = found.filter(open=True).aggregate(
        mine=Count("id", filter=views["mine"]),
        team=Count("id", filter=views["team"]),
        late=Count("id", filter=views["late"]),
        open=Count("id"),
    )
    view = view if view in views else "open"
    page = cases.page(found.filter(views[view]), after=request.GET.get("after", ""), by_due=view != "all")
    rows = [(case, REPORT.state(case.state), bool(case.open and case.due and case.due < now)) for case in page.rows]
    titles = {"mine": _("Mine"), "team": _("My teams"), "late": _("Late"), "open": _("All open"), "all": _("All")}
    tabs = [(name, title, counts.get(name)) for name, title in titles.items()]
    teams = (
        found.filter(open=True)
        .order_by("team__slug")
        .values("team__names")
        .annotate(waiting=Count("id"), late=Count("id", filter=views["late"]), oldest=Min("created"))
    )
    values = {
        "teams": teams,
        "rows": rows,
        "after": page.after,
        "view": view,
        "tabs": tabs,
        "points": finding.points([(case, state) for case, state, _late in rows]),
        **finding.choices(),
    }
    return render(request, "reports/desk.html", values)


def _case(request: Request, code: str) -> cases.Case:
    """The case with this code, when the actor may read it; 404 otherwise, so that codes cannot be tried."""
    case = get_object_or_404(
        cases.Case.objects.select_related("topic", "zone", "team", "assignee", "reporter"), type=OURS, code=code
    )
    if not cases.may_read(request.actor, case):
        raise Http404
    return case


@staff("reports.read")
def desk_report(request: Request, code: str) -> HttpResponse:
    case = _case(request, code)
    contacts = None
    if request.GET.get("reporter") == "show" and case.reporter is not None:
        # Reading who somebody is leaves a trace: it is asked for, never shown by itself.
        audit.record(request.actor, "reports.read_reporter", f"cases.case:{case.pk}")
        contacts = [people.shown(c.kind, c.value) for c in case.reporter.contacts.all()]
    teams = people.Team.objects.order_by("slug")
    members = people.Account.objects.filter(teams=case.team_id, is_active=True).order_by("name") if case.team_id else []
    values = {
        "case": case,
        "state": REPORT.state(case.state),
        "late": bool(case.open and case.due and case.due < timezone.now()),
        "steps": [(s, REPORT.state(s.to_state) if s.to_state else None) for s in cases.timeline(case, whole=True)],
        "photos": case.photos.filter(state=cases.Photo.State.READY),
        "possible": [
            t for t in REPORT.possible(case.state) if access.can(request.actor, t.permission, zone=case.zone_id, subject=case.topic.slug)
        ],
        "contacts": contacts,
        "teams": teams,
        "members": members,
        "can_assign": access.can(request.actor, REPORT.assign, zone=case.zone_id, subject=case.topic.slug),
    }
    return render(request, "reports/desk_report.html", values)


@staff("reports.read")
def desk_act(request: Request, code: str) -> HttpResponse:
    """One action on a report: do=move|assign|reply|note."""
    case = _case(request, code)
    if request.method != "POST":
        return redirect("desk-report", code=code)
    post = request.POST
    try:
        match post.get("do"):
            case "move":
                cases.move(
                    case.pk,
                    post.get("transition", ""),
                    by=request.actor,
                    words=post.get("words", ""),
                    seen=post.get("seen") or None,
                )
            case "assign":
                team, who = post.get("team", ""), post.get("assignee", "")
                cases.assign(
                    case.pk,
                    by=request.actor,
                    team=int(team) if team.isdigit() else None,
                    assignee=int(who) if who.isdigit() else None,
                )
            case "reply":
                cases.reply(case.pk, post.get("words", ""), by=request.actor)
            case "note":
                cases.reply(case.pk, post.get("words", ""), by=request.actor, public=False)
            case _:
                messages.error(request, _("There is no such action."))
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    return redirect("desk-report", code=code)
