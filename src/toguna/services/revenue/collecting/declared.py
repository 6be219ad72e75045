"""What this part declares: collectors, kiosk and counter."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel.demo import Demo
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import DeskBlock, Page, Urls
from toguna.services.revenue.collecting import board, demo, forgetting, looking
from toguna.services.revenue.collecting.devices import COLLECT, SUPERVISE

PROVIDES: tuple[Declaration, ...] = (
    Urls("revenue-collecting", "", "toguna.services.revenue.collecting.urls"),
    Page("collect", _("Collecting"), "phone", "collect", where=("desk",), permission=COLLECT, order=71),
    Page("desk-counter", _("Counter"), "bank", "desk-counter", where=("desk",), permission=COLLECT, order=72),
    Page(
        "desk-collecting", _("Collectors"), "team", "desk-collecting", where=("desk",), permission=SUPERVISE, order=73
    ),
    people.FrontAction("revenue.counter", _("Take a payment"), "desk-counter", COLLECT, icon="bank", order=45),
    DeskBlock("revenue-collecting", _("Collectors"), SUPERVISE, board.numbers, order=40),
    people.Erasure("revenue-collecting", forgetting.erase),
    people.PersonalData("revenue-collecting", forgetting.known),
    Reaction(ledger.PaymentVoided, looking.on_voided),
    Demo("revenue-collecting", demo.load, order=65),
)
