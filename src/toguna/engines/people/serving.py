"""Whom an agent serves, from the front desk to the page where a service does what they ask: a signed note in the address.

Services declare what can be begun for somebody (`FrontAction`); the front desk shows it and hands the note on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.core import signing

from toguna.engines.people import mandates, phones
from toguna.engines.people.models import Mandate, Person
from toguna.kernel import access, audit
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration

GOOD_FOR = timedelta(hours=12)  # a working day: the form may lie open while others are served
NOTE = "for"  # the parameter that carries it
_SALT = "toguna.people.serving"


@dataclass(frozen=True)
class FrontAction(Declaration):
    """Something that an agent can begin for a person. `url_name`: a page of the back office that takes ?for=NOTE (see
    `read`); `permission`: shown to who has it somewhere; `icon`: a pictogram."""

    name: str
    title: Any
    url_name: str
    permission: str
    icon: str = "plus"
    order: int = 100

    @property
    def service(self) -> str:
        return self.permission.partition(".")[0]

    def problems(self) -> Iterator[str]:
        if "." not in self.permission:
            yield "an action of the front desk needs a permission"


@dataclass(frozen=True)
class Serving:
    """person: who is served; mandate: by which a mediator acts for them, when they do not come themselves; address: where
    they, or the mediator, can be reached: ("phone", "+223...") or None; channel: "phone" or "counter"."""

    person: Person
    mandate: Mandate | None = None
    address: tuple[str, str] | None = None
    channel: str = "counter"

    @property
    def name(self) -> str:
        return self.person.name


def note(person: Person, *, mandate: Mandate | None = None, channel: str = "counter", by: Actor) -> str:
    """The note to put in the address. It is good for this agent only."""
    return signing.dumps([by.account, person.pk, mandate.pk if mandate else None, channel], salt=_SALT)


def read(typed: str | None, *, by: Actor) -> Serving | None:
    """Who is served by this note; None when it is none of ours, another agent's or too old, when the person was erased, and
    when the mandate holds no more."""
    try:
        account, person_id, mandate_id, channel = signing.loads(typed or "", salt=_SALT, max_age=GOOD_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    person = Person.objects.filter(pk=person_id, erased=None).first()
    if person is None or account != by.account:
        return None
    mandate = None
    if mandate_id is not None:
        mandate = mandates.holding().filter(pk=mandate_id, person=person).first()
        if mandate is None:
            return None
    contact = person.contacts.filter(lost=None).order_by("-kind", "id").first()
    return Serving(person, mandate, (contact.kind, contact.value) if contact else None, channel)


def actor(served: Serving, by: Actor) -> Actor:
    """The agent, acting for whom they serve: what is made belongs to that person."""
    return replace(by, person=served.person.pk)


def acted(served: Serving, action: str, subject: str, *, by: Actor) -> None:
    """Writes down, in the caller's transaction, that this was done for the person; and by whose mandate."""
    data: dict[str, Any] = {"person": served.person.pk}
    if served.mandate is not None:
        data |= {"mediator": served.mandate.mediator_id, "mandate": served.mandate.pk}
    audit.record(by, action, subject, **data)


def typed_contact(served: Serving) -> str:
    """Their phone or e-mail as a form shows it, "" when they have none."""
    return phones.shown(*served.address) if served.address else ""


def may_begin(action: FrontAction, by: Actor, mandate: Mandate | None = None) -> bool:
    """Whether the agent may, and the mandate (if somebody acts for another) covers that service."""
    covered = mandate is None or mandate.about in ("", action.service)
    return covered and access.can(by, action.permission, anywhere=True)
