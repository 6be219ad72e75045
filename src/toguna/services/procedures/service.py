"""The service `procedures`: what the town does for whoever asks, what to bring, what it costs, where."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.kernel.access import ADMINISTRATOR, MANAGER, Permission
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.manifest import Service
from toguna.kernel.web import Page, Urls
from toguna.services.procedures import actions, commands, demo, starter

SERVICE = Service(
    name="procedures",
    title=_("Procedures"),
    provides=(
        Permission(actions.SET_UP, _("Write what the town tells of its procedures"), frozenset({MANAGER, ADMINISTRATOR})),
        Page("procedures", _("Procedures"), "copy", "procedures", where=("home", "nav"), order=15,
             summary=_("A birth, a paper, a permit: what to bring, what it costs, how long it takes.")),
        Page("desk-procedures", _("Procedures"), "copy", "desk-procedures", where=("desk",), permission=actions.SET_UP, order=72),
        commands.PROCEDURES,
        Starter("procedures", starter.load, order=30),
        Demo("procedures", demo.load, order=64),
        Urls("procedures", "", "toguna.services.procedures.urls"),
    ),
)  # fmt: skip
