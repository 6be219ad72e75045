"""What the house does by itself to stay in order."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection

KEEP_JOBS: Any = timedelta(days=14)
KEEP_EVENTS: Any = timedelta(days=400)


def retry_stalled_jobs() -> None:
    """Jobs whose worker died (power cut) go back in the queue; tasks are idempotent, so running again is safe."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT procrastinate_retry_job_v1(id, now(), NULL, NULL, NULL) FROM procrastinate_jobs j
            WHERE status = 'doing' AND NOT EXISTS (
                SELECT FROM procrastinate_workers w
                WHERE w.id = j.worker_id AND w.last_heartbeat > now() - interval '2 minutes')
            """
        )


def delete_old_rows() -> None:
    """Done jobs, spent limits and old events go; the audit log stays."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_limit WHERE \"window\" < now() - interval '2 days'")
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE status IN ('succeeded', 'cancelled') AND id IN "
            "(SELECT job_id FROM procrastinate_events GROUP BY job_id HAVING max(at) < now() - %s)",
            [KEEP_JOBS],
        )
        cursor.execute("DELETE FROM kernel_reaction WHERE at < now() - %s", [KEEP_EVENTS])
        cursor.execute("DELETE FROM kernel_event WHERE at < now() - %s", [KEEP_EVENTS])
