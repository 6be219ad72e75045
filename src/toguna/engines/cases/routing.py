"""Which team takes a case: the most specific rule that fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from django.utils import timezone

from toguna.engines.cases.models import Rule


@dataclass(frozen=True)
class Routing:
    """A rule as the choice sees it; topic or zone None: any; weekdays: 1 (Monday) to 7, none: all; start and end by the
    town's clock, end before start: until the next morning."""

    id: int
    topic: int | None
    zone: int | None
    team: int
    weekdays: Sequence[int] = ()
    start: time | None = None
    end: time | None = None

    @property
    def timed(self) -> bool:
        return bool(self.weekdays) or self.start is not None or self.end is not None

    def holds(self, at: datetime) -> bool:
        """Whether its hours hold then. A night that began on one of its days belongs to that day."""
        start, end, now, day = self.start or time.min, self.end, at.time(), at.isoweekday()
        if end is None or start < end:
            inside = now >= start and (end is None or now < end)
        elif now >= start:
            inside = True
        else:
            inside, day = now < end, (day - 2) % 7 + 1
        return inside and (not self.weekdays or day in self.weekdays)


def best(rules: Iterable[Routing], topics: Sequence[int], zones: Sequence[int], at: datetime) -> Routing | None:
    """The best rule, or None. topics, zones: ids from the most specific (the case's own) to the widest; at: local time.

    A rule on the topic beats one on the zone alone; a nearer topic, then a smaller zone, beats a wider one; then one with
    hours beats one without; between two that are alike, the older. Pure: the same rules in any order give the same one.
    """

    def rank(rule: Routing) -> tuple[int, int, bool, int]:
        return (
            len(topics) if rule.topic is None else topics.index(rule.topic),
            len(zones) if rule.zone is None else zones.index(rule.zone),
            not rule.timed,
            rule.id,
        )

    fitting = (
        r
        for r in rules
        if (r.topic is None or r.topic in topics) and (r.zone is None or r.zone in zones) and r.holds(at)
    )
    return min(fitting, key=rank, default=None)


def rules_of(case_type: str) -> list[Routing]:
    columns = ("id", "topic_id", "zone_id", "team_id", "weekdays", "start", "end")
    return [Routing(*row) for row in Rule.objects.filter(case_type=case_type).values_list(*columns)]


def team_for(case_type: str, topics: Sequence[int], zones: Sequence[int], at: datetime | None = None) -> int | None:
    """The id of the team that takes a case opened then (now). One statement."""
    rule = best(rules_of(case_type), topics, zones, timezone.localtime(at))
    return rule.team if rule else None
