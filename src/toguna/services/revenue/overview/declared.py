"""What this part declares: map, figures, potential."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls
from toguna.services.revenue.overview import counting, figures, layers, open_data

PROVIDES: tuple[Declaration, ...] = (
    Urls("revenue-overview", "desk/revenue/", "toguna.services.revenue.overview.urls"),
    Page(
        "desk-revenue",
        _("Taxes and fees"),
        "figures",
        "desk-revenue",
        where=("desk",),
        permission="revenue.read",
        order=59,
    ),
    Page(
        "desk-revenue-streets",
        _("Where to go next"),
        "road",
        "desk-revenue-streets",
        where=(),
        permission="revenue.read",
    ),
    Periodic("revenue-standing", timedelta(minutes=15), counting.count_now),
    *figures.MEASURES,
    layers.THINGS,
    layers.STREETS,
    layers.POTENTIAL,
    open_data.COLLECTED,
)
