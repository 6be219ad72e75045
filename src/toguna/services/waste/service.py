"""The service `waste`: where waste is brought, who fetches it, what it weighs, what it costs, and what sorting it is worth."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission
from toguna.kernel.manifest import Service
from toguna.kernel.web import Page, Section, Urls
from toguna.services.waste.bins import declared as bins
from toguna.services.waste.figures import declared as figures
from toguna.services.waste.fleet import declared as fleet
from toguna.services.waste.orders import declared as orders
from toguna.services.waste.places import declared as places
from toguna.services.waste.rounds import declared as rounds
from toguna.services.waste.sorting import declared as sorting
from toguna.services.waste.weighing import declared as weighing

WORKERS, HEADS = frozenset({AGENT, MANAGER, ADMINISTRATOR}), frozenset({MANAGER, ADMINISTRATOR})

SERVICE = Service(
    name="waste",
    section="waste",
    title=_("Waste"),
    provides=(
        Section("waste", _("Waste"), "full-bin", order=60),
        Permission("waste.read", _("See places, pick-ups and rounds"), WORKERS | {READER}),
        Permission("waste.work", _("Work on places, pick-ups and rounds"), WORKERS),
        Permission("waste.set_up", _("Set up scales, pre-collectors, campaigns and rounds"), HEADS),
        Page("waste", _("Waste"), "full-bin", "waste", where=("home",), order=45,
             summary=_("Have it fetched, know where to bring it, earn points for sorting.")),
        Urls("waste", "", "toguna.services.waste.urls"),
        *places.PROVIDES,
        *orders.PROVIDES,
        *weighing.PROVIDES,
        *sorting.PROVIDES,
        *rounds.PROVIDES,
        *bins.PROVIDES,
        *fleet.PROVIDES,
        *figures.PROVIDES,
    ),
)  # fmt: skip
