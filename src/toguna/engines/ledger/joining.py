"""Two payers turned out to be one."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from toguna.engines.ledger import billing, book, joined
from toguna.engines.ledger.book import ADVANCES, Leg
from toguna.engines.ledger.models import Bill, Line, Payer, StandingOrder
from toguna.engines.ledger.orders import running
from toguna.kernel import audit, town
from toguna.kernel.access import Actor


def _ahead(payer: int) -> dict[str, int]:
    """{currency: what a payer has paid ahead}"""
    rows = Line.objects.filter(account=book.account_id(ADVANCES), payer=payer).values_list("entry__currency")
    return {currency: -amount for currency, amount in rows.annotate(sum=Sum("amount")).order_by() if amount}


@transaction.atomic
def join(keep: int, other: int, *, by: Actor) -> None:
    """From now on two payers are one: bills, plans and payments keep the name that they have, but what one of them has paid ahead, or ever
    will, is `keep`'s and pays the bills of both; their standing order asks for both. Joined before, nothing happens. The caller has checked
    that `by` may."""
    bills = list(  # locked before the payers, as whoever pays does
        Bill.objects.select_for_update()
        .filter(payer__in=[*joined.family(keep), *joined.family(other)], state=Bill.State.OPEN)
        .order_by("pk")
    )  # fmt: skip
    list(Payer.objects.select_for_update(of=("self",)).filter(pk__in=[keep, other]).order_by("pk"))
    keep, other = joined.held(keep), joined.held(other)
    if keep == other:
        return
    ahead = _ahead(other)
    for currency, amount in ahead.items():
        legs = [Leg(ADVANCES, amount, other), Leg(ADVANCES, -amount, keep)]
        key = f"join:{other}:{keep}" + ("" if currency == town.current().currency else f":{currency}")
        book.post("join", legs, key=key, by=by, currency=currency, about=("payer", str(keep)))
    Payer.objects.filter(Q(pk=other) | Q(joined=other)).update(joined=keep)
    audit.record(by, "ledger.join", f"ledger.payer:{keep}", other=other, ahead=ahead)
    for row in sorted(bills, key=lambda one: (one.due, one.pk)):
        billing.use_advance(row, by, why=f"join-{other}:", at=timezone.localdate())
    running.join(StandingOrder.objects.select_for_update().filter(payer=other, ended=None), keep)
