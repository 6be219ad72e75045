"""What erasing a person means: each room says what it does with what it knows of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.db.models.functions import Now

from toguna.engines.people.models import Account, Contact, Mandate, OneTimeCode, Person
from toguna.kernel import audit, registry
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class Erasure(Declaration):
    """`erase(person_id)` removes or empties what the room knows of somebody, in the caller's transaction."""

    name: str
    erase: Callable[[int], None]


@dataclass(frozen=True)
class PersonalData(Declaration):
    """`export(person_id)` gives what the room knows of somebody, as JSON-able values, for them to take away."""

    name: str
    export: Callable[[int], Any]


def export(person: Person) -> dict[str, Any]:
    """All that the town knows of a person."""
    return {
        "name": person.name,
        "language": person.language,
        "created": person.created.isoformat(),
        "contacts": list(person.contacts.values("kind", "value")),
        "mandates": [
            {"lets_act": m.mediator.name, "about": m.about, "consent": m.consent, "at": m.at.isoformat()}
            for m in person.mandates.select_related("mediator")
        ],
        **{declared.name: declared.export(person.pk) for declared in registry.declared(PersonalData)},
    }


@transaction.atomic
def erase(person: Person, *, by: Actor) -> None:
    """Every room forgets them, then so do we; the emptied row stays so that what points at it holds."""
    for declared in registry.declared(Erasure):
        declared.erase(person.pk)
    mine = Contact.objects.filter(person=person)
    OneTimeCode.objects.filter(value__in=mine.values("value")).delete()
    mine.delete()
    Mandate.objects.filter(Q(person=person) | Q(mediator=person)).delete()
    Account.objects.filter(person=person, is_team=True).update(person=None)
    Account.objects.filter(person=person).delete()
    Person.objects.filter(pk=person.pk).update(name="", language="", zone=None, seen=None, erased=Now())
    audit.record(by, "people.erase", f"people.person:{person.pk}")


MOST_FORGOTTEN = 1000


@transaction.atomic
def forget_unneeded(persons: Collection[int] | None = None) -> None:
    """Erases those (of these, or of all who have been known for a day) in whom nothing has an interest any more: no account,
    and nothing but their contacts points at them."""
    unneeded = Person.objects.filter(erased=None)
    if persons is None:
        unneeded = unneeded.filter(created__lt=Now() - timedelta(days=1))
    else:
        unneeded = unneeded.filter(pk__in=persons)
    for relation in Person._meta.get_fields(include_hidden=True):
        if isinstance(relation, ForeignObjectRel) and relation.related_model is not Contact:
            rows = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
            unneeded = unneeded.filter(~Exists(rows))
    for person in unneeded.order_by("pk").select_for_update(skip_locked=True)[:MOST_FORGOTTEN]:
        erase(person, by=SYSTEM)
