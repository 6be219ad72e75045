"""What the service keeps: the register, campaigns, what collectors did, reminders. Money itself is the ledger's."""

from toguna.services.revenue.models.campaigns import Campaign, NoticeFile, Unpriced
from toguna.services.revenue.models.collecting import Collected, Collector, Counted, Device, Visit
from toguna.services.revenue.models.dunning import DunningStep, LetterBatch, Reminded
from toguna.services.revenue.models.fines import (
    Impound,
    ImpoundFee,
    Infraction,
    Ticket,
    TicketBook,
    TicketContest,
    TicketPhoto,
    Vehicle,
    VoidTicket,
)
from toguna.services.revenue.models.overview import Standing
from toguna.services.revenue.models.register import (
    Alike,
    Base,
    ImportRow,
    ImportRun,
    NotSame,
    Objection,
    Part,
    PlanWish,
    Taxed,
    Taxpayer,
    ToCompare,
)

__all__ = [
    "Alike",
    "Base",
    "Campaign",
    "Collected",
    "Collector",
    "Counted",
    "Device",
    "DunningStep",
    "ImportRow",
    "ImportRun",
    "Impound",
    "ImpoundFee",
    "Infraction",
    "LetterBatch",
    "NotSame",
    "NoticeFile",
    "Objection",
    "Part",
    "PlanWish",
    "Reminded",
    "Standing",
    "Taxed",
    "Taxpayer",
    "Ticket",
    "TicketBook",
    "TicketContest",
    "TicketPhoto",
    "ToCompare",
    "Unpriced",
    "Vehicle",
    "Visit",
    "VoidTicket",
]
