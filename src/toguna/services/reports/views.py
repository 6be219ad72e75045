"""Pages of the service: for residents, for everyone, and for the teams. Thin: the rules are in the actions of `cases`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, limits
from toguna.kernel.web import Request, public
from toguna.services.reports import finding, intake
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.forms import ReportForm, SupportForm, WhereForm
from toguna.services.reports.topics import topic, topics

OURS = REPORT.name


@public
def choose(request: HttpRequest) -> HttpResponse:
    """First step: what is it? Pictograms with words."""
    return render(request, "reports/choose.html", {"topics": [t for t in topics() if t.active]})


@public
def new(request: Request, slug: str) -> HttpResponse:
    """Second step, the place (GET); third, the rest (POST). The same form received twice is one report.

    ?all=1 asks everything on one page: what a telephone keeps to be used without network.
    """
    chosen = topic(slug)
    if chosen is None or not (
        chosen.active or request.method == "POST"
    ):  # what was typed is not thrown away: see _details
        messages.error(request, _("This category is closed. Choose another one."))
        return redirect("report-choose")
    if any(chosen.stop.values()):
        return render(request, "reports/stop.html", {"topic": chosen})
    if request.method == "POST":
        return _sent(request, chosen)
    asked = request.GET.copy()
    if at := asked.get("at"):  # a link from the map
        asked["position"] = at
    placed = any(asked.get(name) for name in ("place", "position", "district", "chosen"))
    where = WhereForm(asked if placed else None)
    if placed and where.is_valid() and where.where and not territory.place(*where.where).inside:
        where.add_error("place", str(cases.Outside()))
    if "all" not in request.GET and not (placed and where.is_valid()):
        page = render(request, "reports/where.html", {"form": where, "topic": chosen}, status=422 if placed else 200)
        return people.remember_device(request, page)
    found = {name: asked[name] for name in ("place", "district", "position") if asked.get(name)}
    if where.where:
        found["position"] = f"{where.where[1]:.6f}, {where.where[0]:.6f}"
    form = ReportForm(initial=found, topic=chosen)
    return people.remember_device(request, _details(request, form, where if placed else None))


def _sent(request: Request, chosen: cases.Topic) -> HttpResponse:
    form = ReportForm(request.POST, request.FILES, topic=chosen)
    if form.is_valid():
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
            answers=form.answers,
            asset=values["asset"],
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
    return people.remember_device(request, _details(request, form, form, status=422))


def _details(request: Request, form: ReportForm, where: WhereForm | None, status: int = 200) -> HttpResponse:
    """The last step: with the place in words once it is known, what was reported near it already, and the things among
    which to choose the very one."""
    values: dict[str, Any] = {"form": form, "topic": form.topic, "settled": where is not None and where.settled}
    if not form.topic.active:  # closed while they were writing: one press sends it all under another one
        values["others"] = [t for t in topics() if t.active and not any(t.stop.values())]
    if where is not None and where.settled:
        district = where.cleaned_data["district"]
        if where.where:
            values["place"] = territory.reverse(*where.where)
            values["near"] = cases.near(form.topic, *where.where)
            if form.topic.layer:
                values["assets"] = territory.nearest(form.topic.layer, *where.where)
        elif district and (zone := territory.zone(district)) is not None:
            values["place"] = zone.name
    return render(request, "reports/new.html", values, status=status)


@public
def me_too(request: Request, code: str) -> HttpResponse:
    """Somebody has the same problem: counted once, told what happens when they leave a contact."""
    case = get_object_or_404(cases.Case, type=OURS, code=codes.read(code), public=True)
    if request.method != "POST":
        return redirect("report", code=case.code)
    form = SupportForm(request.POST)
    try:
        if not form.is_valid():
            raise cases.Refused(" ".join(str(words) for errors in form.errors.values() for words in errors))
        kind, address = form.cleaned_data["contact"] or ("", "")
        followed, counted = intake.support(
            case, request=request, phone=address if kind == "phone" else "", email=address if kind == "email" else ""
        )
    except (cases.Refused, limits.TooMany) as error:
        messages.error(request, str(error))
        return people.remember_device(request, redirect("report", code=case.code))
    if counted:
        messages.success(request, _("Thank you: you are counted with those who have this problem."))
    else:
        messages.info(request, _("You are counted already."))
    return people.remember_device(request, redirect("report", code=followed.code))


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
        kind = cases.Case.objects.filter(code=code).values_list("type", flat=True).first()
        if kind is not None:  # a report, a question...: each has its page
            return redirect(cases.case_type(kind).public_url, code=code)
        messages.error(request, _("No report has the code %(code)s. Check it letter by letter.") % {"code": typed})
    return render(request, "reports/follow.html", {"typed": typed})


@public
def report(request: HttpRequest, code: str) -> HttpResponse:
    """The public page: what, where, its state and what was done. Never who reported it."""
    case = get_object_or_404(
        cases.Case.objects.select_related("topic", "zone", "team", "merged_into", "asset"),
        type=OURS,
        code=codes.read(code),
    )
    photos = case.photos.filter(state=cases.Photo.State.READY, public=True).order_by("id") if case.public else []
    key = _key(request.GET, case)
    values = {
        "case": case,
        "state": REPORT.state(case.state),
        "steps": [(s, REPORT.state(s.to_state) if s.to_state else None) for s in cases.timeline(case)],
        "photos": [p for p in photos if p.moment == cases.Photo.Moment.REPORT],
        "moments": [
            (title, [p for p in photos if p.moment == moment])
            for moment, title in (("before", _("Before the work")), ("after", _("After the work")))
        ],
        "key": key,
        "answers": REPORT.possible(case.state, reporter=True) if key and _may_answer(case) else [],
        "stars": range(1, 6),
        "push": channels.push_offer(case.reporter_id) if key and case.reporter_id else None,
        "support": SupportForm() if case.open and case.public and not key else None,
        # What people typed themselves may name somebody; what they chose from a list does not.
        "facts": cases.shown_answers(*_choices_only(case)) if case.public else [],
        # Who holds the code of a private report follows its state; its words and place are not for everyone.
        "open_to_all": case.public,
    }
    page = render(request, "reports/report.html", values)
    return people.remember_device(request, page) if values["support"] else page


def _choices_only(case: cases.Case) -> tuple[list[Any], dict[str, Any]]:
    rows = [row for row in case.topic.questions if row["kind"] not in ("string", "text")]
    return rows, {row["name"]: case.answers[row["name"]] for row in rows if row["name"] in case.answers}


def _may_answer(case: cases.Case) -> bool:
    """While it is open; once closed, for as long as its category says: later it is a new report."""
    return case.closed is None or timezone.now() - case.closed < timedelta(days=case.topic.reopen_days)


@public
def answer(request: Request, code: str) -> HttpResponse:
    """The person who reported says whether it is solved; "no" opens it again. Nobody else can.

    do=TRANSITION, or do=words (words to the team), or do=rate with stars=1 to 5."""
    case = get_object_or_404(cases.Case.objects.select_related("topic"), type=OURS, code=codes.read(code))
    key = _key(request.POST, case)
    if request.method != "POST" or not key:
        return redirect("report", code=case.code)
    wanted, words = request.POST.get("transition", ""), request.POST.get("words", "")
    try:
        if not _may_answer(case):
            raise cases.Refused(_("It is too long ago. Report it again, please."))
        match wanted:
            case "words":
                cases.answer(case.pk, words, by=request.actor, key=key)
            case "rate":
                stars = request.POST.get("stars", "")
                cases.rate(case.pk, int(stars) if stars in {"1", "2", "3", "4", "5"} else 0, by=request.actor, key=key)
            case _:
                if wanted not in {t.name for t in REPORT.possible(case.state, reporter=True)}:
                    raise cases.Refused(_("There is no such action."))
                cases.move(case.pk, wanted, by=request.actor, words=words, key=key)
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Thank you: the team reads your answer."))
    return redirect(f"{reverse('report', args=[case.code])}?key={key}")


@public
def reports(request: HttpRequest) -> HttpResponse:
    """All public reports, the newest first."""
    found = finding.public(request.GET.dict())
    page = cases.page(found, after=request.GET.get("after", ""))
    rows = [(case, REPORT.state(case.state)) for case in page.rows]
    return render(
        request,
        "reports/list.html",
        {
            "rows": rows,
            "after": page.after,
            "points": finding.points(rows),
            "feed": _feed(request),
            **finding.choices(),
        },
    )


def _feed(request: HttpRequest) -> str:
    """The same list for feed readers, in the language of the page."""
    asked = {name: request.GET[name] for name in ("topic", "zone", "state") if request.GET.get(name)}
    return f"{reverse('reports-feed')}?{urlencode({**asked, 'lang': (get_language() or '').split('-')[0]})}"


def lately() -> dict[str, Any]:
    """For the home page: what was solved lately, and how many wait."""
    solved = (
        cases.Case.objects.filter(type=OURS, open=False, public=True, state="solved")
        .select_related("topic", "zone")
        .order_by("-closed")
    )
    return {"rows": list(solved[:4])}
