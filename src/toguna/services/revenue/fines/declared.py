"""What this part declares: infractions found on site."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import DeskBlock, Page, Urls
from toguna.services.revenue.fines import commands, demo, escalating, figures, reads, starter
from toguna.services.revenue.fines.books import DECIDE, WRITE

_HEADS = frozenset({MANAGER, ADMINISTRATOR})

PROVIDES: tuple[Declaration, ...] = (
    Permission(WRITE, _("Write tickets for infractions"), _HEADS | {AGENT}),
    Permission(DECIDE, _("Decide on tickets: contested, cancelled, kinds of infraction"), _HEADS),
    Urls("revenue-fines", "", "toguna.services.revenue.fines.urls"),
    Page("desk-fines", _("Infractions"), "warn", "desk-fines", where=("desk",), permission=reads.READ, order=75),
    # Reached from the register of infractions: the menu is full.
    Page("tickets", _("Tickets"), "phone", "tickets", where=(), permission=WRITE),
    Page("desk-pound", _("Pound"), "lock", "desk-pound", where=(), permission=WRITE),
    Page("fines", _("A ticket that I got"), "warn", "fines", where=("nav",), order=93),
    people.FrontAction("revenue.fine", _("Write a ticket"), "desk-ticket-new", WRITE, icon="warn", order=47),
    DeskBlock("revenue-fines", _("Infractions"), DECIDE, reads.numbers_of, order=42),
    Periodic("revenue-fines", timedelta(hours=2), escalating.run_now),
    Starter("revenue-fines", starter.load, order=62),
    Demo("revenue-fines", demo.load, order=66),
    commands.FINE,
    figures.INFRACTIONS,
    *figures.MEASURES,
)
