"""What the service keeps: places, pick-ups, weighings, points, rounds. Money is the ledger's, hours are those of bookings."""

from toguna.services.waste.models.places import Material, PlaceSaid, Taken, WastePlace
from toguna.services.waste.models.rounds import (
    Call,
    DayPlan,
    Depot,
    DriverRecord,
    Fill,
    Forecast,
    ForecastTrial,
    LeftOut,
    Nearing,
    PlanChange,
    PresentRound,
    Round,
    Truck,
    Visit,
)

__all__ = [
    "Call",
    "DayPlan",
    "Depot",
    "DriverRecord",
    "Fill",
    "Forecast",
    "ForecastTrial",
    "LeftOut",
    "Material",
    "Nearing",
    "PlaceSaid",
    "PlanChange",
    "PresentRound",
    "Round",
    "Taken",
    "Truck",
    "Visit",
    "WastePlace",
]
