"""The only door of `documents`."""

from __future__ import annotations

from toguna.engines.documents.issuing.actions import ISSUE, content, issue, replace, reprint, revoke
from toguna.engines.documents.issuing.books import Duplicate, close, find_entries, possible_duplicates, register_entry
from toguna.engines.documents.issuing.books import copy as copy_entry
from toguna.engines.documents.issuing.books import note as note_entry
from toguna.engines.documents.issuing.checking import check, check_qr
from toguna.engines.documents.issuing.events import EntryWritten, PaperIssued, PaperRevoked
from toguna.engines.documents.issuing.seal import BadSeal
from toguna.engines.documents.issuing.templates import Field, Refused, save_template
from toguna.engines.documents.issuing.templates import find as find_template
from toguna.engines.documents.library.events import ActCorrected, ActPublished
from toguna.engines.documents.library.reads import named as acts_named
from toguna.engines.documents.library.reads import public as acts
from toguna.engines.documents.library.reads import standing as act_standing
from toguna.engines.documents.library.reads import text_at as act_text
from toguna.engines.documents.search import Facts, Wanted, forget_text, index_text, search

__all__ = [
    "ISSUE",
    "ActCorrected",
    "ActPublished",
    "BadSeal",
    "Duplicate",
    "EntryWritten",
    "Facts",
    "Field",
    "PaperIssued",
    "PaperRevoked",
    "Refused",
    "Wanted",
    "act_standing",
    "act_text",
    "acts",
    "acts_named",
    "check",
    "check_qr",
    "close",
    "content",
    "copy_entry",
    "find_entries",
    "find_template",
    "forget_text",
    "index_text",
    "issue",
    "note_entry",
    "possible_duplicates",
    "register_entry",
    "replace",
    "reprint",
    "revoke",
    "save_template",
    "search",
]
