"""What a town starts with: kinds of complaint, and the ladder they climb."""

from __future__ import annotations

import json
from pathlib import Path

from django.db import transaction

from toguna.engines.cases.api import Topic
from toguna.services.complaints.casetype import COMPLAINT
from toguna.services.complaints.models import Level

TOPICS = Path(__file__).parent / "data" / "topics.json"
LADDER = (
    (0, 10, {"fr": "Le service", "pt": "O serviço", "en": "The service"}),
    (1, 10, {"fr": "Le chef de service", "pt": "O chefe de serviço", "en": "The head of service"}),
    (2, 10, {"fr": "Le secrétaire général", "pt": "O secretário-geral", "en": "The town secretary"}),
    (3, 30, {"fr": "Le médiateur", "pt": "O provedor", "en": "The ombudsman"}),
)


@transaction.atomic
def load() -> None:
    """Adds what is not there. Idempotent; what the town changed stays as it is."""
    rows = json.loads(TOPICS.read_text("utf-8"))
    topics = [Topic(case_type=COMPLAINT.name, public=False, near_m=0, ask_days=0, **row) for row in rows]
    Topic.objects.bulk_create(topics, ignore_conflicts=True)
    Level.objects.bulk_create([Level(number=n, days=d, names=words) for n, d, words in LADDER], ignore_conflicts=True)
