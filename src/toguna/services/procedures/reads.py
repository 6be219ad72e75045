"""A request as it is shown: to the clerk who decides, to whoever asked."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language

from toguna.engines.cases import api as cases
from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.kernel import access
from toguna.services.procedures import requesting
from toguna.services.procedures.casetype import HANDLE
from toguna.services.procedures.models import Request

FOUND = 10


def answers(case: cases.Case) -> list[forms.Shown]:
    """What was answered, in the reader's language; nothing when it was erased."""
    filling = forms.Filling.objects.filter(pk=case.request.filling).first()
    if filling is None:
        return []
    return forms.shown(forms.definition_of(filling.version_id), filling.values, get_language() or "fr")


def rows(case: cases.Case) -> Sequence[tuple[str, str]]:
    """(question, answer) for the back office; a file is a link that checks who opens it."""
    found = []
    for one in answers(case):
        question = f"{one.title} – {one.question}" if one.title else one.question
        said = one.words
        if one.file:
            said = format_html('<a href="{}">{}</a>', reverse("document", args=[one.file]), one.words)
        found.append((question, said))
    return found


def pieces(case: cases.Case) -> Sequence[tuple[str, str]]:
    """All that the applicant can be asked to complete: the questions of the form, outside lists of rows."""
    filling = forms.Filling.objects.filter(pk=case.request.filling).first()
    if filling is None:
        return ()
    form, language = forms.definition_of(filling.version_id), get_language() or "fr"
    return [(key, title) for key, title in forms.questions(form, language)]


def aside(case: cases.Case, request: HttpRequest) -> str:
    """Beside the request, in the back office: its papers, its files, and the entry that a copy is made of."""
    ours, actor = case.request, request.actor  # type: ignore[attr-defined]
    may_handle = access.can(actor, HANDLE, zone=case.zone_id, subject=case.topic.slug)
    wants_entry = ours.procedure.register == "copy" and case.open
    typed = request.GET.get("entry", "")[:100] or str(case.answers.get("record.name", ""))
    chosen = documents.Entry.objects.select_related("register").filter(pk=ours.entry or 0).first()
    values = {
        "case": case, "ours": ours, "papers": requesting.papers(case), "may_handle": may_handle,
        "files": documents.files_of(("cases.case", case.pk)), "csrf": get_token(request), "typed": typed,
        "wants_entry": wants_entry and may_handle, "chosen": chosen,
        "entries": documents.find_entries(typed, most=FOUND) if wants_entry and may_handle and typed else [],
        "may_confirm": may_handle and case.open and ours.procedure.register not in ("", "copy") and not ours.another,
    }  # fmt: skip
    return render_to_string("procedures/desk_aside.html", values, request)


def of(case: cases.Case) -> Request:
    return case.request
