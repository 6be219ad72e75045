"""Messages that have done their work go: with what they were about, or with time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection

KEEP: Any = timedelta(days=180)  # long enough to answer "I was told nothing"


def forget(said: Iterable[str], *, mentioning: Iterable[str]) -> None:
    """Deletes, in the caller's transaction, the messages whose key begins with one of `said` and a colon; and those in which
    one of the codes `mentioning` (letters and digits only) is written, such as a digest of several things."""
    with connection.cursor() as cursor:
        # As a range rather than LIKE, whose pattern must be known beforehand: the key's index then serves each of them,
        # one by one (OFFSET 0: joined as a whole it would compare every message with every key).
        cursor.execute(
            """
            DELETE FROM channels_message WHERE id IN (
                SELECT m.id FROM unnest(%s::text[]) AS said,
                LATERAL (SELECT id FROM channels_message WHERE key ~>=~ (said || ':') AND key ~<~ (said || ';') OFFSET 0) m)
            """,
            [list(said)],
        )
        if codes := [code for code in mentioning if code.isalnum()]:
            cursor.execute(
                "DELETE FROM channels_message WHERE text ~ %s OR subject ~ %s",
                [pattern := rf"\m({'|'.join(codes)})\M", pattern],
            )


def forget_old() -> None:
    """What was sent more than KEEP ago."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM channels_message WHERE created < now() - %s", [KEEP])
