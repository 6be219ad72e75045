"""How often one may do something: per phone, device or account, never per address alone (a whole town shares one)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils.translation import ngettext


class TooMany(Exception):
    """The limit is reached. `retry_after` in seconds; str() is a sentence for the person."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:  # said when it is read: in the reader's language, not in that of where it was raised
        minutes = max(1, -(-self.retry_after // 60))
        return ngettext(
            "That is too many times in a row. Try again in %(minutes)d minute.",
            "That is too many times in a row. Try again in %(minutes)d minutes.",
            minutes,
        ) % {"minutes": minutes}


def hit(what: str, who: str, *, at_most: int, per: timedelta) -> int:
    """Counts one more and says how many that makes in this window; raises TooMany when `who` did `what` more than `at_most` times in this window. One statement."""
    key = hashlib.sha256(f"{what}\0{who}".encode()).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO kernel_limit (key, "window", count) VALUES (%s, date_bin(%s, now(), 'epoch'), 1)
            ON CONFLICT (key, "window") DO UPDATE SET count = kernel_limit.count + 1
            RETURNING count, extract(epoch FROM "window" + %s - now())::int
            """,
            list[Any]([key, per, per]),
        )
        count, left = cursor.fetchone()
    if count > at_most:
        raise TooMany(left)
    return int(count)
