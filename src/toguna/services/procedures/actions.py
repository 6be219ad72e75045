"""The verbs of the catalogue: a clerk writes a procedure, changes it, puts it before everyone or takes it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from toguna.kernel import access, audit, text, town
from toguna.kernel.access import Actor
from toguna.services.procedures import catalogue
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
    catalogue.forget()
    audit.record(by, "procedures.save", f"procedures.procedure:{row.pk}", slug=row.slug, active=row.active)
    return row


def _free_slug(name: str) -> str:
    base = slugify(text.fold(name))[:50] or "procedure"
    taken = set(Procedure.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(s for s in (base, *(f"{base}-{n}" for n in range(2, 1000))) if s not in taken)
