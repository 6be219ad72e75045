"""What the room of standing orders declares."""

from __future__ import annotations

from datetime import timedelta

from toguna.engines.ledger.orders import commands, forgetting, running
from toguna.engines.ledger.providers.events import PaymentAnswered
from toguna.engines.people import api as people
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Urls

PROVIDES: tuple[Declaration, ...] = (
    Urls("ledger-orders", "", "toguna.engines.ledger.orders.urls"),
    commands.AUTOPAY,
    Reaction(PaymentAnswered, running.on_answered),
    Periodic("ledger-orders", timedelta(minutes=30), running.run_now),
    people.Erasure("ledger-orders", forgetting.erase),
    people.PersonalData("ledger-orders", forgetting.known),
)
