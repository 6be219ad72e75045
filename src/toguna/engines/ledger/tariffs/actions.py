"""A tariff is written by who may, holds from a day on, and never changes after that: another version begins on another day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import Account, Tariff
from toguna.engines.ledger.tariffs import pricing
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor

WRITE = "ledger.tariffs"


@dataclass(frozen=True)
class Told:
    """What a clerk says of a tariff. income: the code of an account of the book."""

    titles: dict[str, str]
    law: str
    unit: str
    rule: dict[str, Any]
    income: str
    public: bool = True
    active: bool = True


@transaction.atomic
def write(slug: str, since: date, told: Told, *, by: Actor) -> Tariff:
    """Writes the version of a tariff that holds from a day on; one that does not hold yet is replaced. Raises Refused,
    pricing.BadRule, Denied."""
    access.require(by, WRITE)
    pricing.check(told.rule)
    if not any(words.strip() for words in told.titles.values()):
        raise Refused(_("Give the tariff a name."))
    if not text.clean(told.law):
        raise Refused(_("Say which act sets this price, and its article."))
    income = Account.objects.filter(code=told.income, kind="income").first()
    if income is None:
        raise Refused(_("There is no account of income %(code)s.") % {"code": told.income})
    row = Tariff.objects.select_for_update().filter(slug=slug, since=since).first()
    if row is not None and row.since <= timezone.localdate() and _held(row) != (told.rule, told.income):
        raise Refused(_("This price holds already: give the new one another day."))
    row = row or Tariff(slug=slug, since=since)
    row.titles = {lang: text.clean(words)[:120] for lang, words in told.titles.items() if words.strip()}
    row.law, row.unit, row.rule, row.income = text.clean(told.law)[:200], told.unit[:40], told.rule, income
    row.public, row.active, row.account = told.public, told.active, by.account
    row.save()
    audit.record(by, "ledger.tariff", f"ledger.tariff:{row.pk}", slug=slug, since=since.isoformat())
    return row


def _held(row: Tariff) -> tuple[dict[str, Any], str]:
    return row.rule, row.income.code
