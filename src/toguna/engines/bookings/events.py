"""What happens to bookings."""

from __future__ import annotations

from dataclasses import dataclass

from toguna.kernel.events import Event


@dataclass(frozen=True)
class Booked(Event):
    """booking: id, now sure; resource: slug; subject_kind, subject: what it is about, "" for nothing."""

    booking: int
    resource: str
    subject_kind: str
    subject: str


@dataclass(frozen=True)
class BookingEnded(Event):
    """state: "came", "no_show", "cancelled" or "expired"."""

    booking: int
    resource: str
    subject_kind: str
    subject: str
    state: str
