"""The tables of `telemetry`. Readings and positions themselves are partitioned tables, read and written by SQL alone: see
the first migration and `history`."""

from toguna.engines.telemetry.models.devices import Decoder, Device, Latest, NetworkKey, Quantity, Refused
from toguna.engines.telemetry.models.history import Archive, Hour, Policy, SpoolMark
from toguna.engines.telemetry.models.rules import Alarm, AlarmRule, RuleState

__all__ = [
    "Alarm",
    "AlarmRule",
    "Archive",
    "Decoder",
    "Device",
    "Hour",
    "Latest",
    "NetworkKey",
    "Policy",
    "Quantity",
    "Refused",
    "RuleState",
    "SpoolMark",
]
