"""One thing billed now, as the campaign of its period would have: by the same tariff, under the same key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.services.revenue.campaigns import actions, sweep
from toguna.services.revenue.campaigns.actions import Refused
from toguna.services.revenue.models import Base, Campaign, Part, Taxed
from toguna.services.revenue.register import reads

BILL = "revenue.bill"


def latest(thing: Taxed) -> Campaign | None:
    """The last campaign that billed things of its kind: of the town, or of any place of it."""
    return (
        Campaign.objects.filter(base=thing.base_id).exclude(state=Campaign.State.DRAFT).order_by("-day", "-pk").first()
    )


def billed(thing: Taxed, label: str) -> list[ledger.Bill]:
    """The bills that a thing has for a period already, by whichever campaign, also those of who had it before. Raises Refused."""
    begins = tuple(f"{slug}:{thing.code}:" for slug in actions.same_period(thing.base, label))
    rows = ledger.Bill.objects.filter(about_kind="taxed", about=thing.code).order_by("pk")
    return [one for one in rows if one.key.startswith(begins)]


@transaction.atomic
def bill(
    taxed: int, label: str, *, day: date, due: date, times: Mapping[str, str], by: Actor
) -> tuple[list[ledger.Bill], bool]:
    """(the bills of a thing for a period, one for each who pays; whether they are new). Asked again, or billed by a campaign before,
    they are those that are there; a campaign that comes later passes over them. day: of which the tariff holds; times: {measure:
    number} that the period gives. Raises Refused, Denied."""
    row = Taxed.objects.select_for_update(of=("self",)).select_related("base").get(pk=taxed)
    access.require(by, BILL, zone=row.zone_id, anywhere=row.zone_id is None)
    words = text.clean(label)[:60]
    actions.hold(row.base, words)
    if there := billed(row, words):
        return there, False
    if row.base.every == Base.Every.DAY:
        raise Refused(_("This is paid by the day, to a collector or at the counter."))
    if row.state == Taxed.State.GONE:
        raise Refused(_("This is no longer taxed."))
    if due < day:
        raise Refused(_("It cannot be due before the day of the tariff."))
    tariff = ledger.tariff(row.base.tariff, day)
    if tariff is None:
        raise Refused(_("No tariff “%(slug)s” holds on that day: write it first.") % {"slug": row.base.tariff})
    made = _issued(row, tariff, words, due, times, by)
    audit.record(by, "revenue.bill", f"revenue.taxed:{row.pk}", period=words, bills=[one.reference for one in made])
    return made, True


def _issued(
    row: Taxed, tariff: ledger.Tariff, label: str, due: date, times: Mapping[str, str], by: Actor
) -> list[ledger.Bill]:
    """What `actions.issue_piece` makes of one thing, word for word."""
    parts = list(Part.objects.filter(taxed=row).select_related("taxpayer").order_by("taxpayer"))
    if not parts:
        raise Refused(_("Say who pays, and how many parts each has."))
    slug, spoken = actions.stem(row.base, label), sweep.language()
    with translation.override(spoken):
        try:
            quote = reads.quoted(row, dict(times), tariff=tariff)
        except ledger.Missing as error:
            raise Refused(str(error)) from error
        title = text.pick(tariff.titles, spoken)
    if quote is None or quote.total <= 0:
        raise Refused(_("By this tariff it costs nothing: there is nothing to bill."))
    weights = [part.weight for part in parts]
    sums = [0]
    for line in quote.lines:
        sums.append(sums[-1] + line.amount)
    # Of each line, an heir has what it adds to their part of the sum so far: the lines sum to their part of the whole.
    stages = [ledger.shares(total, weights) for total in sums]
    made = []
    for n, part in enumerate(parts):
        of = "" if part.weight == sum(weights) else f"{part.weight}/{sum(weights)}"
        amounts = [after[n] - before[n] for before, after in pairwise(stages)]
        if not sum(amounts):
            continue
        lines = [
            ledger.Due(line.kind, f"{line.words}{f' × {of}' if of and not m else ''}"[:200], amount, tariff.income.code)
            for m, (line, amount) in enumerate(zip(quote.lines, amounts, strict=True))
            if amount or not m
        ]
        said = f"{title} {label} – {row.words or row.code}{f' ({of})' if of else ''}"[:200]
        made.append(
            ledger.issue(
                part.taxpayer.payer, lines, key=reads.key_of(slug, row, part.taxpayer), due=due, by=by, tariff=tariff,
                about=("taxed", row.code), words=said,
            )
        )  # fmt: skip
    return made
