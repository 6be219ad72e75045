"""Trucks and the register of equipment: one that does not serve there is in no round, one that breaks down in a round is said there."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.assets import api as assets
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.waste.models import DayPlan, Round, Truck
from toguna.services.waste.rounds import changing, planning

OURS = "waste.round:"
TANK = 200  # litres of a truck like these
_IDS = uuid.UUID("c2d2b2f6-5d0f-4f41-9d0c-9d4b7a4b9a01")


def off(trucks: Iterable[Truck]) -> list[Truck]:
    """Those of them that cannot be used now. One statement."""
    rows = list(trucks)
    known = assets.unavailable(t.asset for t in rows if t.asset is not None)
    return [t for t in rows if t.asset in known]


def said_broken(one: Round, words: str, once: uuid.UUID, *, by: Actor) -> None:
    """The driver of a round says it: the garage has its work order. Whoever drives a round may say it of their truck."""
    asset = one.truck.asset
    if asset is None or assets.state_of([asset]).get(asset) in (None, assets.Asset.State.RETIRED):
        return
    assets.say_broken(
        asset, words, by=by.as_town(), client_id=uuid.uuid5(once, "asset"), ref=f"{OURS}{one.pk}",
    )  # fmt: skip


def on_state(event: assets.AssetState) -> None:
    """A reaction: a truck does not serve. If it has a round today, the others take what is left, as its driver has asked already where they said
    it; plans of the next days with it are made anew, and wait for a word."""
    if event.state == assets.Asset.State.SERVICE:
        return
    for plan in planning.standing():
        if plan.rounds.filter(truck__asset=event.asset).exists():
            planning.ask(
                plan.day, by=SYSTEM, client_id=uuid.uuid5(_IDS, f"{plan.pk} without {event.asset}"), then="tell"
            )
    if event.ref.startswith(OURS):
        return
    going = Round.objects.select_related("truck").filter(
        truck__asset=event.asset, plan__day=timezone.localdate(), plan__state=DayPlan.State.PUBLISHED,
        state__in=Round.GOING,
    )  # fmt: skip
    for one in going:
        changing.broke_down(one, _("%(truck)s broke down") % {"truck": one.truck.plate}, by=SYSTEM)


def register(trucks: Sequence[Truck], *, by: Actor) -> None:
    """Trucks that are not in the register of equipment get a place in it, by their plate. Again, nothing changes."""
    for truck in trucks:
        if truck.asset is None:
            told = assets.Told(
                "vehicle", truck.name or _("Waste truck"), truck.plate, unit=_("Waste"), point=truck.depot.point, tank=TANK, device=truck.device
            )  # fmt: skip
            once = uuid.uuid5(_IDS, truck.plate)
            truck.asset = assets.save(None, told, client_id=once, by=by).pk
            truck.save(update_fields=["asset"])
