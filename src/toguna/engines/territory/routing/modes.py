"""What travels: each mode with how Valhalla is to weigh roads for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

Mode = Literal["car", "truck", "tricycle", "cart", "foot"]

MODES: dict[str, Any] = {
    "car": _("Car"),
    "truck": _("Truck"),
    "tricycle": _("Motor tricycle"),
    "cart": _("Cart"),
    "foot": _("On foot"),
}
# Those that obey one-way streets and that traffic slows.
MOTOR = frozenset({"car", "truck", "tricycle"})


@dataclass(frozen=True)
class Vehicle:
    """A mode with its size: tonnes, metres, and the km/h that it never goes over. None: as usual for the mode. Only a truck's
    weight and size are looked at."""

    mode: Mode = "car"
    weight_t: float | None = None
    axle_t: float | None = None
    height_m: float | None = None
    width_m: float | None = None
    length_m: float | None = None
    top_kmh: int | None = None

    def size(self) -> tuple[float, float]:
        """Metres of height, tonnes; 0 of what is no truck."""
        options = self.costing()[1] if self.mode == "truck" else {}
        return options.get("height", 0.0), options.get("weight", 0.0)

    def costing(self) -> tuple[str, dict[str, Any]]:
        """(Valhalla's model, its options)."""
        if self.mode == "truck":
            # A lorry of a town's waste service, where nothing is said: three axles, 16 t.
            return "truck", {
                "weight": self.weight_t or 16.0, "axle_load": self.axle_t or 9.0, "height": self.height_m or 3.5,
                "width": self.width_m or 2.5, "length": self.length_m or 9.0, "top_speed": self.top_kmh or 80,
            }  # fmt: skip
        if self.mode == "tricycle":
            # Keeps off fast roads, like a scooter, and is slow when it is loaded.
            return "motor_scooter", {"top_speed": max(20, self.top_kmh or 35), "use_primary": 0.3, "use_hills": 0.3}
        if self.mode == "cart":
            # Pushed or drawn: at a walk, against one-way streets when it must, never by steps.
            speed = self.top_kmh or 3.5
            return "pedestrian", {
                "walking_speed": speed,
                "step_penalty": 7200,
                "max_distance": 40_000,
                "use_ferry": 0.0,
            }
        if self.mode == "foot":
            return "pedestrian", {"walking_speed": self.top_kmh or 4.8}
        return "auto", {"top_speed": self.top_kmh} if self.top_kmh else {}


def vehicle(mode: Mode | Vehicle) -> Vehicle:
    """Raises ValueError for a mode that there is not."""
    found = mode if isinstance(mode, Vehicle) else Vehicle(mode)
    if found.mode not in MODES:
        raise ValueError(f"no such mode: {found.mode}")
    return found
