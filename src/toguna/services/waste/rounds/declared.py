"""What this part declares: the trucks' rounds."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.assets.api import AssetState
from toguna.engines.documents.api import FileSubject
from toguna.engines.people.api import Erasure, PersonalData
from toguna.kernel.demo import Demo
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Page, Urls
from toguna.services.waste.hub import WasteDoor
from toguna.services.waste.rounds import coming, commands, crew, demo, evening, figures, speeds, telling, vehicles
from toguna.services.waste.rounds.events import RoundsChanged, RoundsPlanned, RoundsPublished

PROVIDES: tuple[Declaration, ...] = (
    Page("desk-rounds", _("Rounds"), "bus", "desk-rounds", where=("desk",), permission="waste.read", order=32),
    WasteDoor(
        "truck", _("When the waste truck comes"), "bus", "truck-comes", summary=_("Today or tomorrow, at which hour, at the bin near you."), order=30
    ),
    commands.TRUCK,
    Reaction(AssetState, vehicles.on_state),
    Reaction(RoundsPlanned, telling.on_planned),
    Reaction(RoundsPublished, telling.on_published),
    Reaction(RoundsChanged, telling.on_changed),
    Periodic("waste-evening-plan", timedelta(minutes=10), evening.plan),
    Periodic("waste-truck-near", timedelta(minutes=1), coming.tell_near),
    Periodic("waste-live-speeds", timedelta(minutes=2), speeds.live),
    Periodic("waste-learned-speeds", timedelta(hours=1), speeds.learn),
    PersonalData("waste-truck", coming.export),
    Erasure("waste-truck", coming.forget),
    FileSubject("waste.visit", _("Stop of a round"), crew.may_read_photo, crew.may_add_photo),
    *figures.MEASURES,
    Demo("waste-rounds", demo.load, order=46),
    Urls("waste-rounds", "", "toguna.services.waste.rounds.urls"),
)  # fmt: skip
