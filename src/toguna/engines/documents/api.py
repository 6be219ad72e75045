"""The only door of `documents`."""

from __future__ import annotations

from toguna.engines.documents.issuing.actions import ISSUE, content, issue, papers_of, replace, reprint, revoke
from toguna.engines.documents.issuing.books import (
    Duplicate,
    close,
    entry,
    find_entries,
    possible_duplicates,
    register_entry,
)
from toguna.engines.documents.issuing.books import copy as copy_entry
from toguna.engines.documents.issuing.books import note as note_entry
from toguna.engines.documents.issuing.checking import check, check_qr
from toguna.engines.documents.issuing.events import EntryWritten, PaperIssued, PaperRevoked
from toguna.engines.documents.issuing.seal import BadSeal
from toguna.engines.documents.issuing.templates import Field, Refused, save_template
from toguna.engines.documents.issuing.templates import find as find_template
from toguna.engines.documents.issuing.templates import latest as templates
from toguna.engines.documents.library.events import ActCorrected, ActPublished
from toguna.engines.documents.library.reads import named as acts_named
from toguna.engines.documents.library.reads import public as acts
from toguna.engines.documents.library.reads import standing as act_standing
from toguna.engines.documents.library.reads import text_at as act_text
from toguna.engines.documents.models.issuing import Entry, Issued
from toguna.engines.documents.models.store import File, FileKind, FileVersion
from toguna.engines.documents.scans.port import ScanReader
from toguna.engines.documents.scans.receiving import receive_scan
from toguna.engines.documents.search import Facts, Wanted, forget_text, index_text, search
from toguna.engines.documents.store.actions import add_version, attach, files_of, hold, keep, open_file, release
from toguna.engines.documents.store.checks import Refused as FileRefused
from toguna.engines.documents.store.disposal import destroy
from toguna.engines.documents.store.events import FileChecked, FileDestroyed, FileKept
from toguna.engines.documents.store.subjects import FileSubject

__all__ = [
    "ISSUE",
    "ActCorrected",
    "ActPublished",
    "BadSeal",
    "Duplicate",
    "Entry",
    "EntryWritten",
    "Facts",
    "Field",
    "File",
    "FileChecked",
    "FileDestroyed",
    "FileKept",
    "FileKind",
    "FileRefused",
    "FileSubject",
    "FileVersion",
    "Issued",
    "PaperIssued",
    "PaperRevoked",
    "Refused",
    "ScanReader",
    "Wanted",
    "act_standing",
    "act_text",
    "acts",
    "acts_named",
    "add_version",
    "attach",
    "check",
    "check_qr",
    "close",
    "content",
    "copy_entry",
    "destroy",
    "entry",
    "files_of",
    "find_entries",
    "find_template",
    "forget_text",
    "hold",
    "index_text",
    "issue",
    "keep",
    "note_entry",
    "open_file",
    "papers_of",
    "possible_duplicates",
    "receive_scan",
    "register_entry",
    "release",
    "replace",
    "reprint",
    "revoke",
    "save_template",
    "search",
    "templates",
]
