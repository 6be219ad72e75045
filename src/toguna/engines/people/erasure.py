"""What erasing a person means: each room says what it does with what it knows of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from toguna.engines.people.models import Account, Contact, OneTimeCode, Person
from toguna.kernel import audit, registry
from toguna.kernel.access import Actor
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
    Account.objects.filter(person=person, is_team=True).update(person=None)
    Account.objects.filter(person=person).delete()
    Person.objects.filter(pk=person.pk).update(name="", language="", erased=Now())
    audit.record(by, "people.erase", f"people.person:{person.pk}")
