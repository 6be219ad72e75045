"""What `documents` declares: each of its rooms brings its own."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.documents.issuing import declared as issuing
from toguna.engines.documents.library import declared as library
from toguna.engines.documents.scans import declared as scans
from toguna.engines.documents.store import declared as store
from toguna.kernel.manifest import Service
from toguna.kernel.web import Section

SERVICE = Service(
    name="documents",
    section="papers",
    provides=(
        Section("papers", _("Papers and forms"), "copy", order=40),
        *store.PROVIDES,
        *scans.PROVIDES,
        *library.PROVIDES,
        *issuing.PROVIDES,
    ),
)
