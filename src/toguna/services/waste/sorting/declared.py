"""What this part declares: points for what is sorted, campaigns."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.kernel.demo import Demo
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls
from toguna.services.waste.hub import WasteDoor
from toguna.services.waste.sorting import actions, commands, demo, weighed
from toguna.services.waste.weighing.actions import Weighed

PROVIDES: tuple[Declaration, ...] = (
    *commands.COMMANDS,
    WasteDoor(
        "sorting",
        _("Sort, and earn points"),
        "check",
        "waste-sorting",
        _("Points for each kilo, changed at partner shops."),
        order=30,
    ),
    WasteDoor(
        "mine", _("My waste"), "person", "waste-mine", _("My card, my points, what was weighed and fetched."), order=90
    ),
    Page(
        "desk-waste-campaigns",
        _("Sorting"),
        "check",
        "desk-waste-campaigns",
        where=("desk",),
        permission="waste.read",
        order=50,
    ),
    Urls("waste-sorting", "", "toguna.services.waste.sorting.urls"),
    Reaction(Weighed, weighed.on_weighed),
    Periodic("waste-vouchers", timedelta(hours=12), actions.sweep),
    Demo("waste-sorting", demo.load, order=42),
)
