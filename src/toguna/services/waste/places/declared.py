"""What this part declares: where waste is brought, kept, bought."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls
from toguna.services.waste.hub import WasteDoor
from toguna.services.waste.places import commands, demo, layers, starter

PROVIDES: tuple[Declaration, ...] = (
    *commands.COMMANDS,
    WasteDoor(
        "places",
        _("Where to bring or sell it"),
        "pin",
        "waste-places",
        _("Bins, sorting points, buyers and what they pay."),
        order=20,
    ),
    Page(
        "desk-waste-places",
        _("Places for waste"),
        "pin",
        "desk-waste-places",
        where=("desk",),
        permission="waste.read",
        order=30,
    ),
    Urls("waste-places", "", "toguna.services.waste.places.urls"),
    layers.MAP,
    layers.PLACES,
    Starter("waste-places", starter.load, order=20),
    Demo("waste-places", demo.load, order=40),
)
