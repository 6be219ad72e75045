"""The door of `cases`."""

from __future__ import annotations

from toguna.engines.cases.actions import (
    Asked,
    Conflict,
    Outside,
    Refused,
    add_photo,
    add_step,
    answer,
    assign,
    deadline,
    first_time,
    holds_key,
    key_of,
    lock,
    log_work,
    move,
    open_case,
    put_in,
    rate,
    reply,
)
from toguna.engines.cases.events import CaseAnswered, CaseAssigned, CaseMoved, CaseOpened, CaseReplied
from toguna.engines.cases.joining import Part, merge, near, split, support
from toguna.engines.cases.models import Case, Photo, ReplyTemplate, Rule, SavedFilter, Step, Supporter, Topic, Work
from toguna.engines.cases.photos import MOST_BYTES, BadPhoto
from toguna.engines.cases.photos import check as check_photo
from toguna.engines.cases.photos import folder as photo_folder
from toguna.engines.cases.questions import Wrong
from toguna.engines.cases.questions import checked as check_answers
from toguna.engines.cases.questions import questions as questions_of
from toguna.engines.cases.questions import shown as shown_answers
from toguna.engines.cases.reads import PAGE, Page, in_reach, may_read, page, scope, timeline
from toguna.engines.cases.routing import best, rules_of
from toguna.engines.cases.workflow import CaseType, State, Transition, case_type

__all__ = [
    "MOST_BYTES",
    "PAGE",
    "Asked",
    "BadPhoto",
    "Case",
    "CaseAnswered",
    "CaseAssigned",
    "CaseMoved",
    "CaseOpened",
    "CaseReplied",
    "CaseType",
    "Conflict",
    "Outside",
    "Page",
    "Part",
    "Photo",
    "Refused",
    "ReplyTemplate",
    "Rule",
    "SavedFilter",
    "State",
    "Step",
    "Supporter",
    "Topic",
    "Transition",
    "Work",
    "Wrong",
    "add_photo",
    "add_step",
    "answer",
    "assign",
    "best",
    "case_type",
    "check_answers",
    "check_photo",
    "deadline",
    "first_time",
    "holds_key",
    "in_reach",
    "key_of",
    "lock",
    "log_work",
    "may_read",
    "merge",
    "move",
    "near",
    "open_case",
    "page",
    "photo_folder",
    "put_in",
    "questions_of",
    "rate",
    "reply",
    "rules_of",
    "scope",
    "shown_answers",
    "split",
    "support",
    "timeline",
]
