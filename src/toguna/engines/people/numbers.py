"""Whose a phone number is: numbers are shared in a family, and are given to somebody else after some months of silence.

Whoever proves to hold a number proves no more than that. One person known there lately: it is them. Several, or one of whom
nothing was heard for a year: they are asked who they are, and say the name that the town knows (see docs/adr/0011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import get_language

from toguna.engines.people.models import Account, Contact, Person
from toguna.kernel import audit, limits
from toguna.kernel.access import SYSTEM, Actor
from toguna.kernel.text import fold

SILENCE = timedelta(days=365)  # operators give a silent number to somebody else after three to twelve months
NAMES_A_DAY = 5  # tries at saying who one is, on one number
MOST_SHOWN = 8  # names in the list; a mediator's phone has more: then only the name is asked


@dataclass(frozen=True)
class Holders:
    """Who is known at a number: `near` were heard of within a year, `silent` were not."""

    near: Sequence[Person]
    silent: Sequence[Person]

    @property
    def sure(self) -> Person | None:
        """The one person it must be."""
        return self.near[0] if len(self.near) == 1 and not self.silent else None

    @property
    def shown(self) -> Sequence[Person]:
        """Whose masked names may be listed: never those of the silent, whose number it may no longer be."""
        named = [person for person in self.near if person.name]
        return named if len(named) <= MOST_SHOWN else ()

    @property
    def anybody(self) -> bool:
        return bool(self.near or self.silent)


def holders(kind: str, value: str) -> Holders:
    """Those who may be at the other end. Never staff: a code alone does not open the desk."""
    since = timezone.now() - SILENCE
    near: list[Person] = []
    silent: list[Person] = []
    found = Contact.objects.filter(kind=kind, value=value, lost=None, person__erased=None)
    for contact in found.exclude(person__account__is_team=True).select_related("person").order_by("id"):
        person = contact.person
        heard = max(at for at in (person.created, person.seen, contact.verified) if at is not None)
        (near if heard > since else silent).append(person)
    return Holders(near, silent)


def masked_name(name: str) -> str:
    """Enough for a family to tell its own apart: "A••• T•••"."""
    return " ".join(f"{word[0]}•••" for word in name.split()[:3])


def _says(person: Person, typed: str, *, whole: bool) -> bool:
    """Whether that is their name: the first name is enough among those who share a phone, a silent person gives it all."""
    known, said = fold(person.name).split(), fold(typed).split()
    if not known or not said:
        return False
    return sorted(known) == sorted(said) if whole else known[0] in said


def named(kind: str, value: str, typed: str, chosen: int | None = None) -> Person | None:
    """Who says this name at this number, or None. chosen: the one that was picked in the list. Raises limits.TooMany."""
    limits.hit("login-name", f"{kind}:{value}", at_most=NAMES_A_DAY, per=timedelta(days=1))
    found = holders(kind, value)
    if chosen is not None:
        return next((p for p in found.shown if p.pk == chosen and _says(p, typed, whole=False)), None)
    alike = [p for p in (*found.near, *found.silent) if _says(p, typed, whole=True)]
    return alike[0] if len(alike) == 1 else None


@transaction.atomic
def open_for(person: Person, kind: str, value: str) -> Account | None:
    """The account of a person who proved to hold this number and is known to be them; None when it was disabled."""
    now = timezone.now()
    Contact.objects.update_or_create(person=person, kind=kind, value=value, defaults={"verified": now, "lost": None})
    Person.objects.filter(pk=person.pk).update(seen=now)
    account, _made = Account.objects.get_or_create(person=person, defaults={"password": make_password(None)})
    return account if account.is_active else None


@transaction.atomic
def newcomer(kind: str, value: str) -> Account | None:
    """Somebody who is none of those with a name holds this number now. The silent have lost it: nothing is said to them
    there any more, and what they said is not shown there. One who is known without a name is taken for them."""
    found = holders(kind, value)
    for person in found.silent:
        lose(person, kind, value, by=SYSTEM, why="newcomer")
    nameless = next((person for person in found.near if not person.name), None)
    return open_for(nameless or Person.objects.create(language=get_language() or ""), kind, value)


@transaction.atomic
def reached_at(person: Person, kind: str, value: str, *, by: Actor) -> None:
    """Somebody gave this phone or e-mail as theirs; it is not proven."""
    found, made = Contact.objects.get_or_create(person=person, kind=kind, value=value)
    if made or found.lost:
        Contact.objects.filter(pk=found.pk).update(lost=None)
        audit.record(by, "people.add_contact", f"people.person:{person.pk}")


@transaction.atomic
def lose(person: Person, kind: str, value: str, *, by: Actor, why: str) -> None:
    """The number is not theirs any more. why: "newcomer", "not-me", "desk"."""
    if Contact.objects.filter(person=person, kind=kind, value=value, lost=None).update(lost=Now()):
        audit.record(by, "people.lose_contact", f"people.person:{person.pk}", why=why)


@transaction.atomic
def not_me(value: str, persons: Sequence[int]) -> int:
    """Whoever holds this phone says that they are none of these persons: how many lost it."""
    found = Contact.objects.filter(kind="phone", value=value, lost=None, person__in=persons).select_related("person")
    rows = list(found)
    for contact in rows:
        lose(contact.person, contact.kind, contact.value, by=SYSTEM, why="not-me")
    return len(rows)


def held_since(contact: Contact) -> datetime | None:
    """When somebody else last lost this number, before this person did: what was said there earlier is not theirs to see."""
    others = Contact.objects.filter(value=contact.value, lost__isnull=False).exclude(person=contact.person_id)
    if contact.lost is not None:
        others = others.filter(lost__lt=contact.lost)
    last: datetime | None = others.aggregate(last=Max("lost"))["last"]
    return last
