"""A campaign: tried, then everybody is billed at once, in pieces that are each whole; whatever stops it, it goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit, events, tasks, text, turns
from toguna.kernel.access import Actor
from toguna.services.revenue.campaigns import markets, simulating, sweep
from toguna.services.revenue.campaigns.events import CampaignIssued
from toguna.services.revenue.models import Base, Campaign, Unpriced

CAMPAIGN = "revenue.campaign"
PIECE = 20_000  # taxed things that are billed by one transaction: some seconds of work to lose when the power fails


class Refused(Exception):
    """It cannot be done; str() says why, and what to do."""


@transaction.atomic
def create(
    base: Base,
    label: str,
    *,
    day: date,
    due: date,
    times: Mapping[str, str],
    notices: bool,
    by: Actor,
    zone: int | None = None,
    market: int | None = None,
) -> Campaign:
    """Prepares a campaign, of a zone, of a market or of the whole town. Nothing is billed yet. Raises Refused, Denied."""
    access.require(by, CAMPAIGN)
    words = text.clean(label)[:60]
    slug, name = stem(base, words), ""
    if zone is not None:
        slug = f"{slug[:48]}-z{zone}"
    elif market is not None:
        name = markets.named().get(market, "")
        if not name:
            raise Refused(_("There is no such market on the map."))
        slug = f"{slug[:48]}-m{market}"
    if due < day:
        raise Refused(_("It cannot be due before the day of the tariff."))
    tariff = ledger.tariff(base.tariff, day)
    if tariff is None:
        raise Refused(_("No tariff “%(slug)s” holds on that day: write it first.") % {"slug": base.tariff})
    try:
        with transaction.atomic():
            row = Campaign.objects.create(
                slug=slug,
                base=base,
                label=words,
                day=day,
                due=due,
                times=dict(times),
                notices=notices,
                zone_id=zone,
                market=market if zone is None else None,
                market_name=name[:250],
                account=by.account,
            )
    except IntegrityError as error:
        raise Refused(_("There is a campaign for this period already.")) from error
    audit.record(by, "revenue.campaign", f"revenue.campaign:{row.pk}", slug=slug)
    return row


def stem(base: Base, label: str) -> str:
    """The slug of a campaign of the whole town for a period: however it is written ("2026 ", "Mars 2026", "mars 2026"), a period is
    one. Raises Refused."""
    period = slugify(label)[:24]
    if not period:
        raise Refused(_("Give the period that is billed, such as 2026."))
    return f"{base.slug[:35]}-{period}"


def same_period(base: Base, label: str) -> list[str]:
    """What the keys of the bills of a period begin with: those of the whole town, and those of each district and market."""
    rows = Campaign.objects.filter(base=base).values_list("slug", "label")
    whole = stem(base, label)
    return sorted({whole, *(slug for slug, said in rows if stem(base, said) == whole)})


def hold(base: Base, label: str) -> None:
    """Of one period, one bills at a time until the transaction ends: that of the town then sees what that of a district has billed."""
    turns.one_at_a_time(f"revenue.campaign {stem(base, label)}")


def tariff_of(row: Campaign) -> ledger.Tariff:
    """Raises Refused."""
    found = ledger.tariff(row.base.tariff, row.day)
    if found is None:
        raise Refused(_("No tariff “%(slug)s” holds on that day: write it first.") % {"slug": row.base.tariff})
    return found


def attempt(campaign: int, *, by: Actor) -> Campaign:
    """Says what it would bring, and keeps that; bills nothing. Raises Refused, Denied."""
    access.require(by, CAMPAIGN)
    row = Campaign.objects.select_related("base").get(pk=campaign)
    tariff = tariff_of(row)
    found = simulating.simulate(
        row.base, tariff.rule, None, day=row.day, times=row.times, zone=row.zone_id, market=row.market
    )
    row.simulated = found.as_json()
    Campaign.objects.filter(pk=campaign, state=Campaign.State.DRAFT).update(simulated=row.simulated)
    return row


@transaction.atomic
def start(campaign: int, *, by: Actor) -> Campaign:
    """Everybody is billed, by a worker; begun again (what could not be priced was put right) the rest is. Raises Refused, Denied."""
    access.require(by, CAMPAIGN)
    row = Campaign.objects.select_for_update(of=("self",)).select_related("base").get(pk=campaign)
    if row.state == Campaign.State.RUNNING:
        return row
    tariff_of(row)
    row.state, row.cursor, row.priced, row.exempt, row.unpriced, row.problem = Campaign.State.RUNNING, 0, 0, 0, 0, ""
    row.started, row.done, row.account = row.started or timezone.now(), None, by.account
    row.simulated = {**row.simulated, "things": simulating.count(row.base, row.day, row.zone_id, row.market)}
    row.save()
    row.left_out.all().delete()
    audit.record(by, "revenue.issue", f"revenue.campaign:{row.pk}", slug=row.slug)
    tasks.defer(issue, tasks.Lane.CAMPAIGN, campaign=row.pk)
    return row


@transaction.atomic
def pause(campaign: int, *, by: Actor) -> Campaign:
    """Stops after the piece that is under way; what was billed stays. Raises Denied."""
    access.require(by, CAMPAIGN)
    row = Campaign.objects.select_for_update(of=("self",)).select_related("base").get(pk=campaign)
    if row.state == Campaign.State.RUNNING:
        row.state = Campaign.State.DRAFT
        row.save(update_fields=["state"])
        audit.record(by, "revenue.pause", f"revenue.campaign:{row.pk}")
    return row


@tasks.task
def issue(campaign: int) -> None:
    """Goes on until all is billed. Two of it at once take turns; whatever it had begun when the power failed is begun again."""
    try:
        while issue_piece(campaign):
            pass
    except (ledger.Refused, Refused) as error:
        Campaign.objects.filter(pk=campaign, state=Campaign.State.RUNNING).update(
            state=Campaign.State.DRAFT, problem=str(error)[:300]
        )


_BILLS = """
INSERT INTO ledger_run (key, payer, amount, words, about_kind, about)
SELECT %(slug)s || ':' || code || ':' || number, payer, s{last},
    left(%(words)s || ' – ' || coalesce(nullif(said, ''), code) || CASE WHEN weight = weights THEN '' ELSE ' (' || weight || '/' || weights || ')' END, 200),
    'taxed', code
FROM revenue_sweep WHERE s{last} > 0
"""
_LINE = """SELECT %(slug)s || ':' || code || ':' || number, {n},
    {words}, s{n}{before} FROM revenue_sweep WHERE s{last} > 0{changed}"""
_SHARED = "left(w1 || CASE WHEN weight = weights THEN '' ELSE ' × ' || weight || '/' || weights END, 200)"
_LEFT_OUT = """
INSERT INTO revenue_unpriced (campaign_id, taxed_id, why, lacking)
SELECT DISTINCT ON (thing) %(campaign)s, thing, CASE WHEN lacking = '' THEN 'large' WHEN lacking IS NOT NULL THEN 'measure' ELSE 'nobody' END,
    left(coalesce(lacking, ''), 40)
FROM revenue_sweep WHERE lacking IS NOT NULL OR payer IS NULL ORDER BY thing
ON CONFLICT DO NOTHING
"""
_PIECE = """
SELECT count(*), max(thing), count(*) FILTER (WHERE most = 0)
FROM (SELECT thing, max(s{last}) AS most FROM revenue_sweep GROUP BY thing) things
"""
# What was billed of the same period: by this campaign before, by that of a district, a market or the town, or one by one; also to who
# had the thing then. A bill that was cancelled stands in nobody's way.
_BILLED = """
DELETE FROM revenue_sweep s WHERE EXISTS (
    SELECT 1 FROM ledger_bill b WHERE b.about_kind = 'taxed' AND b.about = s.code AND b.state <> 'cancelled'
    AND split_part(b.key, ':', 1) = ANY(%(period)s))
"""
_NEW = "SELECT COALESCE(sum(amount), 0) FROM ledger_run s WHERE NOT EXISTS (SELECT 1 FROM ledger_bill b WHERE b.key = s.key)"


@transaction.atomic
def issue_piece(campaign: int) -> bool:
    """Bills the next piece: its bills and how far it is are one transaction. Whether there is more. Raises Refused."""
    row = Campaign.objects.select_for_update(of=("self",)).select_related("base").get(pk=campaign)
    if row.state != Campaign.State.RUNNING:
        return False
    tariff, by = tariff_of(row), Actor(account=row.account, name=row.slug, system=True)
    hold(row.base, row.label)
    found = sweep.bills(
        tariff,
        base=row.base_id,
        day=row.day,
        times=json.dumps(row.times),
        after=row.cursor,
        most=PIECE,
        zone=row.zone_id,
        market=row.market,
    )
    last = found.stages
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        cursor.execute(f"CREATE TEMPORARY TABLE revenue_sweep ON COMMIT DROP AS {found.select}", found.values)
        cursor.execute("ANALYZE revenue_sweep")
        cursor.execute(_PIECE.format(last=last))
        seen, upto, exempt = cursor.fetchone()
        if not seen:
            cursor.execute("DROP TABLE revenue_sweep")
            return _finish(row, by)
        cursor.execute(_BILLED, {"period": same_period(row.base, row.label)})
        ledger.stage()
        words = f"{text.pick(tariff.titles, sweep.language())} {row.label}"
        values: dict[str, Any] = {"slug": row.slug, "words": words, "campaign": row.pk}
        cursor.execute(_BILLS.format(last=last), values)
        lines = [
            _LINE.format(
                n=n, last=last, words=_SHARED if n == 1 else f"w{n}", before="" if n == 1 else f" - s{n - 1}",
                changed="" if n == 1 else f" AND s{n} <> s{n - 1}",
            )
            for n in range(1, last + 1)
        ]  # fmt: skip
        cursor.execute(f"INSERT INTO ledger_run_line (key, number, words, amount) {' UNION ALL '.join(lines)}", values)
        cursor.execute(_LEFT_OUT, values)
        left_out = cursor.rowcount
        cursor.execute(_NEW)
        amount = int(cursor.fetchone()[0])
        cursor.execute("DROP TABLE revenue_sweep")
    issued = ledger.run(income=tariff.income.code, due=row.due, by=by, tariff=tariff)
    Campaign.objects.filter(pk=row.pk).update(
        cursor=upto, priced=F("priced") + seen, exempt=F("exempt") + exempt, unpriced=F("unpriced") + left_out,
        issued=F("issued") + issued, amount=F("amount") + amount,
    )  # fmt: skip
    return True


def _finish(row: Campaign, by: Actor) -> bool:
    ledger.use_advances(f"{row.slug}:", by=by)
    Campaign.objects.filter(pk=row.pk).update(state=Campaign.State.ISSUED, done=timezone.now())
    audit.record(by, "revenue.issued", f"revenue.campaign:{row.pk}", issued=row.issued, amount=row.amount)
    events.publish(CampaignIssued(row.pk, row.issued, row.amount))
    return False


def why_left_out(row: Campaign) -> list[tuple[Any, str, int]]:
    """(why, measure, how many) of what could not be billed, the most first."""
    rows = row.left_out.order_by().values_list("why", "lacking").annotate(n=Count("pk"))
    return sorted(((Unpriced.Why(why).label, lacking, n) for why, lacking, n in rows), key=lambda one: -one[2])
