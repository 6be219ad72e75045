"""What `telemetry` declares."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.people.api import Erasure, PersonalData
from toguna.engines.telemetry.desk import declared as desk
from toguna.engines.telemetry.devices import changes, forgetting
from toguna.engines.telemetry.devices.register import MANAGE, READ, bring
from toguna.engines.telemetry.doors import sms
from toguna.engines.telemetry.events import AlarmRaised
from toguna.engines.telemetry.history import files, hours, partitions
from toguna.engines.telemetry.intake import draining
from toguna.engines.telemetry.rules import actions as rules
from toguna.engines.telemetry.rules import reacting
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Permission
from toguna.kernel.demo import Starter
from toguna.kernel.events import Reaction
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Section, Urls


def _drain() -> None:
    draining.drain(wait=5)


def _tick() -> None:
    rules.tick()
    rules.escalate()


def _put_away() -> None:
    # What waits on the disk may be as old as what goes: first it is compared with that.
    if not draining.drain(wait=5).busy:
        files.put_away()
    files.forget_old()
    changes.forget_old()


SERVICE = Service(
    name="telemetry",
    section="objects",
    title=_("Devices"),
    provides=(
        Section("objects", _("Devices and vehicles"), "gps", order=70),
        Permission(READ, _("See devices, what they say, and alarms"), frozenset({AGENT, MANAGER, ADMINISTRATOR})),
        Permission(MANAGE, _("Register devices, make rules"), frozenset({MANAGER, ADMINISTRATOR})),
        Starter("telemetry", bring, order=10),
        Urls("telemetry", "", "toguna.engines.telemetry.urls"),
        sms.DATA,
        PersonalData("telemetry", forgetting.export),
        Erasure("telemetry", forgetting.erase),
        *desk.PROVIDES,
        Reaction(AlarmRaised, reacting.on_alarm_raised),
        Periodic("telemetry-drain", timedelta(seconds=20), _drain),
        Periodic("telemetry-partitions", timedelta(hours=6), partitions.ahead),
        Periodic("telemetry-index", timedelta(hours=12), partitions.index_ended),
        Periodic("telemetry-hours", timedelta(hours=1), hours.sum_up),
        Periodic("telemetry-archive", timedelta(hours=12), _put_away),
        Periodic("telemetry-rules", timedelta(minutes=1), _tick),
    ),
)
