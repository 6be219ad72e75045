"""What this part declares: reminders by plan."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.ledger import api as ledger
from toguna.kernel.demo import Demo
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls
from toguna.services.revenue.dunning import demo, running

PROVIDES: tuple[Declaration, ...] = (
    Urls("revenue-dunning", "desk/revenue/reminders/", "toguna.services.revenue.dunning.urls"),
    # Reached from the overview: the menu is full.
    Page("desk-dunning", _("Reminders"), "message", "desk-dunning", where=(), permission="revenue.campaign"),
    Page(
        "desk-dunning-visits", _("Visits to make"), "pin", "desk-dunning-visits", where=(), permission="revenue.collect"
    ),
    Periodic("revenue-dunning", timedelta(hours=3), running.remind_now),
    Reaction(ledger.PaymentTaken, running.confirm),
    Demo("revenue-reminders", demo.load, order=65),
)
