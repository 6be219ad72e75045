"""Addresses that only those we gave them to can know: of one message's delivery reports, of one gateway's calls."""

from __future__ import annotations

from django.utils.crypto import constant_time_compare, salted_hmac


def secret(kind: str) -> str:
    """A word for one use, the same each time, that nobody can guess."""
    return salted_hmac("channels.gateway", kind, algorithm="sha256").hexdigest()[:24]


def is_secret(kind: str, given: str) -> bool:
    return constant_time_compare(given, secret(kind))


def mark(message: int) -> str:
    """For the id of a message: "81-3fa9c2d41bd0"."""
    return f"{message}-{_sign(message)}"


def read_mark(given: str) -> int | None:
    """The id of the message whose mark this is; None when it was made up."""
    number, _dash, sign = given.partition("-")
    if (
        not (number.isascii() and number.isdigit())
        or len(number) > 18
        or not constant_time_compare(sign, _sign(int(number)))
    ):
        return None
    return int(number)


def _sign(message: int) -> str:
    return salted_hmac("channels.dlr", str(message), algorithm="sha256").hexdigest()[:12]
