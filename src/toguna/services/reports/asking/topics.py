"""What questions may be about."""

from __future__ import annotations

from toguna.engines.cases.api import Topic
from toguna.services.reports.asking.casetype import QUESTION


def question_topics(*, active: bool = True) -> list[Topic]:
    """In order; with active=False the closed ones too."""
    found = Topic.objects.filter(case_type=QUESTION.name).order_by("order", "slug")
    return list(found.filter(active=True) if active else found)
