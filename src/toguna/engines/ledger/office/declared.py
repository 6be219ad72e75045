"""What the room of the book declares."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger.office import reads
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import DeskBlock, Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("ledger-office", "desk/ledger/", "toguna.engines.ledger.office.urls"),
    Page("desk-book", _("Bills and the book"), "list", "desk-book", where=("desk",), permission=reads.BILL, order=69),
    DeskBlock("ledger", _("Money"), reads.APPROVE, reads.numbers, order=60),
)
