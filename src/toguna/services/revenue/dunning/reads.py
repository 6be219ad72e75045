"""What reminders cost, and what they brought back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from toguna.services.revenue.models import DunningStep

MOVED_BY = 45  # days: what is paid later than that was not brought by the reminder

# A payment is counted for the last reminder of its bill before it: never for two.
_BROUGHT = """
SELECT r.step_id, sum(s.amount)::bigint, count(DISTINCT s.bill_id)
FROM ledger_share s JOIN ledger_payment p ON p.id = s.payment_id AND p.void = ''
JOIN LATERAL (SELECT d.step_id, COALESCE(d.done, d.at) AS at FROM revenue_reminded d WHERE d.bill_id = s.bill_id AND COALESCE(d.done, d.at) <= p.taken
              ORDER BY COALESCE(d.done, d.at) DESC LIMIT 1) r ON true
WHERE p.taken >= %(since)s AND p.taken <= r.at + make_interval(days => %(days)s) GROUP BY 1
"""
_DONE = """
SELECT d.step_id, count(*), count(*) FILTER (WHERE d.done IS NOT NULL), sum(d."left")::bigint FROM revenue_reminded d WHERE d.at >= %(since)s GROUP BY 1
"""


@dataclass(frozen=True)
class Worth:
    """Of one step: how many bills it was done for, how many really left; minor units: what these owed, what it cost, what was paid within
    MOVED_BY days and before another reminder, on how many bills."""

    step: DunningStep
    count: int
    left: int
    owed: int
    cost: int
    brought: int
    paid: int

    @property
    def share(self) -> float | None:
        """What came back of what was owed, in percent."""
        return 100 * self.brought / self.owed if self.owed else None

    @property
    def for_one(self) -> float | None:
        """What each unit of cost brought."""
        return self.brought / self.cost if self.cost else None


def worth(since: date | None = None) -> list[Worth]:
    """Each step, by its day. Three statements."""
    values: dict[str, Any] = {"since": since or timezone.localdate() - timedelta(days=365), "days": MOVED_BY}
    with connection.cursor() as cursor:
        cursor.execute(_DONE, values)
        done = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_BROUGHT, values)
        brought = {row[0]: row[1:] for row in cursor.fetchall()}
    found = []
    for step in DunningStep.objects.select_related("base"):
        count, left, owed = done.get(step.pk, (0, 0, 0))
        came, paid = brought.get(step.pk, (0, 0))
        found.append(Worth(step, count, left, owed or 0, left * step.cost, came, paid))
    return found
