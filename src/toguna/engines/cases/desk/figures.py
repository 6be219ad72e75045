"""Who has how much to do, and where cases wait: from the history itself, set-based."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from toguna.engines.cases import reads
from toguna.engines.cases.desk.lists import late
from toguna.engines.cases.workflow import CaseType
from toguna.kernel.access import Actor

SINCE = timedelta(days=365)
MOST_ROWS = 200


@dataclass(frozen=True)
class Load:
    who: str
    open: int
    late: int


@dataclass(frozen=True)
class Stay:
    """How long cases stay in a state: days, the middle one and the one that 90 of 100 do not pass."""

    state: str
    times: int
    median: float
    ninetieth: float


def load(actor: Actor, kind: CaseType) -> list[Load]:
    """Open cases by agent, the most first. One statement."""
    found = reads.scope(actor, kind.name).filter(open=True, assignee__isnull=False).order_by()
    rows = found.values_list("assignee__name").annotate(n=Count("pk"), late=Count("pk", filter=late(timezone.now())))
    return [Load(*row) for row in rows.order_by("-n")[:MOST_ROWS]]


def stays(actor: Actor, kind: CaseType) -> list[Stay]:
    """How long each state lasted, for what left it in the last year. One statement. Days are of the calendar: what the
    applicant waits."""
    try:
        reach, params = reads.scope(actor, kind.name).order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH went AS (
                SELECT to_state, at, lead(at) OVER (PARTITION BY case_id ORDER BY id) AS gone
                FROM cases_step WHERE to_state <> '' AND case_id IN ({reach}) AND at > %s
            )
            SELECT to_state, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY days),
                percentile_cont(0.9) WITHIN GROUP (ORDER BY days)
            FROM (SELECT to_state, extract(epoch FROM gone - at) / 86400.0 AS days FROM went WHERE gone IS NOT NULL) d
            GROUP BY to_state ORDER BY 4 DESC
            """,
            [*params, timezone.now() - SINCE],
        )
        return [Stay(state, times, float(half), float(most)) for state, times, half, most in cursor.fetchall()]
