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
from toguna.engines.cases.bulk import MOST as MOST_BULK
from toguna.engines.cases.bulk import Outcome, each
from toguna.engines.cases.correcting import Correction, correct, team_now
from toguna.engines.cases.counts import Row, TeamCount
from toguna.engines.cases.counts import by_channel as counts_by_channel
from toguna.engines.cases.counts import by_team as counts_by_team
from toguna.engines.cases.counts import rows as counts
from toguna.engines.cases.events import (
    CaseAnswered,
    CaseAssigned,
    CaseCorrected,
    CaseMoved,
    CaseOpened,
    CaseReplied,
)
from toguna.engines.cases.joining import Part, merge, near, split, support
from toguna.engines.cases.models import Case, Photo, ReplyTemplate, Rule, SavedFilter, Step, Supporter, Topic, Work
from toguna.engines.cases.moderating import (
    PLACE,
    REASONS,
    TEXT,
    Flagged,
    cover_photo,
    flag,
    flagged,
    flags,
    hide,
    hide_photo,
    remove_photo,
    reword,
    settle,
    show,
)
from toguna.engines.cases.photos import MOST_BYTES, BadPhoto, Box
from toguna.engines.cases.photos import check as check_photo
from toguna.engines.cases.photos import folder as photo_folder
from toguna.engines.cases.questions import KINDS as QUESTION_KINDS
from toguna.engines.cases.questions import LISTS as QUESTION_LISTS
from toguna.engines.cases.questions import MOST as MOST_QUESTIONS
from toguna.engines.cases.questions import Question, Wrong
from toguna.engines.cases.questions import checked as check_answers
from toguna.engines.cases.questions import questions as questions_of
from toguna.engines.cases.questions import shown as shown_answers
from toguna.engines.cases.reads import PAGE, Order, Page, in_reach, may_read, page, scope, timeline
from toguna.engines.cases.retention import CaseData, NotNow, erase
from toguna.engines.cases.routing import best, rules_of
from toguna.engines.cases.setup import DAYS as TOPIC_NUMBERS
from toguna.engines.cases.setup import (
    Trial,
    WhoGets,
    close_topic,
    open_topic,
    remove_rule,
    remove_template,
    reorder,
    save_questions,
    save_rule,
    save_template,
    save_topic,
    who_would_get,
    without_team,
)
from toguna.engines.cases.workflow import CaseType, State, Transition, case_type

__all__ = [
    "MOST_BULK",
    "MOST_BYTES",
    "MOST_QUESTIONS",
    "PAGE",
    "PLACE",
    "QUESTION_KINDS",
    "QUESTION_LISTS",
    "REASONS",
    "TEXT",
    "TOPIC_NUMBERS",
    "Asked",
    "BadPhoto",
    "Box",
    "Case",
    "CaseAnswered",
    "CaseAssigned",
    "CaseCorrected",
    "CaseData",
    "CaseMoved",
    "CaseOpened",
    "CaseReplied",
    "CaseType",
    "Conflict",
    "Correction",
    "Flagged",
    "NotNow",
    "Order",
    "Outcome",
    "Outside",
    "Page",
    "Part",
    "Photo",
    "Question",
    "Refused",
    "ReplyTemplate",
    "Row",
    "Rule",
    "SavedFilter",
    "State",
    "Step",
    "Supporter",
    "TeamCount",
    "Topic",
    "Transition",
    "Trial",
    "WhoGets",
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
    "close_topic",
    "correct",
    "counts",
    "counts_by_channel",
    "counts_by_team",
    "cover_photo",
    "deadline",
    "each",
    "erase",
    "first_time",
    "flag",
    "flagged",
    "flags",
    "hide",
    "hide_photo",
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
    "open_topic",
    "page",
    "photo_folder",
    "put_in",
    "questions_of",
    "rate",
    "remove_photo",
    "remove_rule",
    "remove_template",
    "reorder",
    "reply",
    "reword",
    "rules_of",
    "save_questions",
    "save_rule",
    "save_template",
    "save_topic",
    "scope",
    "settle",
    "show",
    "shown_answers",
    "split",
    "support",
    "team_now",
    "timeline",
    "who_would_get",
    "without_team",
]
