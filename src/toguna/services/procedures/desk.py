"""The back office of the catalogue: what is told of a procedure, its form, its steps, its paper."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.kernel import access, text
from toguna.kernel.web import Request, staff
from toguna.services.procedures import actions, deciding, ready, requesting, writing
from toguna.services.procedures.forms import ProcedureForm
from toguna.services.procedures.life import EVENTS
from toguna.services.procedures.models import Procedure

MOST_DAYS = 1000


@staff(actions.SET_UP)
def procedures(request: Request) -> HttpResponse:
    titles = {event.name: event.title for event in EVENTS}
    online = set(forms.forms(service=requesting.SERVICE).values_list("slug", flat=True))
    rows = [(row, titles.get(row.event, ""), row.form in online) for row in Procedure.objects.all()]
    return render(request, "procedures/desk_list.html", {"rows": rows})


@staff(actions.SET_UP)
def procedure(request: Request, slug: str = "") -> HttpResponse:
    """One procedure, or a new one."""
    row = get_object_or_404(Procedure, slug=slug) if slug else None
    form = ProcedureForm(request.POST or None, procedure=row)
    if request.method == "POST" and form.is_valid():
        try:
            kept = actions.save(row, form.told(), by=request.actor)
        except ValidationError as error:
            form.add_error(None, error)
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Done."))
            return redirect("desk-procedure", kept.slug)
    status = 422 if request.method == "POST" else 200
    may_issue = bool(row and row.paper) and access.can(request.actor, documents.ISSUE, anywhere=True)
    values = {"row": row, "form": form, "may_issue": may_issue, "parts": _parts(row) if row else []}
    return render(request, "procedures/desk_procedure.html", values, status=status)


def _parts(row: Procedure) -> list[tuple[str, Any, str, bool]]:
    """(page, what, how it stands, whether it is ready) of the three things beside what is told."""
    form = requesting.online(row)
    pattern = deciding.pattern_of(row)
    paper = documents.find_template(row.paper) if row.paper else None
    register = _("An entry of the register, and its copy") if row.register else _("No paper")
    return [
        (
            "desk-procedure-form",
            _("The form"),
            text.pick(form.titles) if form else _("None: at the counter only"),
            bool(form),
        ),
        (
            "desk-procedure-steps",
            _("The steps"),
            text.pick(ready.workflows()[row.pattern]["titles"]) if pattern and row.pattern else _("Granted or refused"),
            bool(pattern),
        ),
        (
            "desk-procedure-paper",
            _("The paper"),
            text.pick(paper.title) if paper else register,
            bool(paper or row.register),
        ),
    ]


@staff(actions.SET_UP)
def form(request: Request, slug: str) -> HttpResponse:
    """By which form it is asked for: one of those there are, or a new one, begun with who asks."""
    row = get_object_or_404(Procedure, slug=slug)
    if request.method == "POST":
        wanted = request.POST.get("form", "")[:64]
        try:
            if request.POST.get("do") == "new":
                wanted = _new_form(row, request)
            actions.set_form(row, wanted, by=request.actor)
        except (actions.Refused, forms.Refused) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Done."))
            return (
                redirect("desk-form-build", wanted)
                if request.POST.get("do") == "new"
                else redirect("desk-procedure", slug)
            )
    known = forms.Form.objects.filter(service=requesting.SERVICE).order_by("slug").only("slug", "titles", "current")
    values = {"row": row, "forms": [(one.slug, text.pick(one.titles), one.current_id is not None) for one in known]}
    return render(request, "procedures/desk_form.html", values)


def _new_form(row: Procedure, request: Request) -> str:
    """A form of this procedure's name, with the questions about who asks, which every procedure has."""
    slug = row.slug
    if not forms.Form.objects.filter(slug=slug).exists():
        definition = {**ready.forms()["residence"], "name": slug, "titles": row.names}
        first = definition["items"][0]
        used = {item["list"] for item in first["items"] if "list" in item}
        definition |= {
            "items": [first], "choices": {name: rows for name, rows in definition["choices"].items() if name in used},
        }  # fmt: skip
        forms.save_draft_form(slug, definition, by=request.actor, service=requesting.SERVICE)
    return slug


@staff(actions.SET_UP)
def steps(request: Request, slug: str) -> HttpResponse:
    """How its requests are decided: a pattern, its days, the services asked; the whole as data for who knows it."""
    row = get_object_or_404(Procedure, slug=slug)
    problems: list[str] = []
    typed = ""
    if request.method == "POST":
        pattern = request.POST.get("pattern", row.pattern)[:40]
        try:
            wanted = None
            if request.POST.get("do") == "data":
                typed = request.POST.get("data", "")
                wanted = json.loads(typed)
                if not isinstance(wanted, dict) or not isinstance(wanted.get("transitions"), list):
                    raise actions.Refused(_("This is not a workflow: it has no transitions."))
            elif request.POST.get("do") == "days":
                wanted = _with_days(row, request.POST)
            actions.set_steps(row, pattern, wanted, by=request.actor)
        except json.JSONDecodeError as error:
            problems = [_("Line %(line)d is not understood: %(why)s") % {"line": error.lineno, "why": error.msg}]
        except actions.Refused as error:
            problems = [str(error)]
        else:
            messages.success(request, _("Done. Requests under way go on as they were begun."))
            return redirect("desk-procedure-steps", slug)
    pattern_ = deciding.pattern_of(row)
    definition = deciding.made(row)
    drawn = cases.draw(definition, "procedures") if definition else ""
    values = {
        "row": row, "problems": problems, "typed": typed or json.dumps(pattern_, ensure_ascii=False, indent=1),
        "patterns": [(name, text.pick(one["titles"])) for name, one in ready.workflows().items()],
        "svg": mark_safe(drawn),  # noqa: S308 - every word in it is escaped where it is drawn
        "states": [(s["name"], text.pick(s["title"]), s.get("days"), (s.get("silence") or {}).get("days")) for s in (pattern_ or {}).get("states", ())],
        "asked": [
            (f"{t['name']}:{one['team']}", one["team"], one["days"])
            for t in (pattern_ or {}).get("transitions", ())
            for one in (t.get("opinions") or {}).get("of", ())
        ],
    }  # fmt: skip
    return render(request, "procedures/desk_steps.html", values, status=422 if problems else 200)


def _number(typed: str) -> int | None:
    return min(int(typed), MOST_DAYS) if typed.isdecimal() and len(typed) < 6 else None


def _with_days(row: Procedure, post: Any) -> dict[str, Any]:
    """The pattern with the days that were written beside its states."""
    wanted: dict[str, Any] = deepcopy(dict(deciding.pattern_of(row) or {}))
    for state in wanted.get("states", ()):
        days = _number(post.get(f"days-{state['name']}", ""))
        state.pop("days", None)
        if days:
            state["days"] = days
        if state.get("silence") and (silent := _number(post.get(f"silence-{state['name']}", ""))):
            state["silence"]["days"] = silent
    for transition in wanted.get("transitions", ()):
        for one in (transition.get("opinions") or {}).get("of", ()):
            one["days"] = _number(post.get(f"team-{transition['name']}:{one['team']}", "")) or one["days"]
    return wanted


@staff(actions.SET_UP)
def paper(request: Request, slug: str) -> HttpResponse:
    """Which paper it gives, and from which answers each of its facts is written."""
    row = get_object_or_404(Procedure, slug=slug)
    if request.method == "POST":
        wanted = request.POST.get("paper", row.paper)[:40]
        facts = {name[5:]: str(said).strip() for name, said in request.POST.items() if name.startswith("fact-")}
        try:
            actions.set_paper(row, wanted, facts if wanted == row.paper else row.facts, by=request.actor)
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Done."))
            return redirect("desk-procedure-paper", slug)
    template = documents.find_template(row.paper) if row.paper else None
    asked = forms.Form.objects.filter(slug=row.form).select_related("current").first() if row.form else None
    definition = forms.definition_of(asked.current_id) if asked and asked.current_id else None
    language = get_language() or "fr"
    questions = forms.questions(definition, language) if definition else []
    by_name = {key.rpartition(".")[2]: key for key, _words in questions}
    fields = []
    for field in template.fields if template else ():
        name = field["name"]
        itself = "{" + by_name[name] + "}" if name in by_name else ""
        fields.append((name, text.pick(field["label"]) or name, row.facts.get(name, ""), itself, field["needed"]))
    values = {
        "row": row, "templates": [(one.name, text.pick(one.title)) for one in documents.templates()],
        "fields": fields, "questions": questions, "unknown": writing.unknown(row, definition) if definition else [],
    }  # fmt: skip
    return render(request, "procedures/desk_paper.html", values)
