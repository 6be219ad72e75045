"""What this part declares: what is counted."""

from __future__ import annotations

from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Urls
from toguna.services.waste.figures import measures

PROVIDES: tuple[Declaration, ...] = (
    *measures.MEASURES,
    Urls("waste-figures", "", "toguna.services.waste.figures.urls"),
)
