"""What this part declares: what is counted."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls
from toguna.services.waste.figures import measures

PROVIDES: tuple[Declaration, ...] = (
    *measures.MEASURES,
    Page(
        "desk-waste-figures",
        _("Figures of waste"),
        "figures",
        "desk-waste-figures",
        where=("desk",),
        permission="waste.read",
        order=60,
    ),
    Urls("waste-figures", "", "toguna.services.waste.figures.urls"),
)
