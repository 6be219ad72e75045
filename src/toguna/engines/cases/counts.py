"""The counts that the database keeps of cases (see the migration `0010_counts_appended`): exact, whatever their number.

They are sums of rows of which some are differences, and may be negative: only a sum over a whole key says something.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils import timezone


def compact() -> None:
    """Adds up the differences that were appended since the last time. Nothing that is read changes: it is read more slowly
    (with 10,000 of them, 8 ms for an inbox or the statistics) until this has run (0.14 s then)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cases_count_compact()")


@dataclass(frozen=True)
class TeamCount:
    """Open cases of one team (None: of nobody). mine: given to the account that asks; oldest: when the first of them came."""

    team: int | None
    names: dict[str, str] | None
    open: int
    late: int
    mine: int
    today: int
    oldest: datetime | None


_TEAMS = """
WITH t AS MATERIALIZED (
    SELECT team, sum(n) AS open, COALESCE(sum(n) FILTER (WHERE day < (%(now)s AT TIME ZONE 'UTC')::date), 0) AS late
    FROM cases_count_team WHERE type = %(type)s GROUP BY team HAVING sum(n) > 0
), today_late AS (  -- the deadlines of today that have passed: the counts know whole days only
    SELECT COALESCE(team_id, 0) AS team, count(*) AS n FROM cases_case
    WHERE type = %(type)s AND open AND due >= date_trunc('day', %(now)s AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AND due < %(now)s GROUP BY 1
), mine AS (
    SELECT COALESCE(team_id, 0) AS team, count(*) AS n FROM cases_case WHERE type = %(type)s AND open AND assignee_id = %(account)s GROUP BY 1
)
SELECT NULLIF(t.team, 0), p.names, t.open, t.late + COALESCE(today_late.n, 0), COALESCE(mine.n, 0), fresh.n, oldest.created
FROM t LEFT JOIN people_team p ON p.id = t.team LEFT JOIN today_late USING (team) LEFT JOIN mine USING (team)
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM cases_case c
    WHERE c.type = %(type)s AND c.open AND COALESCE(c.team_id, 0) = t.team AND c.created >= %(midnight)s) fresh
LEFT JOIN LATERAL (
    SELECT created FROM cases_case c WHERE c.type = %(type)s AND c.open AND COALESCE(c.team_id, 0) = t.team
    ORDER BY COALESCE(c.team_id, 0), created LIMIT 1) oldest ON true
"""


def by_team(kind: str, *, account: int | None) -> list[TeamCount]:
    """Of all open cases of a type. One statement of some milliseconds at a million cases."""
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(_TEAMS, {"type": kind, "account": account, "now": now, "midnight": midnight})
        return [
            TeamCount(team, json.loads(names) if isinstance(names, str) else names, *rest)
            for team, names, *rest in cursor.fetchall()
        ]


@dataclass(frozen=True)
class Row:
    """What was received under one heading: how many, solved, refused, solved too late, and the days that the solved ones
    took: the median and the 90th centile (None: none solved; 99: 99 and more)."""

    key: Any
    received: int
    open: int
    solved: int
    refused: int
    late: int
    median: int | None
    ninetieth: int | None

    @property
    def in_time(self) -> int | None:
        """Per cent of the solved ones."""
        return round(100 * (self.solved - self.late) / self.solved) if self.solved else None


_ROWS = """
WITH k AS (
    SELECT {key} AS key, state, took, late, sum(n)::int AS n FROM cases_count_{table}
    WHERE type = %(type)s AND month >= %(since)s AND month < %(until)s {where} GROUP BY 1, 2, 3, 4
), solved AS (
    SELECT key, took, sum(n) AS n, sum(sum(n)) OVER (PARTITION BY key ORDER BY took) AS upto, sum(sum(n)) OVER (PARTITION BY key) AS whole
    FROM k WHERE state = ANY(%(done)s) GROUP BY 1, 2
), days AS (
    SELECT key, min(took) FILTER (WHERE upto >= whole * 0.5) AS median, min(took) FILTER (WHERE upto >= whole * 0.9) AS ninetieth
    FROM solved WHERE whole > 0 GROUP BY key
)
SELECT k.key, sum(n), COALESCE(sum(n) FILTER (WHERE took = -1), 0), COALESCE(sum(n) FILTER (WHERE state = ANY(%(done)s)), 0),
    COALESCE(sum(n) FILTER (WHERE state = ANY(%(refused)s)), 0), COALESCE(sum(n) FILTER (WHERE state = ANY(%(done)s) AND late), 0),
    days.median, days.ninetieth
FROM k LEFT JOIN days USING (key) GROUP BY k.key, days.median, days.ninetieth HAVING sum(n) > 0 ORDER BY k.key
"""


def rows(
    kind: str,
    by: str,
    *,
    since: date,
    until: date,
    done: Sequence[str],
    refused: Sequence[str],
    zones: Sequence[int] | None = None,
    topics: Sequence[int] | None = None,
) -> list[Row]:
    """What was received from `since` (a first of a month) until before `until`, by "month", "zone", "topic", or "" for the
    whole. done, refused: names of states. One statement."""
    table = {
        (False, False): "topic", (True, False): "zone", (False, True): "topic", (True, True): "zone_topic",
    }[zones is not None or by == "zone", topics is not None or by == "topic"]  # fmt: skip
    where = ("AND zone = ANY(%(zones)s) " if zones is not None else "") + (
        "AND topic = ANY(%(topics)s)" if topics is not None else ""
    )
    key = {"month": "month", "zone": "zone", "topic": "topic", "": "0"}[by]
    values: dict[str, Any] = {
        "type": kind, "since": since, "until": until, "done": list(done), "refused": list(refused),
        "zones": list(zones or ()), "topics": list(topics or ()),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(key=key, table=table, where=where), values)
        return [Row(*row) for row in cursor.fetchall()]


def by_channel(kind: str, *, since: date, until: date) -> list[tuple[str, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT channel, sum(n)::int FROM cases_count_channel WHERE type = %s AND month >= %s AND month < %s "
            "GROUP BY channel HAVING sum(n) > 0 ORDER BY 2 DESC, 1",
            [kind, since, until],
        )
        return list(cursor.fetchall())
