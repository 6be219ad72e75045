"""What the library of acts declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.documents import search
from toguna.engines.documents.library import actions, demo
from toguna.engines.documents.library.commands import COMMANDS
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.demo import Demo
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("documents-library", "", "toguna.engines.documents.library.urls"),
    Permission(actions.DRAFT, _("Write drafts of acts"), frozenset({AGENT, MANAGER, ADMINISTRATOR})),
    Permission(actions.PUBLISH, _("Publish and correct acts"), frozenset({MANAGER, ADMINISTRATOR})),
    Page(
        "acts",
        _("Acts of the town"),
        "town-hall",
        "acts",
        where=("home", "nav"),
        order=65,
        summary=_("What the town has decided, in full, and whether it is still in force."),
    ),
    Page(
        "desk-acts",
        _("Acts of the town"),
        "town-hall",
        "desk-acts",
        where=("desk",),
        permission=actions.DRAFT,
        order=65,
    ),
    Periodic("documents-words", timedelta(minutes=5), search.keep_words),
    Periodic("documents-words-again", timedelta(days=7), search.count_again),
    Periodic("documents-acts-effect", timedelta(hours=6), actions.take_effect),
    *COMMANDS,
    Demo("documents-library", demo.load, order=300),
)
