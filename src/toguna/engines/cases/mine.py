"""What a person asked of the town, for their own space."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases.actions import key_of
from toguna.engines.cases.definition import workflow_of
from toguna.engines.cases.following import told_types
from toguna.engines.cases.models import Case
from toguna.engines.cases.workflow import CaseType, case_type
from toguna.engines.people.api import MOST_OWNED, Mine, Owned, Person
from toguna.kernel import text


def _owned(person: Person) -> list[Owned]:
    mine = Case.objects.filter(reporter=person.pk, type__in=told_types(), anonymised=None)
    found = mine.select_related("topic", "workflow").order_by("-id")[:MOST_OWNED]
    return [_one(case, case_type(case.type)) for case in found]


def _one(case: Case, kind: CaseType) -> Owned:
    waits = case.stopped is not None
    says = str(workflow_of(case).state(case.state).title)
    return Owned(
        title=f"{text.pick(case.topic.names)} {case.code}",
        url=f"{reverse(kind.public_url, args=[case.code])}?key={key_of(case)}",
        says=_("The town waits for you: %(state)s") % {"state": says} if waits else says,
        service=kind.read.partition(".")[0],
        icon=case.topic.icon,
        when=case.created,
        due=case.due.date() if case.due and case.open and not waits else None,
        todo=waits,
    )


MINE = Mine(
    "cases", gettext_lazy("My requests and reports"), "list", _owned,
    none=gettext_lazy("You have asked for nothing yet, or not under your name."), order=10,
)  # fmt: skip
