"""What the store of files declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.documents.store import actions, blobs, disposal, subjects
from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls

_ALL, _HEADS = frozenset({AGENT, MANAGER, ADMINISTRATOR}), frozenset({MANAGER, ADMINISTRATOR})


def _sweep() -> None:
    blobs.sweep()


PROVIDES: tuple[Declaration, ...] = (
    Urls("documents-store", "", "toguna.engines.documents.store.urls"),
    Permission(subjects.READ, _("Read the documents"), _ALL),
    Permission(subjects.ADD, _("Bring documents"), _ALL),
    Permission(subjects.KEEP, _("Decide how long documents are kept"), _HEADS),
    Page(
        "desk-documents", _("Documents"), "list", "desk-documents", where=("desk",), permission=subjects.READ, order=68
    ),
    Periodic("documents-virus", timedelta(minutes=10), actions.check_waiting),
    Periodic("documents-disposal", timedelta(days=1), disposal.dispose),
    Periodic("documents-sweep", timedelta(days=1), _sweep),
    people.Erasure("documents-store", disposal.forget),
    people.PersonalData("documents-store", disposal.known_of),
)
