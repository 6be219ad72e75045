"""What `ledger` declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import book, demo, starter
from toguna.engines.ledger.bank import declared as bank
from toguna.engines.ledger.desks import declared as desks
from toguna.engines.ledger.office import declared as office
from toguna.engines.ledger.orders import declared as orders
from toguna.engines.ledger.providers import declared as providers
from toguna.engines.ledger.receipts import declared as receipts
from toguna.engines.ledger.tariffs import declared as tariffs
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Section

_ALL, _HEADS = frozenset({AGENT, MANAGER, ADMINISTRATOR}), frozenset({MANAGER, ADMINISTRATOR})


def _checkpoint() -> None:
    book.checkpoint()


SERVICE = Service(
    name="ledger",
    section="money",
    provides=(
        Section("money", _("Money"), "bank", order=50),
        Permission("ledger.read", _("Read the book, bills and payments"), _HEADS),
        Permission("ledger.bill", _("Issue bills"), _ALL),
        Permission("ledger.approve", _("Approve what somebody else asked: refunds, bills given up"), _HEADS),
        Periodic("ledger-checkpoint", timedelta(minutes=10), _checkpoint),
        Starter("ledger", starter.load, order=10),
        Demo("ledger", demo.load, order=30),
        Demo("ledger-costs", demo.costs, order=31),
        *tariffs.PROVIDES,
        *providers.PROVIDES,
        *desks.PROVIDES,
        *receipts.PROVIDES,
        *bank.PROVIDES,
        *orders.PROVIDES,
        *office.PROVIDES,
    ),
)
