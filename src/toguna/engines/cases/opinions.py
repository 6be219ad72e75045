"""Opinions asked of several teams at once, and how they join. The verbs are in `asking`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from toguna.engines.cases.models import Case, Opinion
from toguna.engines.cases.workflow import Opinions
from toguna.engines.people import api as people
from toguna.kernel import workdays

Standing = Literal["", "waiting", "favourable", "reserved", "unfavourable"]


@dataclass(frozen=True)
class Said:
    """An opinion as the join sees it."""

    says: str
    required: bool
    late: bool
    silent_favourable: bool


def joined(said: Iterable[Said]) -> Standing:
    """What they say together. One that is required and unfavourable decides at once; otherwise each that is required is
    waited for, and one whose days have passed counts as favourable where the workflow says so. Their order changes
    nothing."""
    everyone = list(said)
    required = [one for one in everyone if one.required]
    if not everyone:
        return ""
    if any(one.says == Opinion.Says.UNFAVOURABLE for one in required):
        return "unfavourable"
    if any(not one.says and not (one.late and one.silent_favourable) for one in required):
        return "waiting"
    # What was not required never refuses: it is a reserve that the decision should know.
    doubts = any(one.says in (Opinion.Says.RESERVED, Opinion.Says.UNFAVOURABLE) for one in everyone)
    return "reserved" if doubts else "favourable"


def standing(case: Case, now: datetime) -> Standing:
    """What the newest round of a case says. One statement."""
    rows = list(Opinion.objects.filter(case=case).order_by("-round"))
    return joined(
        Said(row.says, row.required, row.due < now, row.silent_favourable) for row in rows if row.round == rows[0].round
    )


def request(case: Case, asked: Opinions, step: int, at: datetime) -> list[Opinion]:
    """Asks them all, in the caller's transaction. Raises LookupError when a team is no more."""
    teams = {team.slug: team for team in people.Team.objects.filter(slug__in=[one.team for one in asked.wanted])}
    if gone := [one.team for one in asked.wanted if one.team not in teams]:
        raise LookupError(f"no team {', '.join(gone)}")
    rows = [
        Opinion(
            case=case, team=teams[one.team], round=step, required=one.required, asked=at,
            due=workdays.deadline(at, one.days), silent_favourable=asked.silent == "favourable",
        )
        for one in asked.wanted
    ]  # fmt: skip
    return Opinion.objects.bulk_create(rows)
