"""What a town starts with: its counter of civil status, on weekdays."""

from __future__ import annotations

from toguna.engines.bookings.models import Resource

COUNTER = "civil-status"


def load() -> None:
    """Idempotent; one that the town changed stays as it is."""
    Resource.objects.get_or_create(
        slug=COUNTER,
        defaults={
            "titles": {"fr": "Guichet de l’état civil", "pt": "Balcão do registo civil", "en": "Counter of civil status"},
            "notes": {
                "fr": "À la mairie, rez-de-chaussée. Apportez vos pièces et le code de votre rendez-vous.",
                "pt": "Na câmara, rés-do-chão. Traga os seus documentos e o código da marcação.",
                "en": "At the town hall, ground floor. Bring your papers and the code of your appointment.",
            },
            "hours": [
                {"days": [1, 2, 3, 4, 5], "from": "08:00", "to": "12:00"},
                {"days": [1, 2, 3, 4], "from": "13:00", "to": "16:00"},
            ],
            "minutes": 20, "capacity": 2, "order": 10,
        },
    )  # fmt: skip
