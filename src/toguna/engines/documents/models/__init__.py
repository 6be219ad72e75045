"""Files, scans, acts and issued papers: each room of `documents` has its tables in a file of its own."""

from toguna.engines.documents.models.issuing import (
    Counter,
    Entry,
    EntryName,
    EntryNote,
    Issued,
    IssuedFile,
    PaperTemplate,
    Register,
)
from toguna.engines.documents.models.library import Act, ActChange, ActCitation, ActVersion
from toguna.engines.documents.models.scans import ScanBatch, ScanPage, ScanPart
from toguna.engines.documents.models.store import Disposal, File, FileKind, FileVersion

__all__ = [
    "Act",
    "ActChange",
    "ActCitation",
    "ActVersion",
    "Counter",
    "Disposal",
    "Entry",
    "EntryName",
    "EntryNote",
    "File",
    "FileKind",
    "FileVersion",
    "Issued",
    "IssuedFile",
    "PaperTemplate",
    "Register",
    "ScanBatch",
    "ScanPage",
    "ScanPart",
]
