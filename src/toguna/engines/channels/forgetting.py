"""Messages that have done their work go: with what they were about, or with time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection

KEEP: Any = timedelta(days=180)  # long enough to answer "I was told nothing"


def forget(said: Iterable[str], *, mentioning: Iterable[str]) -> None:
    """Deletes, in the caller's transaction, the messages whose key is one of `said` or starts with it and a colon; and those
    in which one of the codes `mentioning` (letters and digits only) is written, such as a digest of several things."""
    with connection.cursor() as cursor:
        # As ranges rather than LIKE: the key's pattern index then serves each of them.
        cursor.execute(
            """
            DELETE FROM channels_message WHERE id IN (
                SELECT m.id FROM unnest(%s::text[]) AS said
                JOIN channels_message m ON m.key = said OR (m.key ~>=~ (said || ':') AND m.key ~<~ (said || ';')))
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
