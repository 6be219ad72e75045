"""A plan of reminders for the demo town, and its taxes counted by street."""

from __future__ import annotations

from toguna.kernel.demo import DemoFiles
from toguna.services.revenue.models import DunningStep
from toguna.services.revenue.overview import counting

# (days after, how, not for less than, what one costs)
PLAN = (
    (-7, "sms", 0, 25),
    (5, "sms", 0, 25),
    (30, "letter", 5_000, 300),
    (60, "visit", 20_000, 500),
    (90, "notice", 60_000, 1_000),
)
LAW = "Code général des impôts, recouvrement (ville fictive), art. 40"


def load(_files: DemoFiles) -> None:
    """Idempotent; a plan that was changed stays."""
    if not DunningStep.objects.exists():
        DunningStep.objects.bulk_create(
            DunningStep(after=after, way=way, least=least, cost=cost, law=LAW if way == "notice" else "")
            for after, way, least, cost in PLAN
        )
    counting.count()
