"""What the desk of telemetry declares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.telemetry.desk import reading
from toguna.engines.telemetry.devices import reads
from toguna.engines.telemetry.devices.register import READ
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration
from toguna.kernel.web import DeskBlock, Page, Urls


def _numbers(actor: Actor) -> Sequence[tuple[Any, Any, str]]:
    found = reads.numbers(actor)
    alarms = reading.alarms(actor, only_open=True).count()
    return [
        (_("Alarms now"), alarms, reverse("desk-alarms")),
        (_("Devices heard today"), f"{found['heard']} / {found['active']}", reverse("desk-devices")),
        (_("In quarantine"), found["waiting"], reverse("desk-quarantine")),
    ]


PROVIDES: tuple[Declaration, ...] = (
    Urls("telemetry-desk", "desk/devices/", "toguna.engines.telemetry.desk.urls"),
    Page("desk-devices", gettext_lazy("Devices and alarms"), "gps", "desk-devices", where=("desk",), permission=READ, order=82),
    DeskBlock("telemetry", gettext_lazy("Devices and alarms"), READ, _numbers, order=82),
)  # fmt: skip
