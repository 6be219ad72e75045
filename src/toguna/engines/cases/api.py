"""The door of `cases`."""

from __future__ import annotations

from toguna.engines.cases.actions import (
    Asked,
    Conflict,
    Outside,
    Refused,
    add_photo,
    assign,
    holds_key,
    key_of,
    move,
    open_case,
    reply,
)
from toguna.engines.cases.events import CaseAssigned, CaseMoved, CaseOpened, CaseReplied
from toguna.engines.cases.models import Case, Photo, Rule, Step, Topic
from toguna.engines.cases.photos import MOST_BYTES, BadPhoto
from toguna.engines.cases.photos import check as check_photo
from toguna.engines.cases.photos import folder as photo_folder
from toguna.engines.cases.reads import PAGE, Page, may_read, page, scope, timeline
from toguna.engines.cases.workflow import CaseType, State, Transition, case_type

__all__ = [
    "MOST_BYTES",
    "PAGE",
    "Asked",
    "BadPhoto",
    "Case",
    "CaseAssigned",
    "CaseMoved",
    "CaseOpened",
    "CaseReplied",
    "CaseType",
    "Conflict",
    "Outside",
    "Page",
    "Photo",
    "Refused",
    "Rule",
    "State",
    "Step",
    "Topic",
    "Transition",
    "add_photo",
    "assign",
    "case_type",
    "check_photo",
    "holds_key",
    "key_of",
    "may_read",
    "move",
    "open_case",
    "page",
    "photo_folder",
    "reply",
    "scope",
    "timeline",
]
