"""Who collects: an account, a desk of its own in the book, where its list begins, and what it may carry."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.kernel import access, audit
from toguna.kernel.access import Actor
from toguna.services.revenue.collecting.devices import COLLECT, SUPERVISE, Refused
from toguna.services.revenue.models import Collector

MOST = 10**12  # minor units


@dataclass(frozen=True)
class Terms:
    """zone: None for the whole town; most, target: minor units, 0 for none."""

    zone: int | None = None
    most: int = 0
    target: int = 0
    active: bool = True


def candidates() -> list[people.Account]:
    """Who may collect and is no collector yet."""
    there = set(Collector.objects.values_list("account", flat=True))
    return [one for one in people.staff_with(COLLECT) if one.pk not in there]


@transaction.atomic
def make(account: int, terms: Terms, *, by: Actor) -> Collector:
    """A collector, with a desk that has their name. Made again, it is the same. Raises Refused."""
    access.require(by, SUPERVISE, zone=terms.zone)
    before = Collector.objects.filter(account=account).first()
    if before is not None:
        return before
    who = next((one for one in people.staff_with(COLLECT) if one.pk == account), None)
    if who is None:
        raise Refused(_("This account may not collect: give it the role first."))
    _bounded(terms)
    name = who.name or who.email or f"#{who.pk}"
    desk = ledger.new_desk(f"{name} {who.pk}", kind=ledger.Desk.Kind.COLLECTOR, by=by)
    row = Collector.objects.create(
        account=account, desk=desk, zone_id=terms.zone, most=terms.most, target=terms.target, active=terms.active
    )
    audit.record(by, "revenue.collector", f"revenue.collector:{row.pk}", desk=desk.pk)
    return row


@transaction.atomic
def change(collector: int, terms: Terms, *, by: Actor) -> Collector:
    """Raises Refused."""
    row = Collector.objects.select_for_update().get(pk=collector)
    access.require(by, SUPERVISE, zone=row.zone_id)
    access.require(by, SUPERVISE, zone=terms.zone)
    _bounded(terms)
    row.zone_id, row.most, row.target, row.active = terms.zone, terms.most, terms.target, terms.active
    row.save()
    audit.record(by, "revenue.collector", f"revenue.collector:{row.pk}", active=row.active)
    return row


def _bounded(terms: Terms) -> None:
    if not (0 <= terms.most <= MOST and 0 <= terms.target <= MOST):
        raise Refused(_("This amount is too large."))
