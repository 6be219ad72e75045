"""For tests of any room."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from procrastinate.contrib.django import app


def run_jobs() -> int:
    """Does, in this process and now, whatever waits in the queue, and what that adds to it. How many were done."""
    done = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY priority DESC, id LIMIT 1"
            )
            row = cursor.fetchone()
            if row is None:
                return done
            cursor.execute("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %s", [row[0]])
        args = json.loads(row[2]) if isinstance(row[2], str) else row[2]
        app.tasks[row[1]].func(**args)
        done += 1


def forget_jobs() -> None:
    """The queue is not one of Django's tables: a test with transactions of its own leaves its jobs behind."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")


def until(true: Callable[[], Any], seconds: float = 60, pause: float = 0.05) -> Any:
    """What `true()` gives, as soon as it is something; a busy machine takes its time."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(pause)
    return found
