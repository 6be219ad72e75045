"""Days that left the database: Parquet files, read by DuckDB.

One file a day and table, in the home folder's readings/, rows by device then time: a device's day is read without the rest.
Its rows are counted and its digest is kept before the partition goes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from toguna.engines.telemetry.history import partitions
from toguna.engines.telemetry.models import Archive, Policy, Refused
from toguna.kernel import places
from toguna.kernel.heavy import Heavy

duckdb = Heavy("duckdb")
COLUMNS = {
    "reading": "device INTEGER, quantity SMALLINT, at TIMESTAMPTZ, value DOUBLE, seq BIGINT, flags SMALLINT",
    "position": "device INTEGER, at TIMESTAMPTZ, lat DOUBLE, lon DOUBLE, speed FLOAT, course FLOAT, altitude FLOAT, seq BIGINT, "
    "flags SMALLINT",
}

REFUSED = timedelta(days=180)  # what was not believed, and has not come again
_AT = 'epoch_us("at")'  # "at" is a word of its SQL


def folder() -> Path:
    return places.home() / "readings"


def names(table: str) -> list[str]:
    return [column.split()[0] for column in COLUMNS[table].split(", ")]


def put_away() -> list[Archive]:
    """Moves days older than the policy says into files, a day in one go; cut at any line, it goes on the next time. A Periodic."""
    made: list[Archive] = []
    for policy in Policy.objects.all():
        limit = datetime.now(UTC).date() - timedelta(days=max(policy.raw_days, Policy.LEAST))
        partitions.gather(policy.table)
        for day in partitions.existing(policy.table):
            if day < limit:
                made += filter(None, [_put_away(policy.table, day)])
    return made


def _put_away(table: str, day: date) -> Archive | None:
    of = partitions.name(table, day)
    # No late reading comes in between: they are few, and wait (the loader keeps them in the spool meanwhile).
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE telemetry_{table} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"SELECT count(*) FROM {of}")
        rows = cursor.fetchone()[0]
        row = None
        if rows:
            # A day that was put away already and got late ones since is written anew, whole.
            row = _write(table, day, of, rows)
        cursor.execute(f"ALTER TABLE telemetry_{table} DETACH PARTITION {of}")
        cursor.execute(f"DROP TABLE {of}")
    partitions.gone(day)
    return row


def _write(table: str, day: date, of: str, count: int) -> Archive:
    columns = ", ".join(names(table))
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder() / f"{table}-{day:%Y%m%d}.parquet"
    for left in folder().glob(
        f".making-{table}-*"
    ):  # of a move that the power cut; no other goes on, the table is locked
        shutil.rmtree(left, ignore_errors=True)
    # A file that nobody wrote down is of a move that was cut: its rows are all still in the table, or were deleted there since.
    before = Archive.objects.filter(table=table, day=day).exists()
    with tempfile.TemporaryDirectory(dir=folder(), prefix=f".making-{table}-") as making:
        text, made = Path(making) / "rows.csv", Path(making) / "rows.parquet"
        get = f"COPY (SELECT {columns} FROM {of}) TO STDOUT (FORMAT csv)"
        with text.open("wb") as out, connection.cursor() as cursor, cursor.copy(get) as copy:
            for part in copy:
                out.write(bytes(part))
        kinds = ", ".join(f"'{c.split()[0]}': '{c.split()[1]}'" for c in COLUMNS[table].split(", "))
        with duckdb.connect(config={"threads": 1, "memory_limit": "256MB", "temp_directory": making}) as lake:
            lake.execute("SET TimeZone = 'UTC'")
            rows = f"SELECT * FROM read_csv('{text}', header = false, columns = {{{kinds}}})"
            found = lake.execute(f"SELECT count(*) FROM ({rows})").fetchone()[0]
            if found != count:
                raise RuntimeError(f"{of}: {found} rows read of {count}")
            if before and target.exists():
                # Late ones of a day that was put away before; a repeat of what is there is the same row.
                rows = f"{rows} UNION SELECT * FROM read_parquet('{target}')"
            lake.execute(
                f'COPY (SELECT * FROM ({rows}) ORDER BY device, "at") '
                f"TO '{made}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 50000)"
            )
            total = lake.execute(f"SELECT count(*) FROM read_parquet('{made}')").fetchone()[0]
        with made.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        made.replace(target)
    row, _made = Archive.objects.update_or_create(
        table=table, day=day, defaults={"file": target.name, "rows": total, "digest": digest}
    )
    return row


def read(
    table: str, device: int, start: datetime, end: datetime, *, quantity: int | None = None
) -> list[tuple[Any, ...]]:
    """Rows of a device in the files, oldest first; all columns of the table, as it has them."""
    days = Archive.objects.filter(
        table=table, day__gte=start.astimezone(UTC).date(), day__lte=end.astimezone(UTC).date()
    )
    paths = [str(folder() / row.file) for row in days.order_by("day")]
    there = [path for path in paths if Path(path).exists()]
    if not there:
        return []
    values: list[Any] = [there, device, start, end]
    only = ""
    if quantity is not None:
        only = " AND quantity = ?"
        values.append(quantity)
    with duckdb.connect(config={"threads": 1, "memory_limit": "256MB"}) as lake:
        lake.execute("SET TimeZone = 'UTC'")
        found: Sequence[tuple[Any, ...]] = lake.execute(
            f"SELECT {', '.join(_AT if n == 'at' else n for n in names(table))} FROM read_parquet(?) "
            f'WHERE device = ? AND "at" >= ? AND "at" < ?{only} ORDER BY "at", seq',
            values,
        ).fetchall()
    where = names(table).index("at")
    return [(*row[:where], datetime.fromtimestamp(row[where] / 1e6, UTC), *row[where + 1 :]) for row in found]


def forget_old() -> None:
    """Files and hours that are older than the policy says go for good. A Periodic."""
    today = datetime.now(UTC).date()
    Refused.objects.filter(last__lt=datetime.now(UTC) - REFUSED).delete()
    for policy in Policy.objects.all():
        for row in Archive.objects.filter(table=policy.table, day__lt=today - timedelta(days=policy.file_days)):
            (folder() / row.file).unlink(missing_ok=True)
            row.delete()
        if policy.table == "reading":
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM telemetry_hour WHERE hour < %s", [today - timedelta(days=policy.hour_days)])
