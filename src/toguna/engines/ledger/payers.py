"""Who owes: made once, read together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet, Sum

from toguna.engines.ledger.billing import RECEIVABLE
from toguna.engines.ledger.book import ADVANCES
from toguna.engines.ledger.models import Bill, Line, Payer
from toguna.kernel import text, town


@dataclass(frozen=True)
class Balance:
    """owed: of bills; ahead: paid in advance. Minor units."""

    owed: int
    ahead: int


def payer(name: str, person: int | None = None) -> Payer:
    """A new payer; of a person of the town, the one that there is."""
    words = text.clean(name)[:200]
    if person is not None:
        found = Payer.objects.filter(person=person).order_by("pk").first()
        return found or Payer.objects.create(name=words, person_id=person)
    return Payer.objects.create(name=words)


def new_payers(names: Sequence[str]) -> list[int]:
    """A new payer for each name, in their order, for what is brought by thousands."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_payer (name) SELECT name FROM unnest(%s::text[]) WITH ORDINALITY u(name, n) ORDER BY n RETURNING id",
            [[text.clean(name)[:200] for name in names]],
        )
        return sorted(pk for (pk,) in cursor.fetchall())  # numbered after they were put in order


def balances_of(payers: Iterable[int]) -> dict[int, Balance]:
    """{payer: Balance}, of each that was asked for, in the money of the town. One statement. Nothing is owed on accounts that were
    never opened."""
    wanted = list(payers)
    sums: dict[tuple[int, str], int] = {}
    codes, unit = [RECEIVABLE, ADVANCES], town.current().currency
    rows = Line.objects.filter(payer__in=wanted, account__code__in=codes, entry__currency=unit)
    for payer_id, account, amount in rows.values_list("payer", "account__code").annotate(sum=Sum("amount")):
        sums[(payer_id, account)] = amount
    return {one: Balance(sums.get((one, RECEIVABLE), 0), -sums.get((one, ADVANCES), 0)) for one in wanted}


def bills_of(payer: int) -> QuerySet[Bill]:
    """The bills of a payer, the oldest due first."""
    return Bill.objects.filter(payer=payer).order_by("due", "pk")
