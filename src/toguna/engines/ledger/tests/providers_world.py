"""What the tests of payments ask of the book: bills to pay, and where the money lies."""

from __future__ import annotations

import uuid

from django.db import connection
from django.utils import timezone

from toguna.engines.ledger import billing, book, starter
from toguna.engines.ledger.models import Bill, Desk, Payer
from toguna.kernel.access import SYSTEM


def bill(amount: int) -> int:
    starter.load()
    payer = Payer.objects.create(name="Awa")
    line = billing.Due("principal", "Stall", amount, "7336")
    return billing.issue(payer, [line], key=uuid.uuid4().hex, due=timezone.localdate(), by=SYSTEM).pk


def reference(pk: int) -> str:
    return Bill.objects.get(pk=pk).reference


def due(pk: int) -> int:
    return Bill.objects.get(pk=pk).left


def money_of(way: str) -> dict[str, int]:
    """{currency: minor units} that lie on the accounts of a way."""
    found = {}
    for desk in Desk.objects.filter(kind="online").select_related("account"):
        currency = "XOF" if desk.name == way else desk.name.removeprefix(f"{way}-")
        if desk.name.startswith(way) and len(currency) == 3 and (held := book.balance(desk.account.code)):
            found[currency] = held
    return found


def balanced() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM ledger_line GROUP BY entry_id HAVING sum(amount) <> 0) wrong"
        )
        return bool(cursor.fetchone()[0] == 0)
