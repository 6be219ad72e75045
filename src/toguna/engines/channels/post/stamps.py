"""What is written on each e-mail that leaves, so that an answer to it, or a bounce, finds its way back: the number of the
message and a signature, in its Message-ID and after the + of its Reply-To. Nobody makes one up."""

from __future__ import annotations

import re

from django.utils.crypto import constant_time_compare, salted_hmac


def stamp(message: int) -> str:
    """For a Message's id: "81-3fa9c2d41bd0"."""
    return f"{message}-{_mark(message)}"


def read_stamp(given: str) -> int | None:
    """The id of the message whose stamp this is (a Message-ID, an address or the stamp alone); None for anything else."""
    found = re.match(r"(?:[^@]*\+)?(\d{1,18})-([0-9a-f]{12})(?:@|$)", given)
    if found is None or not constant_time_compare(found.group(2), _mark(int(found.group(1)))):
        return None
    return int(found.group(1))


def _mark(message: int) -> str:
    return salted_hmac("channels.post", str(message), algorithm="sha256").hexdigest()[:12]
