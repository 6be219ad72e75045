"""The spool into the database, in the order in which it came, by one process at a time."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import InterfaceError, OperationalError, close_old_connections, transaction

from toguna.engines.telemetry.intake import loading, spool
from toguna.engines.telemetry.intake.spool import Reader, Record
from toguna.engines.telemetry.models import Refused, SpoolMark

log = logging.getLogger(__name__)
BYTES, MESSAGES = (
    1_500_000,
    2000,
)  # of a batch: 2,000 to 50,000 rows at most; what is written once a device costs less so


@dataclass
class Drained:
    """away: the database did not answer, the rest waits; busy: another process loads, or is left to load, what waits."""

    messages: int = 0
    rows: int = 0
    twice: int = 0
    refused: int = 0
    away: bool = False
    busy: bool = False

    def add(self, done: loading.Loaded) -> None:
        self.messages += done.messages
        self.rows += done.rows
        self.twice += done.twice
        self.refused += done.refused


def waiting(where: Path | None = None) -> tuple[int, float | None]:
    """(bytes that are not in the database yet, when the first of them came); while it is away, all that is on the disk."""
    try:
        loaded = dict(SpoolMark.objects.values_list("file", "offset"))
    except (OperationalError, InterfaceError):
        loaded = {}
    return spool.waiting(loaded, where)


def drain(wait: float = 0, where: Path | None = None, *, little: bool = False) -> Drained:
    """Loads what is in the spool. wait: seconds for which another process that loads is waited for; little: only when it is no more than
    a batch, what has heaped up being left to the worker and the collector."""
    total = Drained()
    with spool.draining(wait, where) as mine:
        if not mine:
            total.busy = True
            return total
        try:
            _drain(total, where, little)
        except (OperationalError, InterfaceError) as error:
            total.away = True
            log.warning("nothing is loaded, it waits on the disk: %s", " ".join(str(error).split())[:300])
            if not transaction.get_connection().in_atomic_block:
                close_old_connections()
    return total


def _drain(total: Drained, where: Path | None, little: bool) -> None:
    paths = spool.files(where)
    if not paths:
        return
    marks = dict(SpoolMark.objects.filter(file__in=[path.name for path in paths]).values_list("file", "offset"))
    if little and sum(path.stat().st_size - marks.get(path.name, 0) for path in paths) > BYTES:
        total.busy = True
        return
    readers = [Reader(path, marks.get(path.name, 0)) for path in paths]
    for batch, ends in _batches(readers):
        _load(batch, ends, total)
        marks.update(ends)
    gone = [path.name for path in paths if spool.clear(path, marks.get(path.name, 0))]
    if gone:
        SpoolMark.objects.filter(file__in=gone).delete()


def _batches(readers: list[Reader]) -> Iterator[tuple[list[Record], dict[str, int]]]:
    def of(reader: Reader) -> Iterator[tuple[float, str, Record, int]]:
        for record, end in reader.records():
            yield record.received, reader.name, record, end

    batch: list[Record] = []
    ends: dict[str, int] = {}
    size = 0
    # One file alone, as a rule, is in its order already.
    come = of(readers[0]) if len(readers) == 1 else heapq.merge(*map(of, readers), key=lambda item: item[:2])
    for _received, name, record, end in come:
        batch.append(record)
        ends[name] = end
        size += len(record.body)
        if size >= BYTES or len(batch) >= MESSAGES:
            yield batch, ends
            batch, ends, size = [], {}, 0
    if batch:
        yield batch, ends


def _load(batch: list[Record], ends: dict[str, int], total: Drained) -> None:
    try:
        total.add(loading.load(batch, list(ends.items())))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # One message that nobody foresaw must not stop the others: each alone, and that one is put aside.
        log.exception("a batch of %d messages is loaded one by one", len(batch))
        for record in batch:
            _alone(record, total)
        loading.load([], list(ends.items()))


def _alone(record: Record, total: Drained) -> None:
    try:
        total.add(loading.load([record]))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("a message of %s is put aside", record.code)
        loading.put_aside(record, Refused.Reason.UNREADABLE, type(error).__name__)
        total.refused += 1
