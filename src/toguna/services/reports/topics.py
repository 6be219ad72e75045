"""The categories of reports, kept in memory for a few seconds: every page needs them, and they seldom change."""

from __future__ import annotations

import time
from collections.abc import Sequence

from toguna.engines.cases.api import Topic
from toguna.services.reports.casetype import REPORT

KEEP_SECONDS = 15
_kept: tuple[float, list[Topic]] = (0.0, [])


def topics() -> Sequence[Topic]:
    """All, in order."""
    global _kept
    if not _kept[0] or time.monotonic() - _kept[0] > KEEP_SECONDS:
        found = list(Topic.objects.filter(case_type=REPORT.name).order_by("order", "slug"))
        _kept = (time.monotonic() if found else 0.0, found)
    return _kept[1]


def topic(slug: str) -> Topic | None:
    return next((t for t in topics() if t.slug == slug), None)


def forget() -> None:
    """After the town changed them in this process; other processes see it within KEEP_SECONDS."""
    global _kept
    _kept = (0.0, [])
