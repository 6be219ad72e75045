"""What happens to devices and what they say, for whoever reacts. Times are ISO 8601 in UTC; ids are those of the tables."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class AlarmRaised(Event):
    """rule: its name; service, ref: of the device ("waste", "bin:12"); level: 1 notice, 2 warning, 3 emergency."""

    alarm: int
    rule: str
    device: int
    service: str
    ref: str
    level: int
    value: float | None
    at: str


@dataclass(frozen=True)
class AlarmCleared(Event):
    alarm: int
    rule: str
    device: int
    service: str
    ref: str
    at: str


@dataclass(frozen=True)
class AlarmEscalated(Event):
    """Nobody acknowledged it in time: it went up one level."""

    alarm: int
    rule: str
    device: int
    service: str
    ref: str
    level: int


@dataclass(frozen=True)
class SignedReading(Event):
    """A reading whose signature was checked (a scale's): taken once, at the time that the device says. seq: its own number."""

    device: int
    service: str
    ref: str
    quantity: str
    value: float
    at: str
    seq: int


@dataclass(frozen=True)
class ReadingRefused(Event):
    """What a registered device sent was not believed; what it was is kept. reason: of `Refused.Reason`."""

    refused: int
    device: int
    service: str
    ref: str
    reason: str


@dataclass(frozen=True)
class DeviceSuspected(Event):
    """A device looks like two, or like another one: it waits in quarantine until somebody looked."""

    device: int
    service: str
    ref: str
    reason: str
