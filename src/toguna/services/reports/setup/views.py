"""Setting up: categories, who gets what, words that are used often. Thin: the rules are in `cases`' setup."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.kernel import text
from toguna.kernel.web import Request, staff
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.forms import ReportForm
from toguna.services.reports.setup import rows as question_rows
from toguna.services.reports.setup.forms import WEEKDAYS, RuleForm, TemplateForm, TopicForm, TrialForm
from toguna.services.reports.topics import forget, topics

KINDS: dict[str, Any] = {
    "string": gettext_lazy("A few words"),
    "text": gettext_lazy("A longer text"),
    "number": gettext_lazy("A number"),
    "datetime": gettext_lazy("A day"),
    "boolean": gettext_lazy("Yes or no"),
    "singlevaluelist": gettext_lazy("One of several choices"),
    "multivaluelist": gettext_lazy("Several of several choices"),
}


def _topic(slug: str) -> cases.Topic:
    """As the database has it now: what is changed must be what is there."""
    return get_object_or_404(cases.Topic, case_type=REPORT.name, slug=slug)


@staff("reports.set_up")
def categories(request: Request) -> HttpResponse:
    """All of them in order, what is open in each, and those that nobody gets."""
    if request.method == "POST":
        chosen = _topic(request.POST.get("topic", ""))
        try:
            match request.POST.get("do"):
                case "up" | "down" as way:
                    cases.reorder(REPORT, chosen, up=way == "up", by=request.actor)
                case "open":
                    cases.open_topic(REPORT, chosen, by=request.actor)
                    messages.success(request, _("It can be chosen from now on."))
        finally:
            forget()
        return redirect("desk-setup")
    counts = dict(
        cases.Case.objects.filter(type=REPORT.name, open=True)
        .order_by()
        .values_list("topic")
        .annotate(waiting=Count("id"))
    )
    shown = [(t, counts.get(t.pk, 0)) for t in _fresh()]
    values = {"rows": shown, "nobody": cases.without_team(REPORT), "names": {t.pk: t.names for t, _n in shown}}
    return render(request, "reports/setup/categories.html", values)


def _fresh() -> list[cases.Topic]:
    forget()
    return list(topics())


@staff("reports.set_up")
def category(request: Request, slug: str = "") -> HttpResponse:
    """One category, or a new one."""
    row = _topic(slug) if slug else None
    form = TopicForm(request.POST or None, topic=row)
    if request.method == "POST" and form.is_valid():
        try:
            saved = cases.save_topic(REPORT, row, form.values(), by=request.actor)
        except cases.Refused as error:
            form.add_error(None, str(error))
        else:
            forget()
            if row is None:
                messages.success(request, _("It is made, and closed: look at it as a resident would, then open it."))
            else:
                messages.success(request, _("Saved."))
            return redirect("desk-category", slug=saved.slug)
    values = {"form": form, "topic": row}
    return render(request, "reports/setup/category.html", values, status=422 if form.errors else 200)


@staff("reports.set_up")
def questions(request: Request, slug: str) -> HttpResponse:
    """The extra questions: every button sends all rows; only "Save" keeps them."""
    row = _topic(slug)
    rows: list[question_rows.Row] = [dict(question) for question in row.questions]
    if request.method == "POST":
        rows = question_rows.read(request.POST)
        button = request.POST.get("do", "save")
        if button != "save":
            rows = question_rows.press(rows, button)
        else:
            try:
                cases.save_questions(REPORT, row, question_rows.finished(rows), by=request.actor)
            except cases.Refused as error:
                messages.error(request, str(error))
            else:
                forget()
                messages.success(request, _("Saved."))
                return redirect("desk-category-questions", slug=slug)
    values = {
        "topic": row, "rows": question_rows.shown(rows), "kinds": KINDS, "full": len(rows) >= cases.MOST_QUESTIONS,
    }  # fmt: skip
    return render(request, "reports/setup/questions.html", values)


@staff("reports.set_up")
def preview(request: Request, slug: str) -> HttpResponse:
    """What a resident is asked, also while the category is closed. Nothing can be sent from here."""
    row = _topic(slug)
    return render(request, "reports/setup/preview.html", {"topic": row, "form": ReportForm(topic=row)})


@staff("reports.set_up")
def close(request: Request, slug: str) -> HttpResponse:
    """Asks first what becomes of what is open in it."""
    row = _topic(slug)
    if request.method == "POST":
        into = None
        try:
            match request.POST.get("then"):
                case "stay":
                    pass
                case "move":
                    into = next((t for t in _fresh() if t.slug == request.POST.get("into")), None)
                    if into is None:
                        raise cases.Refused(_("Choose a category that is open."))
                case _:
                    raise cases.Refused(_("Choose what becomes of the open reports."))
            went = cases.close_topic(REPORT, row, into=into, by=request.actor)
        except cases.Refused as error:
            messages.error(request, str(error))
        else:
            forget()
            said = (
                _("Closed. Reports that went to “%(into)s”: %(count)d.")
                % {"count": went, "into": text.pick(into.names)}
                if into
                else _("Closed.")
            )
            messages.success(request, said)
            return redirect("desk-setup")
    waiting = cases.Case.objects.filter(type=REPORT.name, topic=row, open=True).count()
    others = [t for t in _fresh() if t.active and t.pk != row.pk and not any(t.stop.values())]
    return render(request, "reports/setup/close.html", {"topic": row, "waiting": waiting, "others": others})


@staff("reports.set_up")
def rules(request: Request, pk: int | None = None) -> HttpResponse:
    """Who gets what, as a table; adding, changing, removing a rule; and trying them."""
    changed = (
        get_object_or_404(cases.Rule.objects.select_related("topic"), pk=pk, case_type=REPORT.name) if pk else None
    )
    form = RuleForm(request.POST or None, rule=changed)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "remove" and changed is not None:
                cases.remove_rule(REPORT, changed, by=request.actor)
                messages.success(request, _("Removed. What it gave to a team stays there."))
                return redirect("desk-rules")
            if form.is_valid():
                cases.save_rule(REPORT, changed, form.wanted(), by=request.actor)
                messages.success(request, _("Saved. It holds for what comes from now on."))
                return redirect("desk-rules")
        except cases.Refused as error:
            form.add_error(None, str(error))
    known = {
        r.pk: r
        for r in cases.Rule.objects.filter(case_type=REPORT.name)
        .select_related("topic", "zone", "team")
        .order_by("topic__order", "topic__slug", "zone__name", "id")
    }
    trial, tried = TrialForm(request.GET if "topic" in request.GET else None), None
    if trial.is_bound and trial.is_valid():
        at = timezone.localtime(trial.cleaned_data["at"] or timezone.now())
        found = cases.who_would_get(REPORT, trial.chosen(), trial.zones, at)
        tried = {
            "at": at,
            "won": known.get(found.won.id) if found.won else None,
            "others": [known[rule.id] for rule in found.others if rule.id in known],
        }
    values = {
        "rules": [(r, days(r.weekdays)) for r in known.values()],
        "changed": changed,
        "form": form,
        "trial": trial,
        "tried": tried,
        "nobody": cases.without_team(REPORT),
    }
    return render(request, "reports/setup/rules.html", values, status=422 if form.errors else 200)


def days(numbers: list[int]) -> str:
    """[1, 2, 5] -> "Monday, Tuesday, Friday"; "" for every day."""
    return ", ".join(str(WEEKDAYS[n]) for n in numbers if n in WEEKDAYS)


@staff("reports.set_up")
def templates(request: Request, pk: int | None = None) -> HttpResponse:
    """Words that are used often, and a form that makes or changes one."""
    found = cases.ReplyTemplate.objects.filter(case_type=REPORT.name).select_related("topic")
    changed = get_object_or_404(found, pk=pk) if pk else None
    form = TemplateForm(request.POST or None, row=changed)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "remove" and changed is not None:
                cases.remove_template(REPORT, changed, by=request.actor)
                messages.success(request, _("The ready answer is removed."))
                return redirect("desk-templates")
            if form.is_valid():
                cases.save_template(REPORT, changed, **form.values(), by=request.actor)
                messages.success(request, _("Saved."))
                return redirect("desk-templates")
        except cases.Refused as error:
            form.add_error(None, str(error))
    rows = [(row, REPORT.transition(row.transition)) for row in found]
    values = {"rows": rows, "changed": changed, "form": form}
    return render(request, "reports/setup/templates.html", values, status=422 if form.errors else 200)
