"""What this part declares: scales, and what they charge."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from toguna.engines.telemetry.api import ReadingRefused, SignedReading
from toguna.kernel.demo import Demo, Starter
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import Page, Urls
from toguna.services.waste.weighing import actions, commands, demo, starter, telling

PROVIDES: tuple[Declaration, ...] = (
    commands.WEIGHT,
    Page(
        "desk-waste-scales",
        _("Scales"),
        "figures",
        "desk-waste-scales",
        where=("desk",),
        permission="waste.read",
        order=40,
    ),
    Urls("waste-weighing", "", "toguna.services.waste.weighing.urls"),
    Reaction(SignedReading, actions.on_reading),
    Reaction(ReadingRefused, actions.on_refused),
    Reaction(actions.Weighed, telling.on_weighed),
    Starter("waste-weighing", starter.load, order=22),
    Demo("waste-weighing", demo.load, order=43),
)
