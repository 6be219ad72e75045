"""Verbs around a decision: opinions, a fee paid at the counter, what the applicant must complete, who is away."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import actions, events, opinions, rights
from toguna.engines.cases.actions import Conflict, Refused
from toguna.engines.cases.definition import workflow_of
from toguna.engines.cases.models import Absence, Case, Opinion, Step
from toguna.engines.cases.workflow import Opinions, Wanted
from toguna.engines.people import api as people
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor, Denied
from toguna.kernel.events import publish

MOST_ANSWERS_BYTES = 200_000


@transaction.atomic
def ask_opinions(
    case: int, wanted: Sequence[Wanted], *, by: Actor, words: str = "", client_id: uuid.UUID | None = None
) -> list[Opinion]:
    """Asks more teams than the workflow does: they join the round that is under way. A team that is asked already is not
    asked twice."""
    row = Case.objects.select_for_update(of=("self",)).select_related("topic").get(pk=case)
    access.require(by, workflow_of(row).assign, zone=row.zone_id, subject=row.topic.slug)
    if not row.open or row.stopped is not None:
        raise Refused(_("No opinion can be asked of this case now."))
    if not actions.first_time(client_id, row):
        return []
    round_ = Opinion.objects.filter(case=row).order_by("-round").values_list("round", flat=True).first()
    asked = (
        set(Opinion.objects.filter(case=row, round=round_).values_list("team__slug", flat=True)) if round_ else set()
    )
    new = tuple(one for one in wanted if one.team not in asked)
    if not new:
        raise Refused(_("These services are asked already."))
    step = actions.add_step(row, "asked_opinions", by=by, words=text.clean(words), teams=[one.team for one in new])
    return opinions.request(row, Opinions(new), round_ or step.pk, step.at)


@transaction.atomic
def give_opinion(opinion: int, says: str, words: str = "", *, by: Actor, client_id: uuid.UUID | None = None) -> Opinion:
    """What the team thinks, said once. An unfavourable one and one with reserves need their reasons.

    Raises Denied for who is not of the team, Refused, Conflict when a colleague answered first or it is too late."""
    case = Case.objects.select_for_update(of=("self",)).select_related("topic").get(opinions=opinion)
    row = Opinion.objects.get(pk=opinion)  # after the lock: what a colleague wrote meanwhile is seen
    kind = workflow_of(case)
    if not by.system and (row.team_id not in rights.teams_of(by) or not access.can(by, kind.read, anywhere=True)):
        raise Denied(by, kind.read)
    if not actions.first_time(client_id, case):
        return row
    if row.says:
        raise Conflict(_("A colleague has answered already."))
    newest = Opinion.objects.filter(case=case).order_by("-round").values_list("round", flat=True).first()
    if not case.open or row.lapsed is not None or row.round != newest:
        raise Conflict(_("It is too late: the decision no longer waits for this opinion."))
    words = text.clean(words)[:4000]
    if says not in Opinion.Says.values:
        raise Refused(_("Choose what your service thinks of it."))
    if says != Opinion.Says.FAVOURABLE and not words:
        raise Refused(_("Say in a few words why: whoever decides will read it."))
    row.says, row.text, row.answered, row.account = says, words, timezone.now(), by.account
    row.save(update_fields=["says", "text", "answered", "account"])
    step = actions.add_step(case, "opinion", by=by, words=words, team=row.team_id, says=says)
    publish(events.OpinionGiven(case.pk, case.type, step.pk))
    actions.follow_law(case, kind)
    return row


@transaction.atomic
def record_payment(case: int, fee: str, receipt: str, *, by: Actor, client_id: uuid.UUID | None = None) -> Step | None:
    """What was paid at the counter, with the number of its receipt. None when it was recorded before."""
    receipt = text.clean(receipt)[:60]
    if not receipt:
        raise Refused(_("Write the number of the receipt."))
    row = Case.objects.select_for_update(of=("self",)).select_related("topic").get(pk=case)
    kind = workflow_of(row)
    access.require(by, kind.assign, zone=row.zone_id, subject=row.topic.slug)
    known = next((t.fee for t in kind.transitions if t.fee and t.fee.name == fee), None)
    if known is None:
        raise Refused(_("There is no such fee."))
    if not row.open:
        raise Refused(_("This case is closed. Open a new one."))
    if not actions.first_time(client_id, row) or rights.paid(row, known):
        return None
    return actions.add_step(row, "paid", by=by, public=True, fee=fee, amount=known.amount, receipt=receipt)


def wanted_of(case: Case) -> list[str]:
    """The answers and pieces that the applicant must complete now; [] when it is not their turn."""
    if case.stopped is None:
        return []
    steps = Step.objects.filter(case=case, action="moved", to_state=case.state).order_by("-pk")
    data = steps.values_list("data", flat=True).first() or {}
    return [str(one) for one in data.get("wanted", [])]


@transaction.atomic
def complete(
    case: int, answers: Mapping[str, Any], *, by: Actor, words: str = "", key: str = "",
    client_id: uuid.UUID | None = None,
) -> Case:  # fmt: skip
    """The applicant (with the key), or a clerk for them, gives what was missing: only what was asked for is taken, nothing
    else of the case changes. Then the clock runs again. Checked by whoever knows the form, before."""
    row = Case.objects.select_for_update(of=("self",)).select_related("topic").get(pk=case)
    kind = workflow_of(row)
    if not (key and actions.holds_key(row, key)):
        access.require(by, kind.assign, zone=row.zone_id, subject=row.topic.slug)
    if not actions.first_time(client_id, row):
        return row
    back = next(iter(kind.possible(row.state, reporter=True)), None)
    if row.stopped is None or back is None:
        raise Conflict(_("The town is not waiting for anything from you."))
    wanted = wanted_of(row)
    given = {name: value for name, value in answers.items() if name in wanted}
    if len(str(given)) > MOST_ANSWERS_BYTES:
        raise Refused(_("This is too long."))
    if left := [name for name in wanted if given.get(name) in (None, "", [])]:
        raise Refused(_("Still missing: %(names)s.") % {"names": ", ".join(left)})
    row.answers = {**row.answers, **given}
    row.save(update_fields=["answers"])
    actions.take(row, back, kind, by=by, words=text.clean(words)[:4000], completed=wanted)
    return row


@transaction.atomic
def set_absence(account: int, start: date, end: date, delegate: int, *, by: Actor) -> Absence:
    """Says that somebody is away and who does their work: by themselves, or by who manages staff."""
    if by.account != account:
        access.require(by, "people.administer", anywhere=True)
    if end < start or (end - start).days > 366:
        raise Refused(_("The last day comes before the first, or is more than a year later."))
    if delegate == account:
        raise Refused(_("Choose somebody else to do the work."))
    ours = people.Account.objects.filter(pk__in=[account, delegate], is_team=True, is_active=True)
    if ours.count() != 2:
        raise Refused(_("Choose a colleague."))
    people.Account.objects.select_for_update().get(pk=account)
    Absence.objects.filter(account=account, start__lte=end, end__gte=start).delete()  # the newest word counts
    row = Absence.objects.create(account_id=account, delegate_id=delegate, start=start, end=end)
    audit.record(by, "cases.absence", f"people.account:{account}", delegate=delegate, start=str(start), end=str(end))
    return row
