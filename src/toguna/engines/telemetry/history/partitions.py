"""A partition for each day (UTC), made ahead; days that are over get an index by device."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from toguna.kernel import turns

TABLES = ("reading", "position")
AHEAD = 7
_ready: set[date] = set()


def forget() -> None:
    """For tests: what this process knows of the partitions that are there."""
    _ready.clear()


def name(table: str, day: date) -> str:
    return f"telemetry_{table}_{day:%Y%m%d}"


def ensure(days: Iterable[date]) -> None:
    """Makes what lacks. Rows that were put aside because their day had no partition come into it."""
    wanted = [day for day in days if day not in _ready]
    if not wanted:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        turns.one_at_a_time("telemetry.partitions")
        for day in wanted:
            for table in TABLES:
                _make(cursor, table, day)
    _ready.update(wanted)


def _make(cursor: object, table: str, day: date) -> None:
    run = cursor.execute  # type: ignore[attr-defined]
    made = name(table, day)
    run("SELECT to_regclass(%s) IS NOT NULL", [made])
    if cursor.fetchone()[0]:  # type: ignore[attr-defined]
        return
    low, high = f"{day:%Y-%m-%d} 00:00+00", f"{day + timedelta(days=1):%Y-%m-%d} 00:00+00"
    aside = f"telemetry_{table}_other"
    run(f"CREATE TABLE {made} (LIKE telemetry_{table} INCLUDING DEFAULTS)")
    run(
        f"WITH moved AS (DELETE FROM {aside} WHERE at >= %s AND at < %s RETURNING *) INSERT INTO {made} SELECT * FROM moved",
        [low, high],
    )
    run(f"ALTER TABLE telemetry_{table} ATTACH PARTITION {made} FOR VALUES FROM ('{low}') TO ('{high}')")


def gone(day: date) -> None:
    """It was put away: what comes late for it is put aside, until `gather`."""
    _ready.discard(day)


def gather(table: str) -> None:
    """What was put aside gets the partitions of its days."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT (at AT TIME ZONE 'UTC')::date FROM telemetry_{table}_other")
        days = [row[0] for row in cursor.fetchall()]
    for day in days:
        gone(day)
    ensure(days)


def ahead() -> None:
    """Today's and those of the coming days: a Periodic."""
    today = datetime.now(UTC).date()
    ensure(today + timedelta(days=n) for n in range(-1, AHEAD + 1))


def existing(table: str) -> list[date]:
    """The days that have a partition, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = %s::regclass AND c.relname ~ '_[0-9]{8}$' ORDER BY 1",
            [f"telemetry_{table}"],
        )
        return [datetime.strptime(row[0][-8:], "%Y%m%d").replace(tzinfo=UTC).date() for row in cursor.fetchall()]


def index_ended() -> None:
    """A day that is over gets an index by device: while it lasts, it would cost each reading more than it spares."""
    today = datetime.now(UTC).date()
    for table in TABLES:
        for day in existing(table):
            if day < today - timedelta(days=1):
                with connection.cursor() as cursor:
                    of = name(table, day)
                    cursor.execute(f"CREATE INDEX IF NOT EXISTS {of}_device ON {of} (device, at)")
