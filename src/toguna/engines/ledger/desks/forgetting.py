"""What is known of a person by a cash desk: that they kept one. Who paid stands in the payments."""

from __future__ import annotations

from typing import Any

from toguna.engines.ledger.models.desks import CashPin, Session
from toguna.engines.people import api as people


def _accounts(person: int) -> list[int]:
    return list(people.Account.objects.filter(person_id=person).values_list("pk", flat=True))


def forget(person: int) -> None:
    """Their PIN goes; who kept which desk stays, as a number: the accounts are kept by law."""
    CashPin.objects.filter(pk__in=_accounts(person)).delete()


def known_of(person: int) -> list[dict[str, Any]]:
    rows = Session.objects.filter(cashier__in=_accounts(person)).select_related("desk").order_by("pk")
    return [{"desk": one.desk.name, "opened": one.opened, "closed": one.closed} for one in rows]
