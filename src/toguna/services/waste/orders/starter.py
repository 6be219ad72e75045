"""What can be fetched at a door, and at which hours; a town may then change both."""

from __future__ import annotations

from typing import Any

from toguna.engines.bookings import api as bookings
from toguna.services.waste.models import PickUpKind
from toguna.services.waste.orders import money

RESOURCES: dict[str, dict[str, Any]] = {
    "waste-doors": {
        "titles": {"fr": "Enlèvement des ordures à domicile", "pt": "Recolha de lixo em casa", "en": "Waste fetched at your door"},
        "icon": "full-bin", "minutes": 240, "capacity": 60, "most_places": 1, "ahead_days": 14, "notice_minutes": 60,
        "waiting_list": False, "asks_place": True, "order": 60,
        "hours": [
            {"days": [1, 2, 3, 4, 5, 6], "from": "07:00", "to": "11:00"},
            {"days": [1, 2, 3, 4, 5, 6], "from": "15:00", "to": "19:00"},
        ],
    },
    "waste-bulky": {
        "titles": {"fr": "Enlèvement des encombrants", "pt": "Recolha de volumosos", "en": "Bulky waste fetched"},
        "icon": "waste-pile", "minutes": 240, "capacity": 8, "most_places": 1, "ahead_days": 30, "notice_minutes": 24 * 60,
        "waiting_list": False, "asks_place": True, "order": 61, "hours": [{"days": [2, 4, 6], "from": "08:00", "to": "12:00"}],
    },
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "household": {
        "titles": {"fr": "Ordures du ménage", "pt": "Lixo de casa", "en": "Household waste"},
        "asks": {"fr": "Combien de sacs ?", "pt": "Quantos sacos?", "en": "How many bags?"},
        "resource": "waste-doors", "tariff": "enlevement", "measure": "sacs", "monthly": "enlevement-mois", "most": 20, "share": 70,
        "icon": "full-bin", "order": 10,
    },
    "sorted": {
        "titles": {"fr": "Recyclables triés", "pt": "Recicláveis separados", "en": "Sorted recyclables"},
        "asks": {"fr": "Combien de sacs ?", "pt": "Quantos sacos?", "en": "How many bags?"},
        "resource": "waste-doors", "tariff": "enlevement-tri", "measure": "sacs", "most": 20, "share": 80, "icon": "waste-pile", "order": 20,
    },
    "bulky": {
        "titles": {"fr": "Encombrants et gravats", "pt": "Volumosos e entulho", "en": "Bulky waste and rubble"},
        "asks": {"fr": "Combien d’objets ou de brouettes ?", "pt": "Quantos objetos ou carrinhos de mão?", "en": "How many pieces or barrows?"},
        "resource": "waste-bulky", "tariff": "encombrants", "measure": "objets", "most": 10, "share": 60, "icon": "waste-pile", "order": 30,
    },
}  # fmt: skip


def load() -> None:
    """Idempotent; what the town changed stays as it is."""
    money.accounts()
    for slug, values in RESOURCES.items():
        bookings.Resource.objects.get_or_create(slug=slug, defaults=values)
    PickUpKind.objects.bulk_create(
        [PickUpKind(slug=slug, **values) for slug, values in KINDS.items()], ignore_conflicts=True
    )
