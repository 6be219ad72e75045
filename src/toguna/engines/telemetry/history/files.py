"""Days that left the database: Parquet files, read by DuckDB.

One file a day and table, in the home folder's readings/, rows by device then time: a device's day is read without the rest.
Its rows are counted and its digest is kept before the partition goes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.models import QuerySet

from toguna.engines.telemetry.history import partitions
from toguna.engines.telemetry.models import Archive, Policy, Refused
from toguna.kernel import places
from toguna.kernel.heavy import Heavy

log = logging.getLogger(__name__)
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
    made = [_write(row.pk) for row in Archive.objects.filter(digest="").order_by("day")]
    for policy in Policy.objects.all():
        limit = datetime.now(UTC).date() - timedelta(days=max(policy.raw_days, Policy.LEAST))
        partitions.gather(policy.table)
        for day in partitions.existing(policy.table):
            if day < limit and (row := _detach(policy.table, day)):
                made.append(_write(row))
    return [row for row in made if row]


def _detach(table: str, day: date) -> int | None:
    """The day leaves its table at once: the loader waits for that, not for the file. What comes late for it meanwhile is put aside."""
    of = partitions.name(table, day)
    row = None
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            cursor.execute(f"ALTER TABLE telemetry_{table} DETACH PARTITION {of}")
            cursor.execute(f"SELECT EXISTS (SELECT FROM {of})")
            if cursor.fetchone()[0]:
                name = f"{table}-{day:%Y%m%d}.parquet"
                # Without a digest: its rows, or those that came late, are in the table that was detached.
                row, _made = Archive.objects.update_or_create(
                    table=table, day=day, defaults={"file": name, "digest": ""}, create_defaults={"file": name, "digest": "", "rows": 0}
                )  # fmt: skip
            else:
                cursor.execute(f"DROP TABLE {of}")
    except OperationalError as error:
        log.warning("%s is put away another time: %s", of, " ".join(str(error).split()))
        return None
    partitions.gone(day)
    return row.pk if row else None


@transaction.atomic
def _write(pk: int) -> Archive | None:
    """What was detached into its file. A day that was put away already and got late ones since is written anew, whole."""
    row = Archive.objects.select_for_update().get(pk=pk)
    if row.digest:
        return None
    table, of = row.table, partitions.name(row.table, row.day)
    columns = ", ".join(names(table))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {of}")
        count = cursor.fetchone()[0]
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder() / row.file
    making_of = f".making-{row.file}-"
    for left in folder().glob(f"{making_of}*"):  # of a move that the power cut
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder(), prefix=making_of) as making:
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
            if row.rows and target.exists():
                # Late ones of a day that was put away before; a repeat of what is there is the same row. (Without rows before, the
                # file is of a move that was cut: what is in it is in the table, or was deleted there since.)
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
    row.rows, row.digest = total, digest
    row.save(update_fields=["rows", "digest"])
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {of}")
    return row


def _away(table: str, start: datetime, end: datetime) -> QuerySet[Archive]:
    first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date()
    return Archive.objects.filter(table=table, day__gte=first, day__lte=last).order_by("day")


def days(table: str, start: datetime, end: datetime) -> int:
    """How many days of that time left the tables."""
    return _away(table, start, end).count()


def read(
    table: str, device: int, start: datetime, end: datetime, *, quantity: int | None = None, most: int | None = None
) -> list[tuple[Any, ...]]:
    """Rows of a device in the files, oldest first; all columns of the table, as it has them. most: any so many when there are more."""
    only, values = "", [device, start, end]
    if quantity is not None:
        only, values = " AND quantity = {}", [device, start, end, quantity]
    if most is not None:
        only += f" LIMIT {most}"
    away = _away(table, start, end)
    try:
        with transaction.atomic():
            found = [row for day in away.filter(digest="") for row in _detached(day, only.format("%s"), values)]
    except ProgrammingError:  # it has been written meanwhile, and is in its file now
        found = [row for day in away.filter(digest="") for row in _detached(day, only.format("%s"), values)]
    there = [str(folder() / row.file) for row in away if (folder() / row.file).exists()]
    where, seq = names(table).index("at"), names(table).index("seq")
    if there:
        with duckdb.connect(config={"threads": 1, "memory_limit": "256MB"}) as lake:
            lake.execute("SET TimeZone = 'UTC'")
            rows: Sequence[tuple[Any, ...]] = lake.execute(
                f"SELECT {', '.join(_AT if n == 'at' else n for n in names(table))} FROM read_parquet(?) "
                f'WHERE device = ? AND "at" >= ? AND "at" < ?{only.format("?")}',
                [there, *values],
            ).fetchall()
        found += [(*row[:where], datetime.fromtimestamp(row[where] / 1e6, UTC), *row[where + 1 :]) for row in rows]
    return sorted(found, key=lambda row: (row[where], row[seq]))


def bring_back(cursor: Any, day: Archive, start: datetime, end: datetime, devices: Collection[int] | None) -> None:
    """What the file of a day holds from start to before end, into the temporary table `telemetry_filed`, for the transaction of the
    cursor. devices: of these only. Nothing when the file is not there."""
    columns = ", ".join(names(day.table))
    cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS telemetry_filed (LIKE telemetry_{day.table}) ON COMMIT DROP")
    cursor.execute("TRUNCATE pg_temp.telemetry_filed")
    where = folder() / day.file
    if not where.exists():
        return
    only, values = "", [str(where), start, end]
    if devices is not None:
        only, values = " AND device IN (SELECT unnest(?))", [*values, list(devices)]
    with duckdb.connect(config={"threads": 1, "memory_limit": "256MB"}) as lake:
        lake.execute("SET TimeZone = 'UTC'")
        # The time as text: of its own times it makes no objects without one library more.
        told = columns.replace(" at,", ' "at"::VARCHAR,')
        lake.execute(f'SELECT {told} FROM read_parquet(?) WHERE "at" >= ? AND "at" < ?{only}', values)
        with cursor.copy(f"COPY pg_temp.telemetry_filed ({columns}) FROM STDIN") as copy:
            while rows := lake.fetchmany(10_000):
                for row in rows:
                    copy.write_row(row)


def _detached(day: Archive, only: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(names(day.table))} FROM {partitions.name(day.table, day.day)} "
            f"WHERE device = %s AND at >= %s AND at < %s{only}",
            values,
        )
        return list(cursor.fetchall())


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
