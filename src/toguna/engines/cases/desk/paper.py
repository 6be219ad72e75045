"""The file of a case on paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.cases.models import Case
from toguna.engines.cases.workflow import State
from toguna.kernel import paper, text


def case_file(
    case: Case,
    state: State,
    answers: Sequence[tuple[str, str]],
    history: Sequence[tuple[Any, Any, str]],
    opinions: Sequence[tuple[str, str, str]],
) -> bytes:
    """A PDF: facts, answers, opinions, the whole history."""

    def day(moment: Any, style: str = "SHORT_DATETIME_FORMAT") -> str:
        return date_format(timezone.localtime(moment), style)

    facts = [(_("State"), str(state.title)), (_("Received"), day(case.created))]
    if case.due:
        facts.append((_("Due"), day(case.due, "SHORT_DATE_FORMAT")))
    if case.team:
        facts.append((_("Team"), text.pick(case.team.names)))
    about = {
        "title": text.pick(case.topic.names), "code": case.code, "words": case.text, "facts": facts, "answers": answers,
        "opinions": opinions, "headings": [_("Answers"), _("Opinions"), _("History")],
        "history": [(day(s.at), str(title), who, s.text) for s, title, who in history],
    }  # fmt: skip
    return paper.drawn(Path(__file__).parent / "case.typ", about)
