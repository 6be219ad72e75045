"""What the room of providers declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import suspense
from toguna.engines.ledger.providers import commands, following, forgetting, reconciling, returning
from toguna.engines.ledger.providers.bank import BANK
from toguna.engines.ledger.providers.cinetpay import CINETPAY
from toguna.engines.ledger.providers.events import PaymentAnswered
from toguna.engines.ledger.providers.mpesa import MPESA
from toguna.engines.ledger.providers.mtn import MTN
from toguna.engines.ledger.providers.orange import ORANGE
from toguna.engines.ledger.providers.wave import WAVE
from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, MANAGER, Permission
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls

PROVIDES: tuple[Declaration, ...] = (
    MTN,
    ORANGE,
    WAVE,
    MPESA,
    CINETPAY,
    BANK,
    commands.BILL,
    Urls("ledger-providers", "", "toguna.engines.ledger.providers.urls"),
    Permission(suspense.RESOLVE, _("Sort out money that nobody knows"), frozenset({MANAGER, ADMINISTRATOR})),
    Page(
        "desk-suspense", _("Suspense"), "list", "desk-suspense", where=("desk",), permission=suspense.RESOLVE, order=75
    ),
    Permission(reconciling.PERMISSION, _("Follow payments by telephone and bank"), frozenset({MANAGER, ADMINISTRATOR})),
    Page(
        "desk-pay-requests",
        _("Payments by telephone and bank"),
        "message",
        "desk-pay-requests",
        where=("desk",),
        permission=reconciling.PERMISSION,
        order=74,
    ),
    Page("pay", _("Pay a bill"), "check", "pay", where=("nav",), order=60),
    Reaction(PaymentAnswered, returning.on_answered),
    Periodic("ledger-payments", timedelta(seconds=15), following.pump),
    Periodic("ledger-raw-bodies", timedelta(days=1), forgetting.sweep),
    people.Erasure("ledger-providers", forgetting.erase),
    people.PersonalData("ledger-providers", forgetting.known),
)
