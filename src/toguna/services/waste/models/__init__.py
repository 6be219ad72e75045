"""What the service keeps: places, pick-ups, weighings, points, rounds. Money is the ledger's, hours are those of bookings."""

from toguna.services.waste.models.orders import (
    Household,
    PayOut,
    PickUp,
    PickUpKind,
    PickUpOffer,
    PickUpStep,
    PreCollector,
    Subscription,
)
from toguna.services.waste.models.places import Material, PlaceSaid, Taken, WastePlace
from toguna.services.waste.models.sorting import PointEntry, Reward, SortingCampaign, Voucher
from toguna.services.waste.models.weighing import Scale, Weighing

__all__ = [
    "Household",
    "Material",
    "PayOut",
    "PickUp",
    "PickUpKind",
    "PickUpOffer",
    "PickUpStep",
    "PlaceSaid",
    "PointEntry",
    "PreCollector",
    "Reward",
    "Scale",
    "SortingCampaign",
    "Subscription",
    "Taken",
    "Voucher",
    "WastePlace",
    "Weighing",
]
