"""What `documents` declares: each of its rooms brings its own."""

from __future__ import annotations

from toguna.engines.documents.issuing import declared as issuing
from toguna.engines.documents.library import declared as library
from toguna.engines.documents.scans import declared as scans
from toguna.engines.documents.store import declared as store
from toguna.kernel.manifest import Service

SERVICE = Service(
    name="documents",
    provides=(*store.PROVIDES, *scans.PROVIDES, *library.PROVIDES, *issuing.PROVIDES),
)
