"""What scales send: a weight, and the number of a card."""

from __future__ import annotations

from toguna.engines.telemetry import api as telemetry
from toguna.services.waste.weighing.actions import CARD, WEIGHT

# code: (French, Portuguese, English, unit, lowest, highest)
QUANTITIES: dict[str, tuple[str, str, str, str, float, float]] = {
    WEIGHT: ("Poids", "Peso", "Weight", "kg", -50, 100_000),
    CARD: ("Numéro de carte", "Número do cartão", "Card number", "1", 0, 28**7),
}


def load() -> None:
    """Idempotent; one that is there stays as it is."""
    for code, (fr, pt, en, unit, low, high) in QUANTITIES.items():
        telemetry.Quantity.objects.get_or_create(
            code=code, defaults={"names": {"fr": fr, "pt": pt, "en": en}, "unit": unit, "low": low, "high": high}
        )
