"""The verbs of the catalogue: a clerk writes a procedure, changes it, puts it before everyone or takes it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.kernel import access, audit, text, town
from toguna.kernel.access import Actor
from toguna.services.procedures import catalogue, deciding, ready, requesting
from toguna.services.procedures.life import EVENTS
from toguna.services.procedures.models import Procedure

SET_UP = "procedures.set_up"
MOST_BRING = 20


class Refused(Exception):
    """It is not kept; str() is a sentence for the person."""


@dataclass(frozen=True)
class Told:
    """All that is told of a procedure. Words are {language: words}; cost in minor units; quiz: see `Procedure.quiz`."""

    names: Mapping[str, str]
    summary: Mapping[str, str]
    who: Mapping[str, str]
    where: Mapping[str, str]
    law: Mapping[str, str]
    cost_words: Mapping[str, str]
    bring: Sequence[Mapping[str, str]]
    event: str
    icon: str
    cost: int
    days: int
    active: bool
    order: int
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    quiz: Sequence[Mapping[str, Any]] = ()
    booking: str = ""


@transaction.atomic
def save(procedure: Procedure | None, told: Told, *, by: Actor) -> Procedure:
    """Makes a procedure or changes one. Raises Refused, Denied."""
    access.require(by, SET_UP)
    row = Procedure.objects.select_for_update().get(pk=procedure.pk) if procedure else Procedure()
    if not any(told.names.values()):
        raise Refused(_("Give it a name in one language at least."))
    if told.event not in {event.name for event in EVENTS}:
        raise Refused(_("Choose for which moment of life it is."))
    if len(told.bring) > MOST_BRING:
        raise Refused(_("That is too much to bring: %(most)d things at most.") % {"most": MOST_BRING})
    for question in told.quiz:
        if question.get("need") not in ("yes", "no") or not any(question.get("ask", {}).values()):
            raise Refused(_("Each question of “Is it for me?” needs its words and the answer that is right."))
    if not row.slug:
        row.slug = _free_slug(text.pick(told.names, town.current().languages[0]))
    for name, value in vars(told).items():
        setattr(row, name, list(value) if isinstance(value, tuple) else value)
    row.save()
    requesting.topic(row)
    _publish(row, by)
    catalogue.forget()
    audit.record(by, "procedures.save", f"procedures.procedure:{row.pk}", slug=row.slug, active=row.active)
    return row


def _free_slug(name: str) -> str:
    base = slugify(text.fold(name))[:50] or "procedure"
    taken = set(Procedure.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(s for s in (base, *(f"{base}-{n}" for n in range(2, 1000))) if s not in taken)


def _publish(row: Procedure, by: Actor) -> None:
    """Its fee and its paper are in its workflow: a change of them is another version, for the requests to come."""
    try:
        deciding.publish(row, by=by)
    except cases.Unsound as error:
        raise Refused(" ".join(error.problems)) from error


@transaction.atomic
def set_steps(procedure: Procedure, pattern: str, steps: Mapping[str, Any] | None, *, by: Actor) -> Procedure:
    """By which pattern its requests are decided, and that pattern as the town changed it (None: as it is). Requests under
    way stay on theirs. Raises Refused, Denied."""
    access.require(by, SET_UP)
    row = Procedure.objects.select_for_update().get(pk=procedure.pk)
    if pattern not in ready.workflows():
        raise Refused(_("Choose how requests are decided."))
    row.pattern, row.steps = pattern, dict(steps) if steps is not None else None
    row.save(update_fields=["pattern", "steps"])
    _publish(row, by)
    catalogue.forget()
    audit.record(by, "procedures.steps", f"procedures.procedure:{row.pk}", pattern=pattern)
    return row


@transaction.atomic
def set_paper(procedure: Procedure, paper: str, facts: Mapping[str, str], *, by: Actor) -> Procedure:
    """Which paper it gives ("": none), and from which answers it is written. Raises Refused, Denied."""
    access.require(by, SET_UP)
    row = Procedure.objects.select_for_update().get(pk=procedure.pk)
    if paper and documents.find_template(paper) is None:
        raise Refused(_("There is no template of this name."))
    row.paper, row.facts = paper, {name: words[:500] for name, words in facts.items() if words}
    row.save(update_fields=["paper", "facts"])
    _publish(row, by)
    catalogue.forget()
    audit.record(by, "procedures.paper", f"procedures.procedure:{row.pk}", paper=paper)
    return row


@transaction.atomic
def set_form(procedure: Procedure, form: str, *, by: Actor) -> Procedure:
    """By which form it is asked for ("": at the counter only). Raises Refused, Denied."""
    access.require(by, SET_UP)
    row = Procedure.objects.select_for_update().get(pk=procedure.pk)
    if form and not forms.Form.objects.filter(slug=form, service=requesting.SERVICE).exists():
        raise Refused(_("There is no such form."))
    row.form = form
    row.save(update_fields=["form"])
    catalogue.forget()
    audit.record(by, "procedures.form", f"procedures.procedure:{row.pk}", form=form)
    return row
