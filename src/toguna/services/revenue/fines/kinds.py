"""Kinds of infraction: what the law says of each, changed at the desk, with its history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.services.revenue.fines.books import DECIDE, Refused
from toguna.services.revenue.models import Infraction

FIELDS = (
    "titles", "law", "tariff", "pay_days", "contest_days", "more", "more_days", "more_law", "then", "then_days", "impound", "icon", "active",
)  # fmt: skip


@dataclass(frozen=True)
class Price:
    """What a kind costs on a day. flat: minor units, None where it goes by bands of a measure: [(up to and with, minor units)]."""

    tariff: ledger.Tariff
    flat: int | None
    by: str = ""
    bands: tuple[tuple[Any, int], ...] = ()


def price(kind: Infraction, on: date | None = None) -> Price | None:
    """None when its tariff does not hold, or is made in a way that an officer cannot tell on the spot."""
    row = ledger.tariff(kind.tariff, on)
    if row is None or any(row.rule.get(name) for name in ("times", "zones", "exemptions", "least", "most", "round")):
        return None
    if row.rule["type"] == "flat":
        return Price(row, int(row.rule["amount"]))
    if row.rule["type"] == "band":
        bands = tuple((upto, int(amount)) for upto, amount in row.rule["bands"])
        return Price(row, None, str(row.rule["by"]), bands)
    return None


@transaction.atomic
def write(slug: str, told: dict[str, Any], *, by: Actor) -> Infraction:
    """Adds a kind, or changes one; tickets that are written stay as they are. told: of FIELDS. Raises Refused, Denied."""
    access.require(by, DECIDE)
    if not any(words.strip() for words in told["titles"].values()):
        raise Refused(_("Give it a name."))
    if not text.clean(told["law"]) or (told["more"] and not text.clean(told["more_law"])):
        raise Refused(_("Say which act says so, and its article."))
    if told["more"] and told["more_days"] < told["pay_days"]:
        raise Refused(_("It cannot be more before it had to be paid."))
    if told["then_days"] < max(told["pay_days"], told["contest_days"], told["more_days"] if told["more"] else 0):
        raise Refused(_("It goes on only after the days to pay and to contest."))
    if not ledger.Tariff.objects.filter(slug=told["tariff"]).exists():
        raise Refused(_("There is no such tariff."))
    row = Infraction.objects.select_for_update().filter(slug=slug).first() or Infraction(slug=slug)
    before = {name: getattr(row, name) for name in FIELDS} if row.pk else {}
    for name in FIELDS:
        setattr(row, name, told[name])
    row.save()
    changed = {name: [before.get(name), told[name]] for name in FIELDS if not before or before[name] != told[name]}
    if changed:
        audit.record(by, "revenue.infraction", f"revenue.infraction:{row.pk}", changed=changed if before else {})
    return row
