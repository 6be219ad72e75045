"""What a town starts with: subjects of questions, and answers in general words that it then makes its own."""

from __future__ import annotations

import json
from pathlib import Path

from django.db import transaction

from toguna.engines.cases.api import Topic
from toguna.services.reports.asking.casetype import QUESTION
from toguna.services.reports.models import Article

DATA = Path(__file__).parent.parent / "data"


@transaction.atomic
def load() -> None:
    """Adds what is not there. Idempotent; what the town changed stays as it is."""
    topics = json.loads((DATA / "question_topics.json").read_text("utf-8"))
    # Nobody is asked "is it solved?": the answer came, or the team still owes it.
    fixed = {"case_type": QUESTION.name, "ask_days": 0, "near_m": 0}
    Topic.objects.bulk_create([Topic(**fixed, **row) for row in topics], ignore_conflicts=True)
    if not Article.objects.exists():  # one that the town does not want does not come back
        Article.objects.bulk_create([Article(**row) for row in json.loads((DATA / "articles.json").read_text("utf-8"))])
