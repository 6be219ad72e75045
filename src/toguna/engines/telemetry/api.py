"""The door of `telemetry`: devices and what they say, whatever their tongue; what is known of them now and before; rules and alarms.

A service registers its devices (`register_device(code, door, Told(service="waste", ref="scale:7K2", ...), by=...)`) or says on what one that
the town has registered stands (`stand(device, "waste", "bin:K7M4XZ", by=...)`), declares rules
(`Rule("bin-full", {...}, Threshold("fill", above=85, clear=70), service="waste")`), says what it can do when
an alarm is raised (`AlarmReaction`: officers choose it in any rule), and reacts to `AlarmRaised`, `AlarmCleared`,
`SignedReading`, `ReadingRefused` and `DeviceSuspected`.
"""

from __future__ import annotations

from toguna.engines.telemetry.devices.keys import sign
from toguna.engines.telemetry.devices.reads import Last, Spot, devices, latest, positions_within, visible
from toguna.engines.telemetry.devices.register import (
    Told,
    accept,
    key_of,
    new_key,
    register_device,
    retire,
    stand,
    take_back,
)
from toguna.engines.telemetry.doors.broker import Missing as BrokerMissing
from toguna.engines.telemetry.doors.broker import address as broker_address
from toguna.engines.telemetry.doors.broker import prepare as prepare_broker
from toguna.engines.telemetry.events import (
    AlarmCleared,
    AlarmEscalated,
    AlarmRaised,
    DeviceSuspected,
    ReadingRefused,
    SignedReading,
)
from toguna.engines.telemetry.history.hours import HourOf, hours
from toguna.engines.telemetry.history.reading import Position, Reading, metres, readings, track
from toguna.engines.telemetry.intake.draining import Drained
from toguna.engines.telemetry.intake.draining import waiting as spool_waiting
from toguna.engines.telemetry.intake.observation import Observation
from toguna.engines.telemetry.intake.refusals import refused_said
from toguna.engines.telemetry.intake.spool import bad as spool_unread
from toguna.engines.telemetry.intake.spool import room as spool_room
from toguna.engines.telemetry.intake.taking import ingest
from toguna.engines.telemetry.models import Alarm, Decoder, Device, Quantity, Refused
from toguna.engines.telemetry.rules.actions import acknowledge
from toguna.engines.telemetry.rules.conditions import (
    All,
    Any_,
    Condition,
    During,
    Geofence,
    Rate,
    Silence,
    Threshold,
    metres_between,
)
from toguna.engines.telemetry.rules.days import Days, Span
from toguna.engines.telemetry.rules.declared import Rule
from toguna.engines.telemetry.rules.reacting import AlarmReaction

__all__ = [
    "Alarm",
    "AlarmCleared",
    "AlarmEscalated",
    "AlarmRaised",
    "AlarmReaction",
    "All",
    "Any_",
    "BrokerMissing",
    "Condition",
    "Days",
    "Decoder",
    "Device",
    "DeviceSuspected",
    "Drained",
    "During",
    "Geofence",
    "HourOf",
    "Last",
    "Observation",
    "Position",
    "Quantity",
    "Rate",
    "Reading",
    "ReadingRefused",
    "Refused",
    "Rule",
    "SignedReading",
    "Silence",
    "Span",
    "Spot",
    "Threshold",
    "Told",
    "accept",
    "acknowledge",
    "broker_address",
    "devices",
    "hours",
    "ingest",
    "key_of",
    "latest",
    "metres",
    "metres_between",
    "new_key",
    "positions_within",
    "prepare_broker",
    "readings",
    "refused_said",
    "register_device",
    "retire",
    "sign",
    "spool_room",
    "spool_unread",
    "spool_waiting",
    "stand",
    "take_back",
    "track",
    "visible",
]
