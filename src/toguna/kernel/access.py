"""Who may do what, where: deny by default, one check for every object.

An `Actor` holds the grants of whoever acts; a grant is role x service x zone x subjects. A service declares its permissions and
which roles have them. `can()`, `grants()`, `zones()` and `require()` are the only places where the question is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext_lazy as _

from toguna.kernel import registry
from toguna.kernel.manifest import Declaration

# From the least to the most; a permission names the roles that have it, a role never implies another by itself.
READER, AGENT, MANAGER, ADMINISTRATOR = "reader", "agent", "manager", "administrator"
ROLES: dict[str, Any] = {
    READER: _("Reader"),
    AGENT: _("Agent"),
    MANAGER: _("Head of service"),
    ADMINISTRATOR: _("Administrator"),
}
EVERY_SERVICE = "*"


@dataclass(frozen=True)
class Permission(Declaration):
    """`name` is "service.verb"; `roles` have it wherever they are granted for that service (or for every service).

    sealed: a grant for every service does not give it, only one that names this service: an administrator of all the town
    cannot read over the shoulder of its ombudsman."""

    name: str
    title: Any
    roles: frozenset[str]
    sealed: bool = False

    def problems(self) -> Iterator[str]:
        if "." not in self.name:
            yield "a permission is named service.verb"
        for role in self.roles - ROLES.keys():
            yield f"unknown role {role!r}"


@dataclass(frozen=True)
class Grant:
    """zones: ids of the zone and of all zones inside it, or None for the whole town. subjects: what about (the slugs of
    categories of reports, say), or None for everything."""

    role: str
    service: str = EVERY_SERVICE
    zones: frozenset[int] | None = None
    subjects: frozenset[str] | None = None

    @property
    def everything(self) -> bool:
        return self.zones is None and self.subjects is None

    def covers(self, zone: int | None, subject: str | None) -> bool:
        return (self.zones is None or zone in self.zones) and (self.subjects is None or subject in self.subjects)


@dataclass(frozen=True)
class Actor:
    """Whoever acts. account: None for a visitor and for the system; teams: ids of the teams that the account is in;
    mandate: by which they act for `person`, who is then not themself."""

    account: int | None = None
    person: int | None = None
    name: str = ""
    staff: bool = False
    grants: tuple[Grant, ...] = ()
    teams: frozenset[int] = frozenset()
    system: bool = False
    mandate: int | None = None

    def as_town(self) -> Actor:
        """The town itself, on their word: where what they may do here needs what they may not do elsewhere (a bill that goes with a complaint
        which they answer). The caller has checked the first; the audit names them."""
        return Actor(account=self.account, person=self.person, name=self.name, system=True)


NOBODY = Actor()
SYSTEM = Actor(name="Toguna", system=True)


class Denied(PermissionDenied):
    """The actor lacks a permission: answered 403, and audited."""

    def __init__(self, actor: Actor, permission: str) -> None:
        super().__init__(f"{actor.name or 'nobody'} may not {permission}")
        self.actor, self.permission = actor, permission


def grants(actor: Actor, permission: str) -> tuple[Grant, ...]:
    """The grants that give the actor the permission somewhere. For filtering lists in SQL: an object is in reach when one
    of them covers its zone and its subject."""
    if actor.system:
        return (Grant(ADMINISTRATOR),)
    declared = registry.find(Permission, permission)
    if declared is None:
        raise LookupError(f"no service declares the permission {permission!r}")
    service = permission.partition(".")[0]
    named = (service,) if declared.sealed else (service, EVERY_SERVICE)
    found = tuple(g for g in actor.grants if g.role in declared.roles and g.service in named)
    return next(((g,) for g in found if g.everything), found)


def zones(actor: Actor, permission: str) -> frozenset[int] | None:
    """Where the actor has the permission whatever the subject: None means everywhere, an empty set nowhere."""
    found: frozenset[int] = frozenset()
    for grant in grants(actor, permission):
        if grant.subjects is None:
            if grant.zones is None:
                return None
            found |= grant.zones
    return found


def can(
    actor: Actor, permission: str, *, zone: int | None = None, subject: str | None = None, anywhere: bool = False
) -> bool:
    """Whether the actor has the permission in that zone, for that subject. An object in no zone needs a grant for the whole
    town, one whose subject is not said a grant for all subjects; `anywhere=True` asks only whether there is something for
    which the actor has it (to show a menu entry)."""
    found = grants(actor, permission)
    return bool(found) if anywhere else any(g.covers(zone, subject) for g in found)


def require(
    actor: Actor, permission: str, *, zone: int | None = None, subject: str | None = None, anywhere: bool = False
) -> None:
    """Raises Denied unless `can(...)`."""
    if not can(actor, permission, zone=zone, subject=subject, anywhere=anywhere):
        raise Denied(actor, permission)


def can_each(actor: Actor, permission: str, zones: Iterable[int]) -> bool:
    """Of what lies in several zones: whether the actor has the permission in each; of what lies in none, for the whole town."""
    several: list[int | None] = [*zones]
    return all(can(actor, permission, zone=zone) for zone in several or [None])


def require_each(actor: Actor, permission: str, zones: Iterable[int]) -> None:
    """Raises Denied unless `can_each(...)`."""
    if not can_each(actor, permission, zones):
        raise Denied(actor, permission)


@dataclass(frozen=True)
class Subjects(Declaration):
    """What a grant for that service may be narrowed to: `choices()` gives (slug, title) of each; title: "Categories"."""

    service: str
    title: Any
    choices: Callable[[], Sequence[tuple[str, Any]]]

    @property
    def name(self) -> str:
        return self.service
