"""What the room of issued papers and register books declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.documents.issuing import actions, books, checking, templates
from toguna.engines.documents.issuing.mine import MINE
from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls

_ALL, _HEADS = frozenset({AGENT, MANAGER, ADMINISTRATOR}), frozenset({MANAGER, ADMINISTRATOR})

PROVIDES: tuple[Declaration, ...] = (
    Urls("documents-issuing", "", "toguna.engines.documents.issuing.urls"),
    Permission(templates.WRITE, _("Write the templates of papers"), _HEADS),
    Permission(actions.ISSUE, _("Issue papers, and read them"), _ALL),
    Permission(actions.SIGN, _("Have the town's key sign papers"), _ALL),
    Permission(actions.REVOKE, _("Take papers back"), _HEADS),
    Permission(books.READ, _("Read the register books"), _ALL),
    Permission(books.WRITE, _("Write in the register books"), _ALL),
    Permission(books.NOTE, _("Write notes in the margins"), _HEADS),
    Permission(books.CLOSE, _("Close register books"), _HEADS),
    Page("check", _("Check a paper"), "check", "check", where=("nav",), order=90),
    Page("desk-papers", _("Issued papers"), "list", "desk-papers", where=("desk",), permission=actions.ISSUE, order=66),
    Page(
        "desk-registers",
        _("Register books"),
        "list",
        "desk-registers",
        where=("desk",),
        permission=books.READ,
        order=67,
    ),
    *checking.COMMANDS,
    MINE,
    people.Erasure("documents-issuing", actions.forget),
    people.PersonalData("documents-issuing", actions.known_of),
)
