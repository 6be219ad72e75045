"""The number of a card, as a quantity that scales may send."""

from __future__ import annotations

from toguna.engines.telemetry import api as telemetry
from toguna.services.waste.weighing.actions import CARD


def load() -> None:
    """Idempotent."""
    telemetry.Quantity.objects.get_or_create(
        code=CARD,
        defaults={
            "names": {"fr": "Numéro de carte", "pt": "Número do cartão", "en": "Card number"},
            "unit": "1",
            "low": 0,
            "high": 28**7,
        },
    )
