"""The only door of `forms`."""

from __future__ import annotations

from toguna.engines.forms.actions import (
    Conflict,
    Invalid,
    Refused,
    complete,
    evaluated,
    keep_file,
    open_filling,
    problems,
    publish,
    renew,
    reopen,
    save,
    save_draft_form,
)
from toguna.engines.forms.definition import Choice, Definition, Item
from toguna.engines.forms.events import FormCompleted, FormPublished
from toguna.engines.forms.models import Filling, Form, FormVersion
from toguna.engines.forms.reads import definition_of, forms, may
from toguna.engines.forms.showing import Shown, questions, said, shown
from toguna.engines.forms.talk import Talk, open_by_phone
from toguna.engines.forms.talk import command as phone_command
from toguna.engines.forms.uses import ASSIST, COLLECT, DESIGN, FormUse
from toguna.engines.forms.values import Filled, Wrong, check, clean, evaluate
from toguna.engines.forms.web.carrying import carry
from toguna.engines.forms.web.pages import counter_view, step_view

__all__ = [
    "ASSIST", "COLLECT", "DESIGN", "Choice", "Conflict", "Definition", "Filled", "Filling", "Form", "FormCompleted",
    "FormPublished", "FormUse", "FormVersion", "Invalid", "Item", "Refused", "Shown", "Talk", "Wrong", "carry", "check", "clean", "complete",
    "counter_view",    "definition_of", "evaluate", "evaluated", "forms", "keep_file", "may", "open_by_phone", "open_filling", "phone_command", "problems", "publish", "questions", "renew",
    "reopen", "said", "save", "save_draft_form", "shown", "step_view",
]  # fmt: skip
