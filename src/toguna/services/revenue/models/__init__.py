"""What the service keeps: the register, campaigns, what collectors did, reminders. Money itself is the ledger's."""

from toguna.services.revenue.models.campaigns import Campaign, NoticeFile
from toguna.services.revenue.models.collecting import Collected, Collector, Visit
from toguna.services.revenue.models.dunning import DunningStep, Reminded
from toguna.services.revenue.models.register import (
    Base,
    ImportRow,
    ImportRun,
    NotSame,
    Objection,
    Part,
    PlanWish,
    Taxed,
    Taxpayer,
)

__all__ = [
    "Base",
    "Campaign",
    "Collected",
    "Collector",
    "DunningStep",
    "ImportRow",
    "ImportRun",
    "NotSame",
    "NoticeFile",
    "Objection",
    "Part",
    "PlanWish",
    "Reminded",
    "Taxed",
    "Taxpayer",
    "Visit",
]
