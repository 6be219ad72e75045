"""Asking the town: a question is a case without a place, private unless the person lets everyone read it."""

from __future__ import annotations

import dataclasses

from django.db import transaction
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, audit
from toguna.kernel.access import Actor
from toguna.kernel.web import Request
from toguna.services.reports import intake
from toguna.services.reports.asking.casetype import QUESTION

_AGREED = "open_to_all"  # in the case's answers


@transaction.atomic
def ask(asked: cases.Asked, *, open_to_all: bool, request: Request) -> tuple[cases.Case, bool]:
    """Takes a question from whoever sends this request. (case, True), or (case, False) when it was received before.

    Raises limits.TooMany (as for reports) and cases.Refused."""
    intake.count(request.actor, request, phone=asked.phone)
    agreed = {_AGREED: True} if open_to_all else {}
    case, made = cases.open_case(dataclasses.replace(asked, type=QUESTION.name, answers=agreed), by=request.actor)
    if made and case.public and not open_to_all:
        case.public = False
        case.save(update_fields=["public"])
    return case, made


@transaction.atomic
def show(case: int, *, by: Actor) -> None:
    """Puts a question that was hidden before everyone again. Raises Refused when whoever asked has not agreed to that."""
    if not cases.lock(case, QUESTION.moderate, by=by).answers.get(_AGREED):
        raise cases.Refused(_("Whoever asked has not agreed that everyone reads it."))
    cases.show(case, by=by)


@transaction.atomic
def give_topics(teams: dict[int, int | None], *, by: Actor) -> None:
    """Which team answers what: {topic id: team id or None}. One rule for each topic, for the whole town and all hours."""
    access.require(by, QUESTION.set_up)
    rules = {r.topic_id: r for r in cases.Rule.objects.select_for_update(of=("self",)).filter(case_type=QUESTION.name)}
    for topic in cases.Topic.objects.filter(case_type=QUESTION.name, pk__in=teams):
        rule, team = rules.get(topic.pk), teams[topic.pk]
        if team is None and rule is not None:
            cases.remove_rule(QUESTION, rule, by=by)
        elif team is not None and (rule is None or rule.team_id != team):
            cases.save_rule(QUESTION, rule, cases.WhoGets(team=team, topic=topic), by=by)


def contacts_of(case: cases.Case, *, by: Actor) -> list[str]:
    """Who asked. Reading it leaves a trace: it is asked for, never shown by itself."""
    if case.reporter is None:
        return []
    audit.record(by, "questions.read_reporter", f"cases.case:{case.pk}")
    return [case.reporter.name or _("No name"), *(people.shown(c.kind, c.value) for c in case.reporter.contacts.all())]
