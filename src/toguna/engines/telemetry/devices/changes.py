"""What changed of the register and of the rules since this process last read them, in whatever order transactions end.

Triggers write a row for each change, with the number of its transaction. What was under way when we last looked, or has begun since, is
what we have not seen; a time, or a count, would miss a transaction that ends after one that began later. Rows are added, none is
locked. A day old, they go: who has not looked for that long reads everything.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from django.db import connection

LONG = 43200.0  # seconds without a look, after which all is read anew
MANY = 20_000  # of which one by one is no better

_SINCE = """
SELECT pg_snapshot_xmin(s)::text, c.device FROM pg_current_snapshot() s LEFT JOIN LATERAL (
    SELECT DISTINCT device FROM telemetry_change WHERE about = ANY(%s) AND xid >= %s::text::xid8
    AND (xid < pg_snapshot_xmax(s) OR xid = pg_current_xact_id_if_assigned()) LIMIT %s
) c ON true
"""  # those from pg_snapshot_xmax on are of another database, whose backup this was


class Changes:
    """Of some tables. `with since() as changed:` reads what changed since it was last read to the end of such a block."""

    def __init__(self, *tables: str) -> None:
        self._tables = [f"telemetry_{table}" for table in tables]
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """All is to be read: also when a transaction was undone in which something was read that it had made."""
        self._from, self._looked = "", 0.0

    @contextlib.contextmanager
    def since(self) -> Iterator[set[int] | None]:
        """The devices that changed; None: all is to be read. One statement; what is read after it is no older."""
        with self._lock:
            new = not self._from or not 0 <= time.time() - self._looked < LONG
            with connection.cursor() as cursor:
                cursor.execute(_SINCE, [[] if new else self._tables, self._from or "0", MANY])
                rows = cursor.fetchall()
            found = {row[1] for row in rows if row[1] is not None}
            yield None if new or len(rows) >= MANY or 0 in found else found
            self._from, self._looked = rows[0][0], time.time()


def forget_old() -> None:
    """A Periodic."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM telemetry_change WHERE made < now() - interval '1 day'")
