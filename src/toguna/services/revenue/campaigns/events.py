from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class CampaignIssued(Event):
    """Everybody is billed. amount: minor units, of the bills of this campaign."""

    campaign: int
    issued: int
    amount: int
