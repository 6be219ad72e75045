"""What happens by itself when time passes: the law decides after a silence, an opinion lapses, a step is late.

Each looks for a batch in one statement and deals with each case in a transaction of its own, which looks again under the
lock: running it twice, or two at once, or stopping it anywhere changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from django.db import transaction
from django.utils import timezone

from toguna.engines.cases import actions, events
from toguna.engines.cases.actions import LAW_ACTOR
from toguna.engines.cases.definition import workflow_of
from toguna.engines.cases.models import Case, Opinion
from toguna.engines.people import api as people
from toguna.kernel.events import publish

BATCH = 500
log = logging.getLogger(__name__)


def run() -> None:
    now = timezone.now()
    running = Case.objects.filter(stopped=None)
    # Opinions first: what they open comes before what the silence of the town means.
    past = Opinion.objects.filter(says="", lapsed=None, due__lt=now).order_by("due")
    _each(dict.fromkeys(past.values_list("case", flat=True)[:BATCH]), _lapse)
    _each(running.filter(silent__lt=now).order_by("silent").values_list("pk", flat=True)[:BATCH], _silence)
    _each(
        running.filter(step_due__lt=now, warned=False).order_by("step_due").values_list("pk", flat=True)[:BATCH], _late
    )


def _each(cases: Iterable[int], deal: Callable[[Case], None]) -> None:
    for pk in list(cases):
        try:
            with transaction.atomic():
                found = Case.objects.select_for_update(of=("self",), skip_locked=True).select_related("topic")
                if (row := found.filter(pk=pk).first()) is not None:
                    deal(row)
        except Exception:  # one that cannot be decided must not stop the others; it is tried again
            log.exception("cases: the clock of case %s", pk)


def _lapse(row: Case) -> None:
    past = Opinion.objects.filter(case=row, says="", lapsed=None, due__lt=timezone.now())
    if past.update(lapsed=timezone.now()) and row.open:  # of one that is decided already there is nothing to tell
        actions.add_step(row, "opinions_lapsed", by=LAW_ACTOR)
        actions.follow_law(row, workflow_of(row))


def _silence(row: Case) -> None:
    kind = workflow_of(row)
    state = kind.state(row.state)
    if row.silent is None or row.silent >= timezone.now() or row.stopped is not None or state.silence is None:
        return
    rule = kind.transition(state.silence.take)
    assert rule is not None  # `problems` saw to it
    actions.take(row, rule, kind, by=LAW_ACTOR, silence=state.silence.days)


def _late(row: Case) -> None:
    if row.warned or row.stopped is not None or row.step_due is None or row.step_due >= timezone.now():
        return
    row.warned = True
    row.save(update_fields=["warned"])
    step = actions.add_step(row, "late", by=LAW_ACTOR, state=row.state)
    publish(events.CaseLate(row.pk, row.type, step.pk))
    slug = workflow_of(row).state(row.state).escalate
    team = people.Team.objects.filter(slug=slug).first() if slug else None
    if team is not None and team.pk != row.team_id:
        row.team_id, row.assignee_id = team.pk, None
        row.save(update_fields=["team", "assignee"])
        actions.add_step(row, "assigned", by=LAW_ACTOR, team=team.pk, assignee=None)
        publish(events.CaseAssigned(row.pk, row.type, team.pk, None))
