"""What the room of receipts declares. Who paid is told by the room of payments."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.receipts import commands
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("ledger-receipts", "", "toguna.engines.ledger.receipts.urls"),
    commands.RECEIPT,
    Page("receipt", _("Check a receipt"), "check", "receipt", where=("nav",), order=91),
)
