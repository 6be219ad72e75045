"""Somebody lets somebody else act for them: recorded with how they agreed, ended at any time, and said in every act."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.people.actions import Refused
from toguna.engines.people.models import Mandate, Person
from toguna.kernel import audit, text
from toguna.kernel.access import Actor


@transaction.atomic
def grant(
    person: Person, mediator: Person, *, consent: str, about: str = "", until: date | None = None, by: Actor
) -> Mandate:
    """Records that `person` lets `mediator` act for them. consent: how they agreed, in words; about: one service, "" for
    whatever the town does; until: the last day. Given again, it replaces the one that held. Raises Refused, in words."""
    how = text.clean(consent)
    if person.pk == mediator.pk:
        raise Refused(_("Nobody needs a mandate to act for themselves: choose another person."))
    if not how:
        raise Refused(_("Say how the person agreed: by voice, in writing, in front of whom."))
    if until is not None and until < timezone.localdate():
        raise Refused(_("This day is past. Choose today or later."))
    if person.erased or mediator.erased:
        raise Refused(_("This person was erased."))
    # One at a time for each pair and service: whoever records the same thing twice at once makes one.
    Person.objects.select_for_update().get(pk=person.pk)
    for earlier in holding().filter(person=person, mediator=mediator, about=about):
        end(earlier, by=by)
    row = Mandate.objects.create(
        person=person, mediator=mediator, about=about, consent=how[:300], recorded_by=by.account, until=until
    )
    audit.record(
        by, "people.grant_mandate", f"people.person:{person.pk}", mediator=mediator.pk, mandate=row.pk, about=about
    )
    return row


@transaction.atomic
def end(mandate: Mandate, *, by: Actor) -> None:
    """From now on it gives no right; it stays, so that what was done under it can be explained."""
    if Mandate.objects.filter(pk=mandate.pk, ended=None).update(ended=Now()):
        audit.record(
            by,
            "people.end_mandate",
            f"people.person:{mandate.person_id}",
            mediator=mandate.mediator_id,
            mandate=mandate.pk,
        )


def holding() -> QuerySet[Mandate]:
    """Those that give a right today, with both persons."""
    today = Q(until=None) | Q(until__gte=timezone.localdate())
    living = Mandate.objects.filter(today, ended=None, person__erased=None, mediator__erased=None)
    return living.select_related("person", "mediator").order_by("-id")
