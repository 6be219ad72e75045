"""Making a workflow count: each change is a new version; cases under way stay on theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction

from toguna.engines.cases import definition as definitions
from toguna.engines.cases.definition import Unsound
from toguna.engines.cases.models import Workflow
from toguna.engines.cases.workflow import CaseType, case_type
from toguna.engines.people import api as people
from toguna.kernel import access, audit, registry, turns
from toguna.kernel.access import Actor, Permission


@transaction.atomic
def publish_workflow(slug: str, definition: Mapping[str, Any], *, by: Actor, type: str) -> Workflow:
    """The next version of that workflow, for cases of that type that are opened from now on; the newest one, when nothing
    changed. Raises Unsound with everything that is wrong, Denied."""
    kind = case_type(type)
    access.require(by, kind.set_up, anywhere=True)
    table = definitions.read(definition, kind)
    if found := list(_unknown(table)):
        raise Unsound(found)
    turns.one_at_a_time(f"cases.workflow {slug}")
    newest = Workflow.objects.filter(slug=slug).order_by("-version").first()
    if newest is not None and newest.case_type != type:
        raise Unsound([f"the name {slug!r} is that of a workflow of {newest.case_type!r}"])
    if newest is not None and newest.definition == definition:
        return newest
    row = Workflow.objects.create(
        case_type=type, slug=slug, version=newest.version + 1 if newest else 1, definition=dict(definition),
        account=by.account,
    )  # fmt: skip
    audit.record(by, f"{type}.publish_workflow", f"cases.workflow:{row.pk}", slug=slug, version=row.version)
    return row


def _unknown(table: CaseType) -> Iterator[str]:
    """Teams and permissions that it names and nobody has: a step that nobody could take."""
    teams = {t.team for t in table.transitions if t.team} | {s.escalate for s in table.states if s.escalate}
    teams |= {one.team for t in table.transitions if t.opinions for one in t.opinions.wanted}
    known = set(people.Team.objects.filter(slug__in=teams).values_list("slug", flat=True))
    for slug in sorted(teams - known):
        yield f"there is no team {slug!r}"
    for one in table.transitions:
        if not one.law and registry.find(Permission, one.permission) is None:
            yield f"transition {one.name!r} names an unknown permission {one.permission!r}"
