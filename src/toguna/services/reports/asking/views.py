"""Asking the town: the answers that are there first, then the question. Thin: the rules are in the actions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import codes
from toguna.kernel.web import Request, public
from toguna.services.reports.asking import actions, articles
from toguna.services.reports.asking.casetype import QUESTION
from toguna.services.reports.asking.forms import QuestionForm, WordsOnlyForm
from toguna.services.reports.asking.topics import question_topics
from toguna.services.reports.models import Article


@public
def ask(request: Request) -> HttpResponse:
    """First the words (do=look), then the answers that are there and the rest of the form (do=send).

    By POST only: what people ask stays out of addresses. The same form received twice is one question."""
    if request.method != "POST":
        return people.remember_device(request, render(request, "reports/asking/ask.html", {"form": WordsOnlyForm()}))
    if request.POST.get("do") != "send":
        first = WordsOnlyForm(request.POST)
        if not first.is_valid():
            return render(request, "reports/asking/ask.html", {"form": first}, status=422)
        form = QuestionForm(initial={"text": first.cleaned_data["text"], "topic": _general()}, topics=question_topics())
        offers = articles.similar(first.cleaned_data["text"])
        return people.remember_device(
            request, render(request, "reports/asking/send.html", {"form": form, "offers": offers})
        )
    form = QuestionForm(request.POST, topics=question_topics())
    if form.is_valid():
        given = form.cleaned_data
        kind, address = given["contact"] or ("", "")
        asked = cases.Asked(
            type=QUESTION.name, topic=given["topic"], text=given["text"], client_id=given["client_id"], name=given["name"],
            language=(get_language() or "").split("-")[0],
            phone=address if kind == "phone" else "", email=address if kind == "email" else "",
        )  # fmt: skip
        try:
            case, _made = actions.ask(asked, open_to_all=given["open_to_all"], request=request)
        except cases.Refused as error:
            form.add_error(None, str(error))
        else:
            return redirect(f"{reverse('question-thanks', args=[case.code])}?key={cases.key_of(case)}")
    return people.remember_device(request, render(request, "reports/asking/send.html", {"form": form}, status=422))


def _general() -> str:
    """Chosen when nothing else is: the last one, which is for everything."""
    found = question_topics()
    return found[-1].slug if found else ""


@public
def thanks(request: HttpRequest, code: str) -> HttpResponse:
    case = _find(code)
    return render(request, "reports/asking/thanks.html", {"case": case, "key": _key(request.GET.get("key", ""), case)})


def _find(code: str) -> cases.Case:
    found = cases.Case.objects.select_related("topic", "merged_into")
    return get_object_or_404(found, type=QUESTION.name, code=codes.read(code))


def _key(given: str, case: cases.Case) -> str:
    return given if cases.holds_key(case, given) else ""


@public
def question(request: HttpRequest, code: str) -> HttpResponse:
    """The page of one question. Its words: to whoever asked (by the key of their link), and to all if they agreed. Its
    state and the town's answer: to whoever holds the code, who may have no other way to read it."""
    case = _find(code)
    key = _key(request.GET.get("key", ""), case)
    values: dict[str, Any] = {
        "case": case,
        "state": QUESTION.state(case.state),
        "whole": case.public or bool(key),
        "steps": [(s, QUESTION.state(s.to_state) if s.to_state else None) for s in cases.timeline(case)],
        "key": key,
        "answers": QUESTION.possible(case.state, reporter=True) if key and _may_answer(case) else [],
        "may_write": bool(key) and case.open,
    }
    return render(request, "reports/asking/question.html", values)


def _may_answer(case: cases.Case) -> bool:
    return case.closed is None or timezone.now() - case.closed < timedelta(days=case.topic.reopen_days)


@public
def answer(request: Request, code: str) -> HttpResponse:
    """Whoever asked says whether it is answered, or adds words (transition=words). Nobody else can."""
    case = _find(code)
    key = _key(request.POST.get("key", ""), case)
    if request.method != "POST" or not key:
        return redirect("question", code=case.code)
    wanted, words = request.POST.get("transition", ""), request.POST.get("words", "")
    try:
        if not _may_answer(case):
            raise cases.Refused(_("It is too long ago. Ask again, please."))
        if wanted == "words":
            cases.answer(case.pk, words, by=request.actor, key=key)
        elif wanted in {t.name for t in QUESTION.possible(case.state, reporter=True)}:
            cases.move(case.pk, wanted, by=request.actor, words=words, key=key)
        else:
            raise cases.Refused(_("There is no such action."))
    except cases.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Thank you: the team reads your answer."))
    return redirect(f"{reverse('question', args=[case.code])}?key={key}")


@public
def answers(request: HttpRequest) -> HttpResponse:
    """All articles; ?q= those about some words."""
    query = request.GET.get("q", "")[:200]
    found = (
        [o.article for o in articles.similar(query, questions=False) if o.article] if query else articles.all_active()
    )
    return render(request, "reports/asking/answers.html", {"rows": found, "query": query})


@public
def article(request: HttpRequest, slug: str) -> HttpResponse:
    row = get_object_or_404(Article, slug=slug, active=True)
    return people.remember_device(request, render(request, "reports/asking/article.html", {"row": row}))


@public
def helped(request: HttpRequest, slug: str) -> HttpResponse:
    """ "This answered me": the question need not be asked any more."""
    row = get_object_or_404(Article, slug=slug, active=True)
    if request.method == "POST":
        articles.helped(row, people.device_of(request))
        messages.success(request, _("Good. You need not send your question."))
    return redirect("article", slug=slug)
