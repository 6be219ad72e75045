"""What a town starts with: categories of reports that it may then change."""

from __future__ import annotations

import json
from pathlib import Path

from django.db import transaction

from toguna.engines.cases.api import Topic
from toguna.services.reports.casetype import REPORT

CATEGORIES = Path(__file__).parent / "data" / "categories.json"


@transaction.atomic
def load() -> None:
    """Adds the categories that are not there. Idempotent; one that the town changed stays as it is."""
    rows = json.loads(CATEGORIES.read_text("utf-8"))
    Topic.objects.bulk_create([Topic(case_type=REPORT.name, **row) for row in rows], ignore_conflicts=True)
