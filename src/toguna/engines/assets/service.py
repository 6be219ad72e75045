"""What `assets` declares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from toguna.engines.assets import actions, commands, demo, photos, reads, work
from toguna.engines.documents.api import FileSubject
from toguna.engines.people import api as people
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Actor, Permission
from toguna.kernel.demo import Demo
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import DeskBlock, Page, Urls

WORKERS, HEADS = frozenset({AGENT, MANAGER, ADMINISTRATOR}), frozenset({MANAGER, ADMINISTRATOR})


def _numbers(actor: Actor) -> Sequence[tuple[Any, Any, str]]:
    found = reads.numbers(actor)
    return (
        (_("Equipment out of service"), found["off"], reverse("desk-asset-orders")),
        (_("Documents that end within a month"), found["due"], reverse("desk-asset-due")),
    )


def _follow() -> None:
    actions.follow()


def _plans() -> None:
    work.run_plans()


def _due() -> None:
    work.tell_due()


SERVICE = Service(
    name="assets",
    section="objects",
    title=_("Equipment"),
    provides=(
        Permission(actions.READ, _("See equipment and the work on it"), WORKERS | {READER}),
        Permission(actions.USE, _("Say breakdowns, fuel and kilometres, do the work on equipment"), WORKERS),
        Permission(actions.MANAGE, _("Keep the register of equipment, its documents and plans"), HEADS),
        Page("desk-assets", _("Equipment"), "repair", "desk-assets", where=("desk",), permission=actions.READ, order=10),
        Page("asset-phone", _("Scan equipment"), "camera", "asset-phone", where=("desk",), permission=actions.USE, order=12),
        DeskBlock("assets", _("Equipment"), actions.READ, _numbers, order=70),
        FileSubject(photos.SUBJECT, _("Equipment"), photos.may_read, photos.may_add),
        commands.FUEL,
        commands.BROKEN,
        people.PersonalData("assets", actions.export),
        people.Erasure("assets", actions.erase),
        Periodic("assets-way", timedelta(minutes=15), _follow),
        Periodic("assets-plans", timedelta(hours=1), _plans),
        Periodic("assets-papers", timedelta(hours=1), _due),
        Demo("assets", demo.load, order=48),
        Urls("assets", "", "toguna.engines.assets.urls"),
    ),
)  # fmt: skip
