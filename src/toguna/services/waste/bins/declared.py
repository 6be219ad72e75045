"""What this part declares: how full bins are."""

from __future__ import annotations

from datetime import timedelta

from toguna.engines.cases.api import CaseMoved, CaseOpened
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Declaration
from toguna.kernel.tasks import Periodic
from toguna.services.waste.bins import layers, reactions
from toguna.services.waste.places.events import PlaceReported

PROVIDES: tuple[Declaration, ...] = (
    reactions.BIN_FULL,
    reactions.BIN_BURNS,
    reactions.NEXT_ROUND,
    layers.FULLNESS,
    Reaction(PlaceReported, reactions.on_place_reported),
    Reaction(CaseOpened, reactions.on_case_opened),
    Reaction(CaseMoved, reactions.on_case_moved),
    Periodic("waste-sensors", timedelta(minutes=10), reactions.listen),
    Periodic("waste-forecast", timedelta(hours=6), reactions.nightly),
)
