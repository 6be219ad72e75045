"""The work lists of any case type. Each is one page by key; numbers are counted up to a hundred, so that they cost nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from toguna.engines.cases import reads, rights
from toguna.engines.cases.models import Case, Opinion
from toguna.engines.cases.workflow import CaseType
from toguna.kernel import codes
from toguna.kernel.access import Actor

TABS: dict[str, Any] = {
    "mine": _("For me"),
    "team": _("My teams"),
    "opinions": _("Opinions asked"),
    "late": _("Late"),
    "applicant": _("The applicant's turn"),
    "open": _("Open"),
    "all": _("All"),
}
COUNTED = ("mine", "team", "opinions", "late", "applicant")
MOST_COUNTED = 100
KEYS = ("view", "topic", "state", "q")


def late(now: datetime) -> Q:
    return Q(stopped=None) & (Q(due__lt=now) | Q(step_due__lt=now))


def tabs(actor: Actor, kind: CaseType) -> dict[str, QuerySet[Case]]:
    """Three statements at most, before any list is read: whom the actor stands in for, and their teams."""
    reach, teams = reads.scope(actor, kind.name), rights.teams_of(actor)
    open_ = reach.filter(open=True)
    asked = Opinion.objects.filter(team__in=teams, says="", lapsed=None)
    return {
        "mine": Case.objects.filter(
            type=kind.name, open=True, assignee__in=[actor.account or 0, *rights.stood_in_for(actor.account)]
        ),
        "team": Case.objects.filter(type=kind.name, open=True, team__in=teams),
        "opinions": Case.objects.filter(type=kind.name, open=True, pk__in=asked.values("case")),
        "late": open_.filter(late(timezone.now())),
        "applicant": open_.filter(stopped__isnull=False),
        "open": open_,
        "all": reach,
    }


def numbers(found: Mapping[str, QuerySet[Case]]) -> dict[str, str]:
    """How many are in each list, in one statement: "100+" when there are more."""
    parts, params = [], list[Any]()
    for name in COUNTED:
        try:
            sql, values = (
                found[name].order_by().values_list("pk", flat=True)[: MOST_COUNTED + 1].query.sql_with_params()
            )
        except EmptyResultSet:  # nobody of no team: the database need not be asked
            parts.append("0")
            continue
        parts.append(f"(SELECT count(*) FROM ({sql}) x)")
        params += values
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        row = cursor.fetchone()
    return {
        name: f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)
        for name, count in zip(COUNTED, row, strict=True)
    }


def narrowed(found: QuerySet[Case], asked: Mapping[str, str]) -> QuerySet[Case]:
    """?topic=SLUG, ?state=NAME, ?q=a code, or words."""
    if topic := asked.get("topic", "")[:60]:
        found = found.filter(topic__slug=topic)
    if state := asked.get("state", "")[:40]:
        found = found.filter(state=state)
    if words := asked.get("q", "").replace("\x00", "").strip()[:80]:
        by_code = Q(code=codes.read(words)[:8])
        found = found.filter(by_code | Q(text__icontains=words) if len(words) > 2 else by_code)
    return found
