"""A scale that weighs what is sorted gives its points by itself."""

from __future__ import annotations

from django.utils import timezone

from toguna.kernel.access import SYSTEM
from toguna.services.waste.models import Weighing
from toguna.services.waste.sorting import actions
from toguna.services.waste.weighing.actions import Weighed


def on_weighed(event: Weighed) -> None:
    """Reaction: once for each weighing."""
    row = Weighing.objects.select_related("household", "material", "place").filter(pk=event.weighing).first()
    if (
        row is None
        or row.household is None
        or row.material is None
        or not row.material.sorted
        or not row.grammes
        or row.at is None
    ):
        return
    actions.earn(
        row.household, row.material, min(row.grammes, actions.MOST_GRAMMES), key=f"weighing:{row.pk}", by=SYSTEM, place=row.place, weighing=row,
        day=timezone.localdate(row.at),
    )  # fmt: skip
