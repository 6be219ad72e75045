"""Odd payments are looked at, and closed with a word."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.services.revenue.collecting.devices import SUPERVISE, Refused
from toguna.services.revenue.models import Collected


@transaction.atomic
def close(collected: int, word: str, *, by: Actor) -> Collected:
    """Says what was found. Closed again, the first word stays. Raises Refused."""
    row = Collected.objects.select_for_update(of=("self",)).select_related("visit__collector").get(pk=collected)
    access.require(by, SUPERVISE, zone=row.visit.collector.zone_id)
    if row.looked is not None:
        return row
    words = text.clean(word)[:300]
    if not words:
        raise Refused(_("Say what you found."))
    if by.account is not None and by.account == row.visit.collector.account:
        raise Refused(_("Nobody closes what is odd about their own payments."))
    row.looked, row.looked_by, row.word = timezone.now(), by.account, words
    row.save(update_fields=["looked", "looked_by", "word"])
    audit.record(by, "revenue.looked", f"revenue.collected:{row.pk}", odd=row.odd)
    return row


def on_voided(event: ledger.PaymentVoided) -> None:
    """A payment of a collector was taken back: somebody looks at it, though they had before."""
    row = Collected.objects.select_for_update().filter(payment=event.payment).first()
    if row is not None and "void" not in row.odd:
        Collected.objects.filter(pk=row.pk).update(odd=[*row.odd, "void"], looked=None, looked_by=None)
