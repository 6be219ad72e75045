"""What this room of `forms` declares."""

from __future__ import annotations

from toguna.engines.documents import api as documents
from toguna.engines.forms.paper import blanks
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("forms-paper", "", "toguna.engines.forms.paper.urls"),
    documents.ScanReader("forms-paper", blanks.PATTERN, blanks.scanned),
)
