"""The service `revenue`: the town knows who owes what, bills it, collects it, and answers for it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission
from toguna.kernel.manifest import Service
from toguna.services.revenue.campaigns import declared as campaigns
from toguna.services.revenue.collecting import declared as collecting
from toguna.services.revenue.dunning import declared as dunning
from toguna.services.revenue.fines import declared as fines
from toguna.services.revenue.overview import declared as overview
from toguna.services.revenue.profile import declared as profile
from toguna.services.revenue.register import declared as register

WORKERS, HEADS = frozenset({AGENT, MANAGER, ADMINISTRATOR}), frozenset({MANAGER, ADMINISTRATOR})

SERVICE = Service(
    name="revenue",
    section="money",
    title=_("Taxes and fees"),
    provides=(
        Permission("revenue.read", _("See the register of taxpayers"), WORKERS | {READER}),
        Permission("revenue.write", _("Write in the register of taxpayers"), WORKERS),
        Permission("revenue.bill", _("Bill one thing that is taxed"), WORKERS),
        Permission("revenue.collect", _("Collect in the field"), WORKERS),
        Permission("revenue.campaign", _("Bill everybody: campaigns and reminders"), HEADS),
        Permission("revenue.supervise", _("Supervise collectors"), HEADS),
        *register.PROVIDES,
        *profile.PROVIDES,
        *campaigns.PROVIDES,
        *dunning.PROVIDES,
        *collecting.PROVIDES,
        *fines.PROVIDES,
        *overview.PROVIDES,
    ),
)
