"""What this part declares: who is taxed, and for what."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.people import api as people
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls
from toguna.services.revenue.register import actions, demo, doubles, importing, open_data, placing, reads, starter

PROVIDES: tuple[Declaration, ...] = (
    Urls("revenue-register", "", "toguna.services.revenue.register.urls"),
    Page(
        "desk-taxpayers",
        _("Register of taxpayers"),
        "bank",
        "desk-taxpayers",
        where=("desk",),
        permission=reads.READ,
        order=60,
    ),
    people.FrontAction(
        "revenue.taxpayer",
        _("Write somebody in the register of taxpayers"),
        "desk-taxpayer-new",
        actions.WRITE,
        icon="bank",
        order=60,
    ),
    Periodic("revenue-imports-forget", timedelta(days=1), importing.forget),
    Periodic("revenue-doubles", timedelta(minutes=1), doubles.look),
    Periodic("revenue-ground", timedelta(days=1), placing.ground),
    open_data.REGISTER,
    Starter("revenue", starter.load, order=20),
    Demo("revenue", demo.load, order=60),
)
