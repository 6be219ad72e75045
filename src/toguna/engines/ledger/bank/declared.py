"""What the room of the bank declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.bank import actions
from toguna.kernel.access import ADMINISTRATOR, MANAGER, Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("ledger-bank", "", "toguna.engines.ledger.bank.urls"),
    Permission(actions.BANK, _("Compare the book with the bank"), frozenset({MANAGER, ADMINISTRATOR})),
    Page("desk-bank", _("Bank"), "list", "desk-bank", where=("desk",), permission=actions.BANK, order=72),
)
