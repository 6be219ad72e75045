"""A rule that a service brings: `Rule(...)` in its manifest. The town may switch it off, and change its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toguna.engines.people import api as people
from toguna.engines.telemetry.models import AlarmRule
from toguna.engines.telemetry.rules.conditions import BadCondition, Condition, parse
from toguna.kernel import access, registry
from toguna.kernel.access import Permission
from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class Rule(Declaration):
    """titles: {language: words}; level: 1 notice, 2 warning, 3 emergency; service, kind: whose devices, and which kind of them, it
    watches; escalate: minutes without an acknowledgement after which an alarm goes up; on: from the first day; tells: the permission
    of those who hear of it, each of the zones where they have it, as long as the town names nobody."""

    name: str
    titles: Mapping[str, str]
    condition: Condition
    level: int = 2
    service: str = ""
    kind: str = ""
    escalate: int | None = None
    on: bool = True
    tells: str = ""

    def problems(self) -> Iterator[str]:
        for language in ("fr", "pt", "en"):
            if not self.titles.get(language):
                yield f"no title in {language}"
        if self.level not in (1, 2, 3):
            yield "level is 1, 2 or 3"
        if self.tells and registry.find(Permission, self.tells) is None:
            yield f"no service declares the permission {self.tells!r}"
        try:
            parse(self.condition.spec())
        except BadCondition as error:
            yield str(error)


def hearers(name: str, zone: int | None) -> list[people.Reach]:
    """Whom a rule tells that a service brought, when the town names nobody: the heads of that service, in this zone."""
    rule = registry.find(Rule, name)
    if rule is None or not rule.tells:
        return []
    able = [a for a in people.staff_with(rule.tells) if access.can(people.authority(a.pk), rule.tells, zone=zone)]
    return [way for account in able if (way := people.reach_staff(account)) is not None]


def bring() -> None:
    """Rules that services declare and that are not in the table yet. What the town changed stays."""
    declared = registry.declared(Rule)
    known = set(AlarmRule.objects.filter(name__in=[rule.name for rule in declared]).values_list("name", flat=True))
    AlarmRule.objects.bulk_create(
        [
            AlarmRule(
                name=rule.name, titles=dict(rule.titles), spec=rule.condition.spec(), level=rule.level, on=rule.on, declared=True,
                service=rule.service, kind=rule.kind, escalate=rule.escalate,
            )
            for rule in declared if rule.name not in known
        ],
        ignore_conflicts=True,
    )  # fmt: skip
