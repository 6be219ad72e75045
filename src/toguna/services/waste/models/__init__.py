"""What the service keeps: places, pick-ups, weighings, points, rounds. Money is the ledger's, hours are those of bookings."""

from toguna.services.waste.models.places import Material, PlaceSaid, Taken, WastePlace

__all__ = [
    "Material",
    "PlaceSaid",
    "Taken",
    "WastePlace",
]
