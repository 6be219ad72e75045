"""What is shown of complaints: the kinds, the desk's list, the yearly report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.kernel import text
from toguna.services.complaints.casetype import COMPLAINT

TOLD = (COMPLAINT.name, "integrity")  # alerts on corruption are counted with the rest, and never read
FEWEST = 5  # under that, a number could point at somebody: it is not shown by itself


def topics() -> list[cases.Topic]:
    return list(cases.Topic.objects.filter(case_type=COMPLAINT.name, active=True).order_by("order", "slug"))


@dataclass(frozen=True)
class Line:
    """One kind of complaint in one year. in_time: percent of those closed, None when too few to say; days: median."""

    title: str
    received: int
    closed: int
    upheld: int
    in_time: int | None
    days: float | None
    escalated: int

    @property
    def few(self) -> bool:
        return 0 < self.received < FEWEST


def years() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(created), max(created) FROM cases_case WHERE type = ANY(%s)", [list(TOLD)])
        first, last = cursor.fetchone()
    if first is None:
        return []
    return list(range(timezone.localtime(last).year, timezone.localtime(first).year - 1, -1))


def year(number: int) -> tuple[list[Line], Line]:
    """The kinds, and all together. One statement. A level says how it was meant to be answered: by the topic's days."""
    here = timezone.get_current_timezone()
    begin, end = (datetime.combine(date(y, 1, 1), datetime.min.time(), here) for y in (number, number + 1))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT topic_id, count(*), count(*) FILTER (WHERE NOT open),
                   count(*) FILTER (WHERE state IN ('upheld', 'partly', 'founded', 'sent')),
                   count(*) FILTER (WHERE NOT open AND closed <= created + make_interval(days => t.days)),
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM closed - created) / 86400)
                       FILTER (WHERE NOT open),
                   count(*) FILTER (WHERE k.level > 0)
            FROM cases_case c JOIN cases_topic t ON t.id = c.topic_id
            LEFT JOIN complaints_complaint k ON k.case_id = c.id
            WHERE type = ANY(%s) AND created >= %s AND created < %s
            GROUP BY GROUPING SETS ((topic_id), ())
            """,
            [list(TOLD), begin, end],
        )
        rows = cursor.fetchall()
    names = {t.pk: t for t in cases.Topic.objects.filter(case_type__in=TOLD)}
    lines, whole = [], _line("", (0, 0, 0, 0, None, 0))
    for topic, *counts in rows:
        if topic is None:
            whole = _line("", counts)
        else:
            lines.append((names[topic].order, _line(text.pick(names[topic].names), counts)))
    return [line for _order, line in sorted(lines, key=lambda pair: pair[0])], whole


def _line(title: str, counts: Sequence[Any]) -> Line:
    received, closed, upheld, in_time, days, escalated = counts
    return Line(
        title, received, closed, upheld, round(100 * in_time / closed) if closed >= FEWEST else None,
        round(days, 1) if days is not None and closed >= FEWEST else None, escalated,
    )  # fmt: skip
