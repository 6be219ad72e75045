"""Reading cases: lists by scope, with the same number of statements whatever they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from toguna.engines.cases.models import Case, Step
from toguna.engines.cases.workflow import case_type
from toguna.kernel import access
from toguna.kernel.access import Actor

PAGE = 50
Order = Literal["newest", "due", "supported"]


@dataclass(frozen=True)
class Page:
    """rows: at most PAGE cases; after: what to ask for to get the next page, "" at the end."""

    rows: Sequence[Case]
    after: str


def scope(actor: Actor, kind: str, permission: str = "") -> QuerySet[Case]:
    """The cases of that type that the actor may read in the back office (or for which they have that other permission):
    those of their zones and topics, and of their teams."""
    return Case.objects.filter(in_reach(actor, kind, permission))


def in_reach(actor: Actor, kind: str, permission: str = "") -> Q:
    """The same as a condition, for what is counted or joined elsewhere."""
    found = access.grants(actor, permission or case_type(kind).read)
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


def may_read_files(actor: Actor, pk: int) -> bool:
    """Of whoever may see the case whole, and of the person who opened it."""
    case = Case.objects.select_related("topic").filter(pk=pk).first()
    return case is not None and (
        may_read(actor, case) or (actor.person is not None and case.reporter_id == actor.person)
    )


def may_add_files(actor: Actor, pk: int) -> bool:
    """While it is open: whoever handles it, and the person who opened it."""
    case = Case.objects.select_related("topic").filter(pk=pk, open=True).first()
    if case is None:
        return False
    handles = access.can(actor, case_type(case.type).assign, zone=case.zone_id, subject=case.topic.slug)
    return handles or (actor.person is not None and case.reporter_id == actor.person)


def page(cases: QuerySet[Case], *, after: str = "", order: Order = "newest") -> Page:
    """One page by key, never by offset: the thousandth is as quick as the first. `after` is a key that a page gave."""
    first, pk = _key(after)
    if order == "due":
        cases = cases.order_by("due", "id")
        if (due := _moment(first)) is not None and pk is not None:
            cases = cases.filter(Q(due__gt=due) | Q(due=due, id__gt=pk))
    elif order == "supported":
        cases = cases.order_by("-supporters", "-id")
        if _number(first) is not None and pk is not None:
            cases = cases.filter(Q(supporters__lt=_number(first)) | Q(supporters=_number(first), id__lt=pk))
    else:
        cases = cases.order_by("-id")
        if pk is not None:
            cases = cases.filter(id__lt=pk)
    related = ("topic", "zone", "team", "assignee", "merged_into")
    rows = list(cases.select_related(*related).defer("zone__geom")[: PAGE + 1])  # a border weighs more than the rest
    if len(rows) <= PAGE:
        return Page(rows, "")
    last = rows[PAGE - 1]
    keys = {"due": f"{last.due.isoformat()}~{last.pk}" if last.due else "", "supported": f"{last.supporters}~{last.pk}"}
    return Page(rows[:PAGE], keys.get(order, str(last.pk)))


def _key(after: str) -> tuple[str, int | None]:
    """What `page` wrote, read again; None for what somebody else wrote."""
    first, _, pk = after.rpartition("~")
    return first, _number(pk)


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 18 else None


def _moment(typed: str) -> datetime | None:
    try:
        found = parse_datetime(typed)
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def timeline(case: Case, *, whole: bool = False) -> QuerySet[Step]:
    """What happened, in order; for the public only what is public."""
    steps = Step.objects.filter(case=case).order_by("id")
    return steps if whole else steps.filter(public=True)
