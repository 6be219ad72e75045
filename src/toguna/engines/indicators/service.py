"""What `indicators` declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.indicators import counting
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission
from toguna.kernel.demo import Demo
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls

SERVICE = Service(
    name="indicators",
    section="territory",
    provides=(
        Permission(
            "indicators.read",
            _("See the figures of the back office"),
            frozenset({READER, AGENT, MANAGER, ADMINISTRATOR}),
        ),
        Page(
            "figures",
            _("Figures"),
            "figures",
            "figures",
            where=("home", "nav"),
            order=60,
            summary=_("What the town does, in numbers."),
        ),
        Page(
            "desk-figures",
            _("Figures"),
            "figures",
            "desk-figures",
            where=("desk",),
            permission="indicators.read",
            order=60,
        ),
        Periodic("indicators", timedelta(minutes=15), counting.refresh_all),
        Periodic("indicators-older", timedelta(days=1), counting.refresh_older),
        Demo("indicators", lambda files: counting.refresh_all(everything=True), order=900),
        Urls("indicators", "", "toguna.engines.indicators.urls"),
    ),
)
