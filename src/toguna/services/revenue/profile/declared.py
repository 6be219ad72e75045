"""What this part declares: what a taxpayer sees of themselves."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, MANAGER, Permission
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import DeskBlock, Page, Urls
from toguna.services.revenue.profile import actions, commands, forgetting, mine, reads

PROVIDES: tuple[Declaration, ...] = (
    Permission(
        actions.ANSWER, _("Answer what is contested, and plans that are asked"), frozenset({MANAGER, ADMINISTRATOR})
    ),
    Urls("revenue-profile", "", "toguna.services.revenue.profile.urls"),
    Page("registered", _("Check a trader"), "check", "registered", where=("nav",), order=92),
    DeskBlock("revenue", _("Taxes and fees"), "revenue.read", reads.numbers_of_desk, order=60),
    *commands.COMMANDS,
    mine.MINE,
    people.Erasure("revenue", forgetting.erase),
    people.PersonalData("revenue", forgetting.known),
)
