"""Reading cases: lists by scope, with the same number of statements whatever they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from toguna.engines.cases.models import Case, Step
from toguna.engines.cases.workflow import case_type
from toguna.kernel import access
from toguna.kernel.access import Actor

PAGE = 50


@dataclass(frozen=True)
class Page:
    """rows: at most PAGE cases; after: what to ask for to get the next page, "" at the end."""

    rows: Sequence[Case]
    after: str


def scope(actor: Actor, kind: str) -> QuerySet[Case]:
    """The cases of that type that the actor may read in the back office: those of their zones and topics, and of their
    teams."""
    return Case.objects.filter(in_reach(actor, kind))


def in_reach(actor: Actor, kind: str) -> Q:
    """The same as a condition, for what is counted or joined elsewhere."""
    found = access.grants(actor, case_type(kind).read)
    if any(grant.everything for grant in found):
        return Q(type=kind)
    reach = Q(team__in=actor.teams) if found else Q(pk__in=[])
    for grant in found:
        covered = Q() if grant.zones is None else Q(zone__in=grant.zones)
        if grant.subjects is not None:
            covered &= Q(topic__slug__in=grant.subjects)
        reach |= covered
    return Q(type=kind) & reach


def may_read(actor: Actor, case: Case) -> bool:
    """Whether the actor may see a case whole (its reporter, its notes)."""
    return access.can(actor, case_type(case.type).read, zone=case.zone_id, subject=case.topic.slug) or (
        case.team_id in actor.teams and access.can(actor, case_type(case.type).read, anywhere=True)
    )


def page(cases: QuerySet[Case], *, after: str = "", by_due: bool = False) -> Page:
    """One page by key, never by offset: the thousandth is as quick as the first. `after` is a key that a page gave."""
    due, pk = _key(after)
    if by_due:
        cases = cases.order_by("due", "id")
        if due is not None and pk is not None:
            cases = cases.filter(Q(due__gt=due) | Q(due=due, id__gt=pk))
    else:
        cases = cases.order_by("-id")
        if pk is not None:
            cases = cases.filter(id__lt=pk)
    rows = list(cases.select_related("topic", "zone", "team", "assignee", "merged_into")[: PAGE + 1])
    if len(rows) <= PAGE:
        return Page(rows, "")
    last = rows[PAGE - 1]
    key = f"{last.due.isoformat()}~{last.pk}" if by_due and last.due else str(last.pk)
    return Page(rows[:PAGE], key)


def _key(after: str) -> tuple[datetime | None, int | None]:
    """What `page` wrote, read again; None for what somebody else wrote."""
    due, _, pk = after.rpartition("~")
    try:
        return parse_datetime(due), int(pk) if pk.isascii() and pk.isdigit() else None
    except ValueError:
        return None, None


def timeline(case: Case, *, whole: bool = False) -> QuerySet[Step]:
    """What happened, in order; for the public only what is public."""
    steps = Step.objects.filter(case=case).order_by("id")
    return steps if whole else steps.filter(public=True)
