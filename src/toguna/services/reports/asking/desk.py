"""The back office of questions: the list, one question with ready answers beside it, articles, who answers what."""

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
from toguna.kernel import access, codes, text
from toguna.kernel.web import Request, staff
from toguna.services.reports.asking import actions
from toguna.services.reports.asking import articles as answers
from toguna.services.reports.asking.casetype import QUESTION
from toguna.services.reports.asking.forms import ArticleForm
from toguna.services.reports.asking.topics import question_topics
from toguna.services.reports.models import Article

TABS: dict[str, Any] = {
    "open": gettext_lazy("Open"), "mine": gettext_lazy("My teams"), "all": gettext_lazy("All"),
}  # fmt: skip
STEPS: dict[str, Any] = {
    "assigned": gettext_lazy("Given to"),
    "noted": gettext_lazy("Note"),
    "replied": gettext_lazy("Answer of the town"),
    "answered": gettext_lazy("Words of the person"),
    "hidden": gettext_lazy("Hidden from the public"),
    "shown": gettext_lazy("Shown to the public again"),
    "reworded": gettext_lazy("Words changed; before:"),
    "anonymised": gettext_lazy("Made anonymous"),
}


@staff("reports.read")
def questions(request: Request) -> HttpResponse:
    """Open ones first, the one that waits longest at the top. ?view=open|mine|all&topic="""
    found = cases.scope(request.actor, QUESTION.name)
    view = request.GET.get("view", "")
    view = view if view in TABS else "open"
    topics = question_topics(active=False)
    if (chosen := next((t for t in topics if t.slug == request.GET.get("topic")), None)) is not None:
        found = found.filter(topic=chosen)
    waiting = found.filter(open=True)
    counts = {"open": waiting.count(), "mine": waiting.filter(team__in=request.actor.teams).count(), "all": None}
    shown = {"open": waiting, "mine": waiting.filter(team__in=request.actor.teams), "all": found}[view]
    page = cases.page(shown, after=request.GET.get("after", ""), order="newest" if view == "all" else "due")
    now = timezone.now()
    values = {
        "rows": [(c, QUESTION.state(c.state), bool(c.open and c.due and c.due < now)) for c in page.rows],
        "after": page.after,
        "view": view,
        "tabs": [(name, title, counts[name]) for name, title in TABS.items()],
        "topics": topics,
        "chosen": chosen,
    }
    return render(request, "reports/asking/desk_list.html", values)


def _find(request: Request, code: str) -> cases.Case:
    """The question with this code, when the actor may read it; 404 otherwise, so that codes cannot be tried."""
    related = ("topic", "team", "assignee", "reporter")
    found = cases.Case.objects.select_related(*related)
    case = get_object_or_404(found, type=QUESTION.name, code=codes.read(code))
    if not cases.may_read(request.actor, case):
        raise Http404
    return case


@staff("reports.read")
def question(request: Request, code: str) -> HttpResponse:
    """One question. ?article=SLUG puts its words into the answer; ?reporter=show says who asked, and is recorded."""
    case = _find(request, code)
    actor = request.actor
    steps = list(cases.timeline(case, whole=True))
    names = dict(
        people.Account.objects.filter(pk__in={s.account for s in steps if s.account}).values_list("pk", "name")
    )
    history = [
        (
            s,
            QUESTION.state(s.to_state).title if s.to_state else STEPS.get(s.action, s.action),
            names.get(s.account or 0, ""),
        )
        for s in steps
    ]
    chosen = Article.objects.filter(slug=request.GET.get("article", "")).first()
    values = {
        "case": case,
        "state": QUESTION.state(case.state),
        "history": history,
        "possible": QUESTION.possible(case.state),
        "can_answer": access.can(actor, QUESTION.assign, zone=case.zone_id, subject=case.topic.slug),
        "can_set_up": access.can(actor, QUESTION.set_up, anywhere=True),
        "contacts": actions.contacts_of(case, by=actor) if request.GET.get("reporter") == "show" else None,
        "offers": answers.similar(case.text, without=case.pk),
        "all_articles": answers.all_active(),
        "words": text.pick(chosen.texts, case.language) if chosen else "",
        "teams": list(people.Team.objects.order_by("slug")),
        "client_id": uuid.uuid4(),
        "given": any(s.to_state == "answered" for s in steps),
    }
    return render(request, "reports/asking/desk_question.html", values)


@staff("reports.read")
def act(request: Request, code: str) -> HttpResponse:
    """do=move|note|assign|hide|show. The verbs say who may."""
    case = _find(request, code)
    if request.method != "POST":
        return redirect("desk-question", code=case.code)
    post, actor = request.POST, request.actor
    try:
        match post.get("do"):
            case "move":
                rule = QUESTION.transition(post.get("transition", ""))
                if rule is None or rule.reporter:
                    raise cases.Refused(_("There is no such action."))
                cases.move(
                    case.pk, rule.name, by=actor, words=post.get("words", ""), seen=post.get("seen"),
                    client_id=_uuid(post.get("client_id", "")),
                )  # fmt: skip
            case "note":
                cases.reply(
                    case.pk, post.get("words", ""), by=actor, public=False, client_id=_uuid(post.get("client_id", ""))
                )
            case "assign":
                team = post.get("team", "")
                known = (
                    people.Team.objects.filter(pk=int(team)).first() if team.isdecimal() and len(team) < 18 else None
                )
                cases.assign(case.pk, by=actor, team=known.pk if known else None)
            case "hide":
                cases.hide(case.pk, post.get("words", ""), by=actor)
            case "show":
                actions.show(case.pk, by=actor)
            case _:
                raise cases.Refused(_("There is no such action."))
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    return redirect("desk-question", code=case.code)


def _uuid(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return None


@staff("reports.set_up")
def teams(request: Request) -> HttpResponse:
    """Which team answers what."""
    topics = question_topics(active=False)
    known = {str(t.pk): t for t in people.Team.objects.order_by("slug")}
    if request.method == "POST":
        chosen = {t.pk: request.POST.get(f"team_{t.pk}", "") for t in topics}
        actions.give_topics(
            {pk: known[team].pk if team in known else None for pk, team in chosen.items()}, by=request.actor
        )
        messages.success(request, _("Saved. It holds for what comes from now on."))
        return redirect("desk-question-teams")
    rules = dict(cases.Rule.objects.filter(case_type=QUESTION.name).values_list("topic", "team"))
    values = {"rows": [(t, rules.get(t.pk)) for t in topics], "teams": known.values()}
    return render(request, "reports/asking/desk_teams.html", values)


@staff("reports.set_up")
def articles(request: Request) -> HttpResponse:
    return render(request, "reports/asking/desk_articles.html", {"rows": Article.objects.all()})


@staff("reports.set_up")
def article(request: Request, slug: str = "") -> HttpResponse:
    """One article, or a new one; ?from=CODE starts it with a question and the answer that it got."""
    row = get_object_or_404(Article, slug=slug) if slug else None
    start = row or Article()
    if row is None and (code := request.GET.get("from")):
        start = _made_of(_find(request, code))
    form = ArticleForm(request.POST or None, row=start)
    if request.method == "POST" and form.is_valid():
        try:
            saved = answers.save(row, **form.values(), by=request.actor)
        except cases.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Saved."))
            return redirect("desk-article", slug=saved.slug)
    values = {"form": form, "row": row}
    return render(request, "reports/asking/desk_article.html", values, status=422 if form.errors else 200)


def _made_of(case: cases.Case) -> Article:
    """A draft of an article: nothing in it says who asked, unless they wrote it themselves: whoever saves it reads it."""
    last = cases.timeline(case).filter(to_state="answered").exclude(text="").last()
    language = case.language or "fr"
    return Article(
        titles={language: " ".join(case.text.split())[:150]}, texts={language: last.text if last else ""}, active=False
    )
