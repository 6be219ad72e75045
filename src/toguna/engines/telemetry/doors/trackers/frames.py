"""What the protocols of trackers share: a conversation that is fed bytes, and says what came and what to answer.

A decoder never raises anything but `BadFrame`, and never keeps more than one frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from toguna.engines.telemetry.intake.observation import Observation

KNOT = 1.852  # km/h


class BadFrame(ValueError):
    """What came is no frame of the protocol: the connection is closed."""


@dataclass
class Heard:
    """code: who speaks (IMEI or its own number); asks: it waits to hear whether it is known; answer: sent once the
    observations are on the disk; refused: sent instead to one that is not in the register."""

    code: str = ""
    observations: list[Observation] = field(default_factory=list)
    answer: bytes = b""
    asks: bool = False
    refused: bytes = b""


class Conversation(Protocol):
    """One connection. feed() takes what came and gives what it holds that is whole."""

    def feed(self, data: bytes) -> list[Heard]: ...


def degrees(text: str, side: str) -> float:
    """ "1234.5678", "S" -> -12.57613: degrees and minutes. Raises BadFrame."""
    whole, dot, rest = text.partition(".")
    if (
        not whole.isdecimal()
        or len(whole) > 5  # three figures of degrees, two of minutes
        or (dot and not rest.isdecimal())
        or not text.isascii()
        or side not in ("N", "S", "E", "W")
    ):
        raise BadFrame("no coordinate")
    value = float(text)
    found = int(value / 100) + value % 100 / 60
    if found > (90 if side in "NS" else 180):
        raise BadFrame("no coordinate")
    return -found if side in "SW" else found


def number(text: str) -> float | None:
    """A decimal number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -1e9 < value < 1e9 else None


def moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    """Raises BadFrame."""
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise BadFrame("no time") from error


def imei(text: str) -> str:
    """10 to 17 figures. Raises BadFrame."""
    if not (text.isascii() and text.isdecimal() and 5 <= len(text) <= 17):
        raise BadFrame("no IMEI")
    return text
