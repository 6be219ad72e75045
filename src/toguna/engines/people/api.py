"""The door of `people`: who acts, who is served, teams, staff."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from toguna.engines.people.acting import acting, mandate_of
from toguna.engines.people.actions import Refused, create_staff, end_sessions, set_grants
from toguna.engines.people.devices import address_of, device_of, remember_device
from toguna.engines.people.erasure import Erasure, PersonalData, forget_unneeded
from toguna.engines.people.mandates import end as end_mandate
from toguna.engines.people.mandates import grant as grant_mandate
from toguna.engines.people.mandates import holding as mandates
from toguna.engines.people.mine import MOST as MOST_OWNED
from toguna.engines.people.mine import Mine, Owned
from toguna.engines.people.models import Account, Contact, Mandate, Person, Team
from toguna.engines.people.numbers import held_since, not_me, reached_at
from toguna.engines.people.numbers import lose as lose_contact
from toguna.engines.people.onetime import CodeSender, CodesRunOut, confirm_by_ussd
from toguna.engines.people.phones import contact, example_phone, masked, normal_email, normal_phone, shown
from toguna.engines.people.serving import NOTE, FrontAction, Serving, may_begin, note, typed_contact
from toguna.engines.people.serving import acted as acted_for
from toguna.engines.people.serving import actor as actor_serving
from toguna.engines.people.serving import read as serving
from toguna.engines.people.staff import factors_passed
from toguna.engines.territory import api as territory
from toguna.kernel import access, registry, town
from toguna.kernel.access import ADMINISTRATOR, NOBODY, Actor, Grant

__all__ = [
    "MOST_OWNED",
    "NOTE",
    "Account",
    "CodeSender",
    "CodesRunOut",
    "Contact",
    "Erasure",
    "FrontAction",
    "Mandate",
    "Mine",
    "Owned",
    "Person",
    "PersonalData",
    "Reach",
    "Refused",
    "Serving",
    "Team",
    "acted_for",
    "actor_for",
    "actor_of",
    "actor_serving",
    "address_of",
    "administrators",
    "authority",
    "confirm_by_ussd",
    "contact",
    "create_staff",
    "device_of",
    "end_mandate",
    "end_sessions",
    "example_phone",
    "forget_unneeded",
    "grant_mandate",
    "held_since",
    "known_at",
    "lose_contact",
    "mandate_of",
    "mandates",
    "masked",
    "may_begin",
    "normal_email",
    "normal_phone",
    "not_me",
    "note",
    "person_for",
    "persons_at",
    "phones_of",
    "reach",
    "reach_many",
    "reach_staff",
    "reached_at",
    "remember_device",
    "serving",
    "set_grants",
    "shown",
    "staff_with",
    "typed_contact",
]  # fmt: skip

# What makes an actor, in one statement: the account, its second factors, its grants and its teams.
_ACTOR = """
SELECT a.name, a.email, a.person_id, a.is_team,
  ARRAY(SELECT m.id FROM mfa_authenticator m WHERE m.user_id = a.id),
  COALESCE((SELECT jsonb_agg(jsonb_build_array(g.role, g.service, g.zone_id, g.subjects)) FROM people_grant g
            WHERE g.account_id = a.id AND (g.until IS NULL OR g.until >= current_date)), '[]'),
  ARRAY(SELECT team_id FROM people_team_member t WHERE t.account_id = a.id)
FROM people_account a WHERE a.id = %s AND a.is_active
"""


def actor_of(request: HttpRequest) -> Actor:
    """Who makes this request. Nobody, at no cost, without a session cookie. Staff who have not shown, in this very session,
    a second factor that the account still has, act as somebody without any right."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return NOBODY
    user = request.user
    return acting(request, actor_for(user.pk, factors_passed(request))) if user.is_authenticated else NOBODY


def actor_for(account: int, passed: Collection[int]) -> Actor:
    """The actor of an account that has shown these second factors. One statement (zones come from a brief cache)."""
    return _actor(account, passed)


def authority(account: int) -> Actor:
    """What somebody could do once they have logged in, to know whom to tell of what. It lets nobody in. One statement."""
    return _actor(account, None)


def _actor(account: int, passed: Collection[int] | None) -> Actor:
    with connection.cursor() as cursor:
        cursor.execute(_ACTOR, [account])
        row = cursor.fetchone()
    if row is None:
        return NOBODY
    name, email, person, works_here, factors, grants, teams = row
    staff = bool(works_here and (passed is None or not set(factors).isdisjoint(passed)))
    return Actor(
        account=account,
        person=person,
        name=name or email or "",
        staff=staff,
        teams=frozenset(teams) if staff else frozenset(),
        grants=tuple(
            Grant(
                role,
                service,
                None if zone is None else territory.zone_tree_ids(zone),
                frozenset(subjects) if subjects else None,
            )
            for role, service, zone, subjects in (_json(grants) if staff else ())
        ),
    )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Reach:
    """How to reach somebody: medium "email" or "sms"."""

    medium: str
    address: str
    language: str


def person_for(*, name: str = "", phone: str = "", email: str = "", language: str = "") -> Person | None:
    """Finds or makes the person with these contacts (already normalised). None when nothing at all was given.

    phone may also be an address in a chat, "telegram:123". A phone may be shared: the person is found by contact *and*
    name (any, when one of the two names is empty).
    """
    given = [(kind, value) for kind, value in ((_kind(phone), phone), ("email", email)) if value]
    if not given and not name:
        return None
    if given:
        known = Person.objects.filter(contacts__value__in=[v for _, v in given], contacts__lost=None, erased=None)
        if name:
            known = known.filter(name__in=[name, ""])
        if found := known.order_by("id").first():
            if name and not found.name and not found.contacts.exclude(verified=None).exists():
                Person.objects.filter(pk=found.pk).update(name=name)  # who has logged in names themselves
            return found
    person = Person.objects.create(name=name, language=language)
    if given:
        Contact.objects.bulk_create(Contact(person=person, kind=kind, value=value) for kind, value in given)
    return person


def _kind(value: str) -> str:
    """The kind of a contact that is no e-mail: the chat that its address names, else a phone."""
    return value.partition(":")[0] if ":" in value else "phone"


def _medium(kind: str) -> str:
    return "sms" if kind == "phone" else kind


def known_at(address: str) -> Person | None:
    """Whoever is reached at this phone or e-mail: the one who confirmed it last, else the one seen last. A hint for a
    conversation, never proof of who writes."""
    found = Contact.objects.filter(value=address, lost=None, person__erased=None).select_related("person")
    row = found.order_by(F("verified").desc(nulls_last=True), F("person__seen").desc(nulls_last=True), "-id").first()
    return row.person if row else None


def persons_at(address: str) -> list[int]:
    """The ids of all who are reached at this phone or e-mail."""
    found = Contact.objects.filter(value=address, lost=None, person__erased=None)
    return list(found.values_list("person_id", flat=True))


def phones_of(person: int) -> list[str]:
    """The numbers that a person has confirmed, the last first."""
    found = Contact.objects.filter(person=person, kind="phone", lost=None).exclude(verified=None)
    return list(found.order_by("-verified").values_list("value", flat=True))


def reach(person: Person | int) -> Sequence[Reach]:
    """How to tell them something, the best first: e-mail costs nothing, then SMS."""
    rows = Contact.objects.filter(person=person, lost=None, person__erased=None).values_list(
        "kind", "value", "person__language"
    )
    found = [Reach(_medium(kind), value, language) for kind, value, language in rows]
    return sorted(found, key=lambda r: r.medium != "email")


def reach_many(persons: Iterable[int]) -> dict[int, Reach]:
    """The best way to reach each of these persons (ids); those who cannot be reached are left out. One statement."""
    rows = Contact.objects.filter(person__in=list(persons), lost=None, person__erased=None).order_by("-kind", "id")
    found: dict[int, Reach] = {}
    for person, kind, value, language in rows.values_list("person_id", "kind", "value", "person__language"):
        way = Reach(_medium(kind), value, language)
        if person not in found or (way.medium == "email" and found[person].medium != "email"):
            found[person] = way
    return found


def reach_staff(account: Account) -> Reach | None:
    """How to tell somebody of the staff something; None where there is no way."""
    language = account.language or town.current().languages[0]
    if account.email:
        return Reach("email", account.email, language)
    found = reach(account.person_id) if account.person_id else ()
    return Reach(found[0].medium, found[0].address, language) if found else None


def staff_with(permission: str) -> list[Account]:
    """Who has that permission somewhere, to be told that something waits for them."""
    declared = registry.find(access.Permission, permission)
    if declared is None:
        raise LookupError(f"no service declares the permission {permission!r}")
    service = permission.partition(".")[0]
    found = Account.objects.filter(
        is_active=True, is_team=True, grants__role__in=declared.roles,
        grants__service__in=[service] if declared.sealed else [service, access.EVERY_SERVICE],
    )  # fmt: skip
    return list(found.exclude(grants__until__lt=timezone.localdate()).distinct().order_by("id"))


def administrators() -> list[Account]:
    """Who administers the whole town, to be told when something is wrong."""
    found = Account.objects.filter(
        is_active=True, is_team=True, grants__role=ADMINISTRATOR, grants__service="*", grants__zone=None
    )
    return list(found.exclude(grants__until__lt=timezone.localdate()).distinct())
