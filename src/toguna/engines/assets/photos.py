"""Photos of equipment, and the papers themselves, are files of it."""

from __future__ import annotations

from toguna.engines.assets.actions import READ, USE
from toguna.engines.assets.models import Asset
from toguna.kernel import access
from toguna.kernel.access import Actor

SUBJECT = "assets.asset"


def may_read(actor: Actor, asset: int) -> bool:
    return _may(actor, READ, asset)


def may_add(actor: Actor, asset: int) -> bool:
    return _may(actor, USE, asset)


def _may(actor: Actor, permission: str, asset: int) -> bool:
    found = Asset.objects.filter(pk=asset).values_list("zone", flat=True)[:1]
    return any(access.can(actor, permission, zone=zone) for zone in found)
