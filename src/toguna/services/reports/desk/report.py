"""One report in the back office, and what can be done to it. Thin: the rules are in the verbs of `cases`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Sum
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, text
from toguna.kernel.web import Request, staff
from toguna.services.reports import finding
from toguna.services.reports.bodies import views as bodies
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.desk import costs
from toguna.services.reports.topics import topic, topics

OURS = REPORT.name
NEARBY, SAME_PERSON = 20, 10
PARTS = 3
STEPS: dict[str, Any] = {
    "photo": gettext_lazy("Photo"),
    "assigned": gettext_lazy("Given to"),
    "noted": gettext_lazy("Note"),
    "replied": gettext_lazy("Answer of the town"),
    "answered": gettext_lazy("Words of the person"),
    "rated": gettext_lazy("Stars of the person"),
    "supported": gettext_lazy("Me too"),
    "absorbed": gettext_lazy("Merged into this one"),
    "split": gettext_lazy("Split"),
    "worked": gettext_lazy("Work"),
    "rezoned": gettext_lazy("The boundary was drawn anew"),
    "corrected": gettext_lazy("Set right"),
    "flagged": gettext_lazy("Flagged by a resident"),
    "settled": gettext_lazy("Looked at"),
    "hidden": gettext_lazy("Hidden from the public"),
    "shown": gettext_lazy("Shown to the public again"),
    "reworded": gettext_lazy("Words changed; before:"),
    "photo_hidden": gettext_lazy("Photo hidden"),
    "photo_shown": gettext_lazy("Photo shown again"),
    "photo_covered": gettext_lazy("Photo covered in part"),
    "photo_removed": gettext_lazy("Photo removed"),
    "anonymised": gettext_lazy("Made anonymous"),
    "transferred": gettext_lazy("Sent on"),
    "told": gettext_lazy("Words of another body"),
}


def find(request: Request, code: str) -> cases.Case:
    """The case with this code, when the actor may read it; 404 otherwise, so that codes cannot be tried."""
    related = ("topic", "zone", "team", "assignee", "reporter", "asset", "merged_into")
    case = get_object_or_404(cases.Case.objects.select_related(*related), type=OURS, code=codes.read(code))
    if not cases.may_read(request.actor, case):
        raise Http404
    return case


def contacts_of(request: Request, case: cases.Case) -> list[str]:
    """Who reported it. Reading it leaves a trace: it is asked for, never shown by itself."""
    if case.reporter is None:
        return []
    audit.record(request.actor, "reports.read_reporter", f"cases.case:{case.pk}")
    return [case.reporter.name, *(people.shown(c.kind, c.value) for c in case.reporter.contacts.all())]


def history(case: cases.Case) -> list[dict[str, Any]]:
    """What happened, each with its title, who did it and what more there is to say, in words."""
    steps = list(cases.timeline(case, whole=True))
    names = dict(
        people.Account.objects.filter(pk__in={s.account for s in steps if s.account}).values_list("pk", "name")
    )
    teams = {t.pk: text.pick(t.names) for t in people.Team.objects.all()}
    return [
        {
            "step": s,
            "title": REPORT.state(s.to_state).title if s.to_state else STEPS.get(s.action, s.action),
            "who": names.get(s.account, "") if s.account else "",
            "more": _more(s, teams),
        }
        for s in steps
    ]


def _more(step: cases.Step, teams: dict[int, str]) -> str:
    data = step.data
    match step.action:
        case "assigned":
            return teams.get(data.get("team") or 0, "–")
        case "worked":
            minutes, cost = data.get("minutes", 0), data.get("cost", 0)
            said = [_("%(minutes)d minutes") % {"minutes": minutes}] if minutes else []
            return " · ".join([*said, *([costs.shown(cost)] if cost else [])])
        case "corrected":
            before, now = data.get("before", {}), data.get("now", {})
            said = []
            if before.get("topic") != now.get("topic"):
                said.append(f"{_named(before.get('topic'))} → {_named(now.get('topic'))}")
            if before.get("zone") != now.get("zone"):
                said.append(f"{_district(before.get('zone'))} → {_district(now.get('zone'))}")
            elif before.get("point") != now.get("point"):
                said.append(_("another point"))
            return " · ".join(said)
        case "rated":
            return f"{data.get('stars')}/5"
        case "absorbed":
            return str(data.get("code", ""))
        case _:
            into = data.get("into", data.get("split_from", ""))
            return ", ".join(into) if isinstance(into, list) else str(into)


def _named(slug: str | None) -> str:
    found = topic(slug or "")
    return text.pick(found.names) if found else slug or "–"


def _district(pk: int | None) -> str:
    zone = territory.zone(pk)
    return zone.name if zone else "–"


def templates_for(case: cases.Case) -> list[cases.ReplyTemplate]:
    found = cases.ReplyTemplate.objects.filter(case_type=OURS, active=True, topic__in=[case.topic_id])
    return list(found | cases.ReplyTemplate.objects.filter(case_type=OURS, active=True, topic=None))


@staff("reports.read")
def desk_report(request: Request, code: str) -> HttpResponse:
    """?reporter=show reads who it is (recorded); ?template=ID fills in the words of a reply template."""
    case, actor = find(request, code), request.actor
    possible = [t for t in REPORT.possible(case.state) if _may(request, t.permission, case)]
    can_assign = _may(request, REPORT.assign, case)
    templates = templates_for(case) if can_assign or possible else []
    chosen = next((t for t in templates if str(t.pk) == request.GET.get("template")), None)
    photos = list(case.photos.filter(state=cases.Photo.State.READY).order_by("id"))
    nearby = _nearby(request, case)
    values = {
        "case": case,
        "state": REPORT.state(case.state),
        "late": bool(case.open and case.due and case.due < timezone.now()),
        "history": history(case),
        "facts": cases.shown_answers(case.topic.questions, case.answers),
        "photos": photos,
        "moments": [(title, [p for p in photos if p.moment == name]) for name, title in moments().items()],
        "possible": sorted(possible, key=lambda t: chosen is None or t.name != chosen.transition),
        "templates": [(t, next((p.verb for p in possible if p.name == t.transition), "")) for t in templates],
        "chosen": chosen,
        # In the language of the person who reads it, not of the agent.
        "words": text.pick(chosen.texts, case.language or None) if chosen else "",
        "contacts": contacts_of(request, case) if request.GET.get("reporter") == "show" else None,
        "teams": people.Team.objects.order_by("slug"),
        "members": people.Account.objects.filter(teams=case.team_id, is_active=True).order_by("name")
        if case.team_id
        else [],
        "can_assign": can_assign,
        "can_export": _may(request, "reports.export", case),
        "mine": case.assignee_id == actor.account,
        "near": [(c, REPORT.state(c.state)) for c in nearby],
        "points": finding.points([(c, REPORT.state(c.state)) for c in [case, *nearby]]),
        "same": _same_person(request, case),
        "works": list(case.works.order_by("id")),
        "spent": _spent(case),
        "topics": [t for t in topics() if t.active and not any(t.stop.values())],
        "districts": territory.districts(),
        "parts": range(1, PARTS + 1),
        "client_id": uuid.uuid4(),
        "sending": bodies.box(request, case),
    }
    return render(request, "reports/desk/report.html", values)


def moments() -> dict[str, str]:
    return {"report": _("Sent with the report"), "before": _("Before the work"), "after": _("After the work")}


def _may(request: Request, permission: str, case: cases.Case) -> bool:
    return access.can(request.actor, permission, zone=case.zone_id, subject=case.topic.slug)


def _nearby(request: Request, case: cases.Case) -> list[cases.Case]:
    if case.point is None:
        return []
    found = cases.near(case.topic, case.point.x, case.point.y, asset=case.asset_id, limit=NEARBY + 1, public=False)
    return [c for c in found if c.pk != case.pk and cases.may_read(request.actor, c)][:NEARBY]


def _same_person(request: Request, case: cases.Case) -> list[tuple[cases.Case, cases.State]]:
    """What else the same person reported, of what the actor may read: it says nothing of who that is."""
    if case.reporter_id is None:
        return []
    found = cases.scope(request.actor, OURS).filter(reporter=case.reporter_id).exclude(pk=case.pk)
    rows = found.select_related("topic", "zone").order_by("-id")[:SAME_PERSON]
    return [(c, REPORT.state(c.state)) for c in rows]


def _spent(case: cases.Case) -> dict[str, Any]:
    spent = case.works.aggregate(minutes=Sum("minutes"), cost=Sum("cost"))
    return {"minutes": spent["minutes"] or 0, "cost": costs.shown(spent["cost"] or 0)}


def number(typed: str | None) -> int | None:
    return int(typed) if typed and typed.isascii() and typed.isdigit() and len(typed) < 18 else None


def given_to(post: QueryDict) -> tuple[int | None, int | None]:
    """The team and the person that a form names, either None. Raises Refused for one that is not there."""
    team, who = number(post.get("team")), number(post.get("assignee"))
    there = (team is None or people.Team.objects.filter(pk=team).exists()) and (
        who is None or people.Account.objects.filter(pk=who, is_team=True, is_active=True).exists()
    )
    if not there:
        raise cases.Refused(_("This team or this person is there no more. Choose another one."))
    return team, who


def form_id(post: QueryDict) -> uuid.UUID | None:
    """The id that a form was made with, so that sending it twice does it once."""
    try:
        return uuid.UUID(post.get("client_id", ""))
    except ValueError:
        return None


def seen(request: Request, typed: Sequence[str]) -> list[int]:
    """The ids of the reports with these codes. Raises Refused when one is not there, or is not theirs to see."""
    wanted = {codes.read(code) for code in typed if code.strip()}
    found = dict(cases.scope(request.actor, OURS).filter(code__in=wanted).values_list("code", "pk"))
    if missing := wanted - found.keys():
        raise cases.Refused(
            _("No report has the code %(code)s. Check it letter by letter.") % {"code": ", ".join(sorted(missing))}
        )
    return list(found.values())


@staff("reports.read")
def desk_act(request: Request, code: str) -> HttpResponse:
    """One action on a report: do=move|assign|mine|reply|note|work|photo|merge|merge-into|split|correct."""
    case = find(request, code)
    if request.method != "POST":
        return redirect("desk-report", code=case.code)
    try:
        verb = _verbs(request, case).get(request.POST.get("do", ""))
        if verb is None:
            raise cases.Refused(_("There is no such action."))
        verb()
    except (cases.Refused, cases.BadPhoto) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    still = cases.scope(request.actor, OURS).filter(pk=case.pk).exists()  # it may belong to others now
    return redirect("desk-report", code=case.code) if still else redirect("desk-reports")


def _verbs(request: Request, case: cases.Case) -> dict[str, Callable[[], object]]:
    post, by, pk, once = request.POST, request.actor, case.pk, form_id(request.POST)
    words = post.get("words", "")
    return {
        "move": lambda: cases.move(
            pk, post.get("transition", ""), by=by, words=words, seen=post.get("seen") or None, client_id=once
        ),
        "assign": lambda: _assign(request, case),
        "mine": lambda: cases.assign(pk, by=by, team=case.team_id, assignee=by.account),
        "reply": lambda: cases.reply(pk, words, by=by, client_id=once),
        "note": lambda: cases.reply(pk, words, by=by, public=False, client_id=once),
        "work": lambda: _work(request, case),
        "photo": lambda: _photos(request, case),
        "merge": lambda: cases.merge(pk, seen(request, post.getlist("other")), by=by),
        "merge-into": lambda: _merge_into(request, case),
        "split": lambda: _split(request, case),
        "correct": lambda: _correct(request, case),
    }


def _assign(request: Request, case: cases.Case) -> None:
    team, who = given_to(request.POST)
    cases.assign(case.pk, by=request.actor, team=team, assignee=who)


def _work(request: Request, case: cases.Case) -> None:
    post = request.POST
    try:
        minutes, cost = int(post.get("minutes", "").strip() or 0), costs.read(post.get("cost", ""))
    except ValueError as error:
        raise cases.Refused(_("Write numbers: 45 minutes, 12500.")) from error
    cases.log_work(
        case.pk, by=request.actor, minutes=minutes, cost=cost, what=post.get("what", ""), client_id=form_id(post)
    )


def _photos(request: Request, case: cases.Case) -> None:
    moment = request.POST.get("moment", "")
    if moment not in (cases.Photo.Moment.BEFORE, cases.Photo.Moment.AFTER):
        raise cases.Refused(_("Say whether the photo shows it before or after the work."))
    files = [file for file in request.FILES.getlist("photos") if isinstance(file, UploadedFile)]
    if not files:
        raise cases.Refused(_("Choose a photo first."))
    for file in files:
        if (file.size or 0) > cases.MOST_BYTES:
            raise cases.Refused(
                _("This photo is too large (%(size)d MB at most).") % {"size": cases.MOST_BYTES // 10**6}
            )
        cases.add_photo(case.pk, file.read(), by=request.actor, moment=moment)


def _merge_into(request: Request, case: cases.Case) -> None:
    found = seen(request, [request.POST.get("into", "")])
    if not found:
        raise cases.Refused(_("Write the code of the report that this one is the same as."))
    cases.merge(found[0], [case.pk], by=request.actor)


def _split(request: Request, case: cases.Case) -> None:
    post, parts = request.POST, []
    for n in range(1, PARTS + 1):
        if not text.clean(post.get(f"text{n}", "")):
            continue
        chosen = topic(post.get(f"topic{n}", ""))
        if chosen is None:
            raise cases.Refused(_("Each part needs an open category and a few words."))
        photos = tuple(pk for pk in map(number, post.getlist(f"photo{n}")) if pk is not None)
        parts.append(cases.Part(chosen, post[f"text{n}"], photos))
    cases.split(case.pk, parts, by=request.actor, client_id=form_id(post) or uuid.uuid4())


def _correct(request: Request, case: cases.Case) -> None:
    post = request.POST
    typed = post.get("position", "").strip()
    point = territory.read_point(typed) if typed else None
    if typed and point is None:
        raise cases.Refused(_("This position cannot be read. Type it as 13.9423, -8.8488, or leave it empty."))
    cases.correct(
        case.pk,
        cases.Correction(
            topic=topic(post.get("topic", "")),
            point=point,
            zone=None if point else number(post.get("zone")),
            place=post.get("place"),
        ),
        by=request.actor,
        reroute=post.get("reroute") == "yes",
        client_id=form_id(post),
    )
