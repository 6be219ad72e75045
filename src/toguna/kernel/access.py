"""Who may do what, where: deny by default, one check for every object.

An `Actor` holds the grants of whoever acts; a grant is role x service x zone. A service declares its permissions and
which roles have them. `can()`, `zones()` and `require()` are the only places where the question is answered.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    """`name` is "service.verb"; `roles` have it wherever they are granted for that service (or for every service)."""

    name: str
    title: Any
    roles: frozenset[str]

    def problems(self) -> Iterator[str]:
        if "." not in self.name:
            yield "a permission is named service.verb"
        for role in self.roles - ROLES.keys():
            yield f"unknown role {role!r}"


@dataclass(frozen=True)
class Grant:
    """zones: ids of the zone and of all zones inside it, or None for the whole town."""

    role: str
    service: str = EVERY_SERVICE
    zones: frozenset[int] | None = None


@dataclass(frozen=True)
class Actor:
    """Whoever acts. account: None for a visitor and for the system; teams: ids of the teams that the account is in."""

    account: int | None = None
    person: int | None = None
    name: str = ""
    staff: bool = False
    grants: tuple[Grant, ...] = ()
    teams: frozenset[int] = frozenset()
    system: bool = False


NOBODY = Actor()
SYSTEM = Actor(name="Toguna", system=True)


class Denied(PermissionDenied):
    """The actor lacks a permission: answered 403, and audited."""

    def __init__(self, actor: Actor, permission: str) -> None:
        super().__init__(f"{actor.name or 'nobody'} may not {permission}")
        self.actor, self.permission = actor, permission


def zones(actor: Actor, permission: str) -> frozenset[int] | None:
    """Where the actor has the permission: None means everywhere, an empty set nowhere. For filtering lists in SQL."""
    if actor.system:
        return None
    declared = registry.find(Permission, permission)
    if declared is None:
        raise LookupError(f"no service declares the permission {permission!r}")
    service = permission.partition(".")[0]
    found: frozenset[int] = frozenset()
    for grant in actor.grants:
        if grant.role in declared.roles and grant.service in (service, EVERY_SERVICE):
            if grant.zones is None:
                return None
            found |= grant.zones
    return found


def can(actor: Actor, permission: str, *, zone: int | None = None, anywhere: bool = False) -> bool:
    """Whether the actor has the permission in that zone. An object in no zone needs a grant for the whole town;
    `anywhere=True` asks only whether there is some place where the actor has it (to show a menu entry)."""
    where = zones(actor, permission)
    if where is None:
        return True
    return bool(where) if anywhere else zone in where


def require(actor: Actor, permission: str, *, zone: int | None = None, anywhere: bool = False) -> None:
    """Raises Denied unless `can(...)`."""
    if not can(actor, permission, zone=zone, anywhere=anywhere):
        raise Denied(actor, permission)
