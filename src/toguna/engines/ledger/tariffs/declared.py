"""What the room of tariffs declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.tariffs import actions, commands
from toguna.kernel.access import ADMINISTRATOR, MANAGER, Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("ledger-tariffs", "", "toguna.engines.ledger.tariffs.urls"),
    Permission(actions.WRITE, _("Write tariffs"), frozenset({MANAGER, ADMINISTRATOR})),
    commands.PRICE,
    Page("prices", _("Prices"), "list", "prices", where=("nav",), order=50),
    Page("desk-tariffs", _("Tariffs"), "list", "desk-tariffs", where=("desk",), permission=actions.WRITE, order=76),
)
