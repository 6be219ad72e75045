"""What the room of cash desks declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.desks import actions, forgetting
from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("ledger-desks", "", "toguna.engines.ledger.desks.urls"),
    Permission(actions.CASH, _("Keep a cash desk"), frozenset({AGENT, MANAGER, ADMINISTRATOR})),
    Permission(actions.SUPERVISE, _("Supervise the cash desks"), frozenset({MANAGER, ADMINISTRATOR})),
    Page("desk-cash", _("Cash desk"), "list", "desk-cash", where=("desk",), permission=actions.CASH, order=70),
    people.Erasure("ledger-desks", forgetting.forget),
    people.PersonalData("ledger-desks", forgetting.known_of),
)
