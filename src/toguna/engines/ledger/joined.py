"""Payers who turned out to be one: the one they were joined to holds what all of them paid ahead. Bills stay with whom they name."""

from __future__ import annotations

from django.db import connection

from toguna.engines.ledger.models import Payer


def holder(payer: int) -> int:
    """Who holds what this payer pays ahead: they themselves, or the one they were joined to."""
    return Payer.objects.filter(pk=payer).values_list("joined", flat=True).first() or payer


def held(payer: int) -> int:
    """The holder, until the transaction ends: two bills at once do not use the same franc."""
    into: int | None = Payer.objects.select_for_update(of=("self",)).values_list("joined", flat=True).get(pk=payer)
    if into is None:
        return payer
    Payer.objects.select_for_update(of=("self",)).get(pk=into)
    return into


def family(payer: int) -> list[int]:
    """All who are one with this payer, the holder first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH h AS (SELECT COALESCE(joined_id, id) AS id FROM ledger_payer WHERE id = %s)"
            " SELECT id FROM h UNION ALL (SELECT p.id FROM ledger_payer p JOIN h ON p.joined_id = h.id ORDER BY p.id)",
            [payer],
        )
        return [pk for (pk,) in cursor.fetchall()] or [payer]
