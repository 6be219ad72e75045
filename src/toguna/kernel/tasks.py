"""Work for later, on the same database, in the caller's transaction (Procrastinate behind one small door)."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.tasks import Task

from toguna.kernel import registry
from toguna.kernel.manifest import Declaration


class Lane(enum.IntEnum):
    """Priorities: an alarm overtakes everything, a campaign waits for everything."""

    ALARM = 100
    ONE_TIME_CODE = 75
    TRANSACTIONAL = 50
    CAMPAIGN = 10


def task(run: Callable[..., None]) -> Task[Any, Any, Any]:
    """Makes a function a task. Its arguments must be JSON-able; it must be idempotent: it may run again after a crash."""
    return app.task(
        name=f"{run.__module__}.{run.__qualname__}",
        retry=RetryStrategy(max_attempts=5, wait=5, exponential_wait=4),
    )(run)


def was(work: Task[Any, Any, Any], name: str) -> None:
    """A name that a task had: what a town had queued under it before it was updated is done too."""
    app.add_task_alias(work, name)


def defer(work: Task[Any, Any, Any], lane: Lane = Lane.TRANSACTIONAL, **args: Any) -> None:
    """Queues one job; it exists only if the caller's transaction commits."""
    defer_many(work, lane, [args])


def defer_many(work: Task[Any, Any, Any], lane: Lane, args: Iterable[dict[str, Any]]) -> None:
    """Queues many jobs in one statement."""
    jobs = list(args)
    if jobs:
        work.configure(priority=int(lane)).batch_defer(*jobs)


@dataclass(frozen=True)
class Periodic(Declaration):
    """Work that comes back. One tick reads all of these (see `tick`), so that their number costs nothing."""

    name: str
    every: timedelta
    run: Callable[[], None]


@task
def run_periodic(name: str) -> None:
    declared = registry.find(Periodic, name)
    if declared is not None:
        declared.run()


def tick() -> int:
    """Queues whatever periodic work is due, once however many workers tick. Returns how many were queued.

    Ours rather than the queue's own: with some 70 periodic tasks it leaves some out (procrastinate#1464).
    """
    works = registry.declared(Periodic)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO kernel_periodic (name, next_at) VALUES (%s, now()) ON CONFLICT DO NOTHING",
            [[work.name] for work in works],
        )
        due = []
        for work in works:
            cursor.execute(
                "UPDATE kernel_periodic SET last_at = now(), next_at = now() + %s WHERE name = %s AND next_at <= now()",
                list[Any]([work.every, work.name]),
            )
            if cursor.rowcount:
                due.append({"name": work.name})
    defer_many(run_periodic, Lane.TRANSACTIONAL, due)
    return len(due)
