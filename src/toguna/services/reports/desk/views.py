"""The inbox of the back office: the list beside the map, with tabs, filters, and the lists that somebody keeps."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, text
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, staff
from toguna.services.reports import finding
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.desk import lists

OURS = REPORT.name
MOST_SAVED = 30


@staff("reports.read")
def desk(request: Request) -> HttpResponse:
    """The inbox. ?view=mine|team|late|open|all, and the filters of `lists.KEYS`."""
    actor, asked = request.actor, request.GET.dict()
    found = lists.narrowed(actor, asked)
    view, now = lists.tab(actor, asked), timezone.now()
    teams = lists.by_team(found, actor, asked)
    sums = lists.totals(teams, actor)
    page = cases.page(
        found.filter(lists.in_tab(actor, view)), after=request.GET.get("after", ""), order=lists.order(asked)
    )
    rows = [(case, REPORT.state(case.state), bool(case.open and case.due and case.due < now)) for case in page.rows]
    all_teams = list(people.Team.objects.order_by("slug"))
    values = {
        "teams": teams,
        "sums": sums,
        "waited": lists.waited(sums["oldest"]),
        "rows": rows,
        "after": page.after,
        "view": view,
        "tabs": [(name, title, sums.get(name)) for name, title in lists.TABS.items()],
        "sort": lists.order(asked),
        "orders": lists.ORDERS,
        "channels": lists.CHANNELS,
        "query": kept(request.GET),
        "filtered": sum(1 for key in lists.KEYS[2:] if request.GET.get(key)),
        "saved": list(_saved(request).select_related("team")),
        "points": finding.points([(case, state) for case, state, _late in rows]),
        "all_teams": all_teams,
        "team_options": [(team.pk, text.pick(team.names)) for team in all_teams],
        "colleagues": list(
            people.Account.objects.filter(teams__in=actor.teams, is_active=True).distinct().order_by("name")
        ),
        "can_assign": access.can(actor, REPORT.assign, anywhere=True),
        "can_export": access.can(actor, "reports.export", anywhere=True),
        "can_open": access.can(actor, "reports.handle", anywhere=True),
        **finding.choices(),
    }
    return render(request, "reports/desk/inbox.html", values)


def numbers(actor: Actor) -> list[tuple[Any, Any, str]]:
    """For the first page of the back office: what waits, what is late, what is new."""
    sums = lists.totals(lists.by_team(cases.scope(actor, OURS), actor, {}), actor)
    inbox = reverse("desk-reports")
    found = [
        (_("Given to me"), sums["mine"], f"{inbox}?view=mine"),
        (_("Late"), sums["late"], f"{inbox}?view=late"),
        (_("Open"), sums["open"], f"{inbox}?view=open"),
        (_("New today"), sums["today"], f"{inbox}?sort=newest"),
    ]
    if waited := lists.waited(sums["oldest"]):
        found.append((_("The oldest waits"), waited, f"{inbox}?view=open&sort=due"))
    return found


def kept(asked: QueryDict) -> str:
    """A list's address without its page: what a saved filter holds."""
    return urlencode({key: asked[key] for key in lists.KEYS if asked.get(key)})


def _saved(request: Request) -> QuerySet[cases.SavedFilter]:
    """Their own lists, and those that a team of theirs shares."""
    mine = Q(account=request.actor.account) | Q(team__in=request.actor.teams)
    return cases.SavedFilter.objects.filter(mine, case_type=OURS)


@staff("reports.read")
def keep(request: Request) -> HttpResponse:
    """Keeps a list under a name, for oneself or for a team; or forgets one of one's own."""
    post, actor = request.POST, request.actor
    back = reverse("desk-reports")
    if request.method != "POST":
        return redirect(back)
    own = cases.SavedFilter.objects.filter(account=actor.account, case_type=OURS)
    if post.get("do") == "forget":
        gone = own.filter(pk=post["filter"]).delete()[0] if post.get("filter", "").isdecimal() else 0
        messages.success(request, _("Done.")) if gone else messages.error(request, _("This list is not yours."))
        return redirect(back)
    assert actor.account is not None  # staff are accounts
    name, team = text.clean(post.get("name", ""))[:80], post.get("team", "")
    query = kept(QueryDict(post.get("query", "")[:2000]))[:500]
    if not name:
        messages.error(request, _("Give the list a name."))
    elif team and not (team.isdecimal() and int(team) in actor.teams):
        messages.error(request, _("You can share a list with your own teams only."))
    elif own.count() >= MOST_SAVED and not own.filter(name=name).exists():
        messages.error(request, _("You keep %(most)d lists already: forget one first.") % {"most": MOST_SAVED})
    else:
        own.update_or_create(
            account_id=actor.account,
            case_type=OURS,
            name=name,
            defaults={"query": query, "team_id": int(team) if team else None},
        )
        messages.success(request, _("The list is kept: it is a tab now."))
    return redirect(f"{back}?{query}")
