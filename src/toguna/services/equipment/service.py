"""The service `equipment`: what the town's equipment is worth to it, counted and published. The register itself is the engine `assets`."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.assets import api as assets
from toguna.kernel.manifest import Service
from toguna.kernel.web import Page, Urls
from toguna.services.equipment import measures, opened

SERVICE = Service(
    name="equipment",
    section="objects",
    title=_("Equipment"),
    provides=(
        *measures.MEASURES,
        opened.REGISTER,
        opened.COSTS,
        Page("desk-equipment-figures", _("Figures of equipment"), "figures", "desk-equipment-figures", where=("desk",), permission=assets.READ, order=14),
        Urls("equipment", "", "toguna.services.equipment.urls"),
    ),
)  # fmt: skip
