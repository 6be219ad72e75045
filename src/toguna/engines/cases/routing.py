"""Which team takes a case: the most specific rule that fits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from toguna.engines.cases.models import Rule


@dataclass(frozen=True)
class Routing:
    """A rule as the choice sees it; topic or zone None: any."""

    id: int
    topic: int | None
    zone: int | None
    team: int


def choose(rules: Iterable[Routing], topics: Sequence[int], zones: Sequence[int]) -> int | None:
    """The team of the best rule, or None. topics, zones: ids from the most specific (the case's own) to the widest.

    A rule on the topic beats one on the zone alone; a nearer topic, then a smaller zone, beats a wider one; between two
    that are alike, the older. Pure: the same rules in any order give the same team.
    """

    def rank(rule: Routing) -> tuple[int, int, int]:
        return (
            len(topics) if rule.topic is None else topics.index(rule.topic),
            len(zones) if rule.zone is None else zones.index(rule.zone),
            rule.id,
        )

    fitting = [r for r in rules if (r.topic is None or r.topic in topics) and (r.zone is None or r.zone in zones)]
    return min(fitting, key=rank).team if fitting else None


def team_for(case_type: str, topics: Sequence[int], zones: Sequence[int]) -> int | None:
    """One statement: only the rules that may fit are read."""
    rows = Rule.objects.filter(case_type=case_type).values_list("id", "topic_id", "zone_id", "team_id")
    return choose((Routing(*row) for row in rows), topics, zones)
