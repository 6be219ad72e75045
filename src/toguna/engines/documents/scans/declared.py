"""What the room of scans declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.documents.scans import actions, reading, receiving
from toguna.engines.documents.store import subjects
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("documents-scans", "", "toguna.engines.documents.scans.urls"),
    Page("desk-scans", _("Scans"), "copy", "desk-scans", where=("desk",), permission=subjects.ADD, order=69),
    Periodic("scans-folder", timedelta(seconds=30), receiving.watch),
    Periodic("scans-again", timedelta(minutes=5), reading.again),
    Periodic("scans-sweep", timedelta(days=1), actions.sweep),
    receiving.MAILBOX,
)
