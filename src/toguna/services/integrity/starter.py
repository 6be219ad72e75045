"""What a town starts with: the one kind of alert."""

from __future__ import annotations

from toguna.engines.cases.api import Topic
from toguna.kernel.demo import DemoFiles
from toguna.services.integrity.casetype import ALERT

NAMES = {"fr": "Corruption", "pt": "Corrupção", "en": "Corruption"}


def load() -> None:
    """Idempotent."""
    row = Topic(
        case_type=ALERT.name, slug="corruption", names=NAMES, icon="lock", public=False, near_m=0, ask_days=0, days=30,
        keep_days=1825,
    )  # fmt: skip
    Topic.objects.bulk_create([row], ignore_conflicts=True)


def demo(files: DemoFiles) -> None:
    load()
