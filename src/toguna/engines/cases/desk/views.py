"""The back office of any case type: lists, one case, many at once, figures. Who may open what is asked of each case."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import actions, asking, bulk, drawing, ports, reads, rights
from toguna.engines.cases.actions import Refused
from toguna.engines.cases.definition import workflow_of
from toguna.engines.cases.desk import figures, lists, paper
from toguna.engines.cases.models import Case, Opinion, Topic
from toguna.engines.cases.workflow import State, Wanted, case_type
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, registry, text
from toguna.kernel.access import Actor

ACTIONS: dict[str, Any] = {
    "opened": gettext_lazy("Received"),
    "assigned": gettext_lazy("Given to"),
    "noted": gettext_lazy("Note"),
    "replied": gettext_lazy("Answer of the town"),
    "answered": gettext_lazy("Words of the person"),
    "asked_opinions": gettext_lazy("Opinions asked"),
    "opinion": gettext_lazy("Opinion given"),
    "opinions_lapsed": gettext_lazy("Time to give an opinion has passed"),
    "paid": gettext_lazy("Fee paid"),
    "late": gettext_lazy("Late"),
    "anonymised": gettext_lazy("Made anonymous"),
}
SAYS: dict[str, Any] = {
    "favourable": gettext_lazy("Favourable"),
    "reserved": gettext_lazy("Favourable, with reserves"),
    "unfavourable": gettext_lazy("Unfavourable"),
}


def _actor(request: HttpRequest) -> Actor:
    return request.actor  # type: ignore[attr-defined,no-any-return]


def _state(case: Case) -> State:
    return workflow_of(case).state(case.state)


def work(request: HttpRequest, kind: str) -> HttpResponse:
    """The lists. ?view=, ?topic=, ?state=, ?q=, ?after="""
    table, actor = case_type(kind), _actor(request)
    found = lists.tabs(actor, table)
    view = request.GET.get("view", "")
    view = view if view in found else "open"
    page = reads.page(
        lists.narrowed(found[view], request.GET.dict()).select_related("workflow"),
        after=request.GET.get("after", ""),
        order="newest" if view == "all" else "due",
    )
    now, numbers = timezone.now(), lists.numbers(found)
    values = {
        "kind": table,
        "urls": _urls(kind),
        "rows": [(case, _state(case), _is_late(case, now)) for case in page.rows],
        "after": page.after,
        "view": view,
        "tabs": [(name, title, numbers.get(name)) for name, title in lists.TABS.items()],
        "topics": [
            (t.slug, text.pick(t.names)) for t in Topic.objects.filter(case_type=kind, active=True).order_by("order", "slug")
        ],
        "states": sorted({(s.name, str(s.title)) for case in page.rows for s in workflow_of(case).states}),
        "teams": _teams(),
        "asked": request.GET,
        "query": urlencode({key: request.GET[key] for key in lists.KEYS if request.GET.get(key)}),
        "may_assign": access.can(actor, table.assign, anywhere=True),
        "client_id": uuid.uuid4(),
    }  # fmt: skip
    return render(request, "cases/desk/work.html", values)


def _urls(kind: str) -> dict[str, str]:
    return {name: reverse(f"{kind}-desk-{name}") for name in ("list", "bulk", "figures", "absence")}


def _teams() -> list[tuple[int, str]]:
    return [(team.pk, text.pick(team.names)) for team in people.Team.objects.order_by("slug")]


def _is_late(case: Case, now: Any) -> bool:
    times = [moment for moment in (case.due, case.step_due) if moment is not None]
    return case.open and case.stopped is None and any(moment < now for moment in times)


def _find(request: HttpRequest, kind: str, code: str) -> Case:
    """A case that the actor may read, or on which a team of theirs is asked; 404 otherwise: codes cannot be tried."""
    found = Case.objects.select_related("topic", "team", "assignee", "reporter", "workflow", "zone").defer("zone__geom")
    case = get_object_or_404(found, type=kind, code=codes.read(code))
    actor = _actor(request)
    if not reads.may_read(actor, case):
        teams = rights.teams_of(actor)
        if not (teams and Opinion.objects.filter(case=case, team__in=teams).exists()):
            raise Http404
    return case


def _answers(case: Case) -> Sequence[tuple[str, str]]:
    renderer = registry.find(ports.CaseRenderer, case.type)
    if renderer is not None:
        return renderer.rows(case)
    return [(name, str(value)) for name, value in case.answers.items()]


def _history(case: Case) -> list[tuple[Any, Any, str]]:
    steps, table = list(reads.timeline(case, whole=True)), workflow_of(case)
    titles = {state.name: state.title for state in table.states}
    ids = {step.account for step in steps if step.account}
    names = dict(people.Account.objects.filter(pk__in=ids).values_list("pk", "name")) if ids else {}

    def who(step: Any) -> str:
        return str(_("the law")) if step.data.get("law") else names.get(step.account or 0, "")

    return [
        (s, titles.get(s.to_state, s.to_state) if s.to_state else ACTIONS.get(s.action, s.action), who(s))
        for s in steps
    ]


def case(request: HttpRequest, kind: str, code: str) -> HttpResponse:
    """One case. ?reporter=show says who asks, and is recorded."""
    row, actor = _find(request, kind, code), _actor(request)
    table, now = workflow_of(row), timezone.now()
    contacts = None
    if row.reporter and request.GET.get("reporter") == "show" and reads.may_read(actor, row):
        audit.record(actor, f"{kind}.read_reporter", f"cases.case:{row.pk}")
        ways = [people.shown(c.kind, c.value) for c in row.reporter.contacts.all()]
        contacts = [row.reporter.name or _("No name"), *ways]
    asked = list(Opinion.objects.filter(case=row).select_related("team"))
    teams = rights.teams_of(actor)
    newest = max((one.round for one in asked), default=0)
    possible = [
        (rule, rights.missing(rule, row), table.state(rule.target).title, rule.returns)
        for rule in table.possible(row.state)
        if rights.may(rule, row, actor)
    ]
    may_handle = access.can(actor, table.assign, zone=row.zone_id, subject=row.topic.slug)
    renderer = registry.find(ports.CaseRenderer, row.type)
    pieces = dict(renderer.pieces(row)) if renderer else {}
    values = {
        "aside": renderer.aside(row, request) if renderer else "", "pieces": pieces.items(),
        "case": row, "kind": table, "state": _state(row), "late": _is_late(row, now), "contacts": contacts,
        "answers": _answers(row), "wanted": [pieces.get(name, name) for name in asking.wanted_of(row)], "history": _history(row), "possible": possible,
        "fees": [t.fee for t in table.possible(row.state) if t.fee and not rights.paid(row, t.fee)],
        "counter": not registry.declared(ports.FeePort),
        "opinions": [(one, SAYS.get(one.says, ""), one.lapsed or one.due < now) for one in asked],
        "mine": [o for o in asked if o.team_id in teams and not o.says and not o.lapsed and o.round == newest and row.open],
        "says": SAYS.items(), "teams": _teams(), "may_handle": may_handle, "client_id": uuid.uuid4(),
        "members": people.Account.objects.filter(teams=row.team_id, is_active=True).order_by("name")[:200] if row.team_id else [],
        "photos": list(row.photos.filter(state="ready").order_by("pk")), "urls": _urls(kind),
        "act": reverse(f"{kind}-desk-act", args=[row.code]), "pdf": reverse(f"{kind}-desk-pdf", args=[row.code]),
        "drawing": reverse(f"{kind}-desk-drawing", args=[row.code]),
    }  # fmt: skip
    return render(request, "cases/desk/case.html", values)


def _number(typed: str) -> int:
    """0, which is nobody, for what is no number."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 18 else 0


def _form_id(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return uuid.uuid4()


def act(request: HttpRequest, kind: str, code: str) -> HttpResponse:
    """do=move|reply|note|assign|opinion|ask|paid. The verbs say who may."""
    row, by, post = _find(request, kind, code), _actor(request), request.POST
    back = redirect(f"{kind}-desk-case", code=row.code)
    if request.method != "POST":
        return back
    once, words = _form_id(post.get("client_id", "")), post.get("words", "")
    try:
        match post.get("do"):
            case "move":
                rule = workflow_of(row).transition(post.get("transition", ""))
                if rule is None or rule.reporter or rule.law:
                    raise Refused(_("There is no such action."))
                actions.move(
                    row.pk, rule.name, by=by, words=words, seen=post.get("seen"), client_id=once,
                    wanted=post.getlist("wanted"),
                )  # fmt: skip
            case "reply" | "note" as do:
                actions.reply(row.pk, words, by=by, public=do == "reply", client_id=once)
            case "assign":
                _assign(row.pk, post, by)
            case "opinion":
                mine = get_object_or_404(Opinion, pk=_number(post.get("opinion", "")), case=row)
                asking.give_opinion(mine.pk, post.get("says", ""), words, by=by, client_id=once)
            case "ask":
                team = people.Team.objects.filter(pk=_number(post.get("team", ""))).first()
                days = _number(post.get("days", ""))
                if team is None or not days or days > 366:
                    raise Refused(_("Choose a team, and how many working days it has."))
                asking.ask_opinions(row.pk, [Wanted(team.slug, days)], by=by, words=words, client_id=once)
            case "paid":
                asking.record_payment(row.pk, post.get("fee", ""), post.get("receipt", ""), by=by, client_id=once)
            case _:
                raise Refused(_("There is no such action."))
    except (Refused, rights.NoIssuer) as error:
        told = (
            _("No service makes this document: tell the administrator.")
            if isinstance(error, LookupError)
            else str(error)
        )
        messages.error(request, told)
    else:
        messages.success(request, _("Done."))
    return back


def _assign(pk: int, post: Any, by: Actor) -> None:
    team = people.Team.objects.filter(pk=_number(post.get("team", ""))).first()
    person = people.Account.objects.filter(
        pk=_number(post.get("assignee", "")), is_active=True, teams=team.pk if team else None
    ).first()
    actions.assign(pk, by=by, team=team.pk if team else None, assignee=person.pk if person else None)


def many(request: HttpRequest, kind: str) -> HttpResponse:
    """The same decision on the cases that are ticked: first a page that says what will be done, then it is done."""
    by, post, back = _actor(request), request.POST, redirect(f"{kind}-desk-list")
    if request.method != "POST":
        return back
    wanted = [codes.read(code)[:8] for code in post.getlist("case")]
    found = list(reads.scope(by, kind).filter(code__in=wanted[: bulk.MOST + 1]).select_related("topic", "workflow"))
    if not found:
        messages.error(request, _("Choose at least one."))
        return back
    do = post.get("do", "")
    if post.get("confirmed") == "yes" and do in ("move", "assign"):
        words, seen = post.get("words", ""), {case.pk: case.state for case in found}

        def verb(pk: int) -> None:
            if do == "assign":
                _assign(pk, post, by)
            else:
                actions.move(pk, post.get("transition", ""), by=by, words=words, seen=seen[pk])

        try:
            outcome = bulk.each(found, verb, client_id=_form_id(post.get("client_id", "")))
        except Refused as error:
            messages.error(request, str(error))
            return back
        return render(
            request, "cases/desk/done.html", {"outcome": outcome, "kind": case_type(kind), "urls": _urls(kind)}
        )
    rules = {rule.name: rule for one in found for rule in workflow_of(one).possible(one.state) if not rule.returns}
    values = {
        "rows": [(one, _state(one)) for one in found], "rules": rules.values(), "teams": _teams(),
        "client_id": uuid.uuid4(), "kind": case_type(kind), "urls": _urls(kind),
    }  # fmt: skip
    return render(request, "cases/desk/many.html", values)


def figures_page(request: HttpRequest, kind: str) -> HttpResponse:
    """Load by agent, and how long each step lasts."""
    table, actor = case_type(kind), _actor(request)
    titles = {state.name: state.title for state in table.states}
    recent = reads.scope(actor, kind).filter(workflow__isnull=False).order_by("-id").select_related("workflow")[:50]
    for one in recent:
        titles |= {state.name: state.title for state in workflow_of(one).states}
    stays = [(titles.get(stay.state, stay.state), stay) for stay in figures.stays(actor, table)]
    values = {"kind": table, "urls": _urls(kind), "load": figures.load(actor, table), "stays": stays}
    return render(request, "cases/desk/figures.html", values)


def absence(request: HttpRequest, kind: str) -> HttpResponse:
    """Says when one is away, and which colleague does the work meanwhile."""
    by = _actor(request)
    teams = by.teams
    colleagues = people.Account.objects.filter(teams__in=teams, is_active=True).exclude(pk=by.account or 0).distinct()
    if request.method == "POST":
        start, end = _date(request.POST.get("start", "")), _date(request.POST.get("end", ""))
        delegate = colleagues.filter(pk=_number(request.POST.get("delegate", ""))).first()
        try:
            if start is None or end is None or delegate is None or by.account is None:
                raise Refused(_("Give both days and choose a colleague."))
            asking.set_absence(by.account, start, end, delegate.pk, by=by)
        except Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Done."))
            return redirect(f"{kind}-desk-list")
    values = {"kind": case_type(kind), "urls": _urls(kind), "colleagues": colleagues.order_by("name")}
    return render(request, "cases/desk/absence.html", values)


def _date(typed: str) -> Any:
    try:
        return parse_date(typed)
    except ValueError:
        return None


def drawing_page(request: HttpRequest, kind: str, code: str) -> HttpResponse:
    """The workflow that this case follows, drawn, and as a table."""
    row = _find(request, kind, code)
    table = workflow_of(row)
    values = {
        "case": row, "kind": table, "urls": _urls(kind), "ways": drawing.ways(table), "back": reverse(f"{kind}-desk-case", args=[row.code]),
        "svg": mark_safe(drawing.draw_table(table, text.pick(row.topic.names))),  # noqa: S308 - every word in it is escaped there
    }  # fmt: skip
    return render(request, "cases/desk/drawing.html", values)


def pdf(request: HttpRequest, kind: str, code: str) -> HttpResponse:
    """The whole file on paper. It says no name: that is on the form, for who may ask."""
    row = _find(request, kind, code)
    audit.record(_actor(request), f"{kind}.print", f"cases.case:{row.pk}")
    asked = Opinion.objects.filter(case=row).select_related("team")
    made = paper.case_file(
        row, _state(row), _answers(row), _history(row),
        [(text.pick(one.team.names), str(SAYS.get(one.says, "–")), one.text) for one in asked],
    )  # fmt: skip
    name = f'inline; filename="{row.code}.pdf"'
    return HttpResponse(made, content_type="application/pdf", headers={"Content-Disposition": name})
