"""Scripts that a town starts with, and may then change."""

from __future__ import annotations

import json
from pathlib import Path

from django.db import transaction

from toguna.kernel.demo import DemoFiles
from toguna.services.frontdesk.models import Script

SCRIPTS = Path(__file__).parent / "data" / "scripts.json"


@transaction.atomic
def load() -> None:
    """Adds the scripts that are not there. Idempotent; one that the town changed stays as it is."""
    rows = json.loads(SCRIPTS.read_text("utf-8"))
    Script.objects.bulk_create([Script(**row) for row in rows], ignore_conflicts=True)


def demo(files: DemoFiles) -> None:
    """The demo town begins as a real one does."""
    load()
