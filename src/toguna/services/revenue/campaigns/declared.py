"""What this part declares: simulate, then bill everybody at once."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Lane
from toguna.kernel.web import Page, Urls
from toguna.services.revenue.campaigns import notices
from toguna.services.revenue.campaigns.events import CampaignIssued

PROVIDES: tuple[Declaration, ...] = (
    Urls("revenue-campaigns", "desk/revenue/campaigns/", "toguna.services.revenue.campaigns.urls"),
    # Reached from the overview: the menu is full.
    Page("desk-campaigns", _("Campaigns"), "print", "desk-campaigns", where=(), permission="revenue.campaign"),
    Page("desk-simulation", _("Try a tariff"), "figures", "desk-simulation", where=(), permission="revenue.campaign"),
    Reaction(CampaignIssued, notices.on_issued, Lane.CAMPAIGN),
)
