"""The door of `bookings`: what can be had at a time, and who has it."""

from __future__ import annotations

from toguna.engines.bookings.actions import (
    HANDLE,
    READ,
    SET_UP,
    Full,
    Refused,
    Wish,
    book,
    came,
    cancel,
    confirm,
    hold,
    move,
    no_show,
)
from toguna.engines.bookings.events import Booked, BookingEnded
from toguna.engines.bookings.models import Booking, Resource
from toguna.engines.bookings.reads import (
    Offer,
    address_of,
    appointment_url,
    by_code,
    free,
    key_of,
    resource,
    resources,
    upcoming,
)
from toguna.engines.bookings.setup import save_resource
from toguna.engines.bookings.subjects import Subject

__all__ = [
    "HANDLE",
    "READ",
    "SET_UP",
    "Booked",
    "Booking",
    "BookingEnded",
    "Full",
    "Offer",
    "Refused",
    "Resource",
    "Subject",
    "Wish",
    "address_of",
    "appointment_url",
    "book",
    "by_code",
    "came",
    "cancel",
    "confirm",
    "free",
    "hold",
    "key_of",
    "move",
    "no_show",
    "resource",
    "resources",
    "save_resource",
    "upcoming",
]
