"""Reminders by plan: each step is done once for a bill, a bill gets one step at a time, and nobody is reminded who contests or keeps a plan.

Whatever dies at any line: what was written down was done, what was not is done by the next run."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.ledger import api as ledger
from toguna.kernel import audit, money, town
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.models import DunningStep
from toguna.services.revenue.register import reads as register

PIECE = 1000
LATEST = timedelta(days=7)  # a payment that the book hears of later (an old file, a lost device) is not news any more
PENALTIES = "7711"  # the account of fines and penalties
WHO = SYSTEM

# What is late: of a bill with a plan, the first part that was not paid in its time, and nothing while the plan is kept. The first step of
# the plan that its days have reached and that was not done, nor a later one, of its own kind of thing before that of all; and no sooner
# after the step before it than the plan has days between the two, however late the bill is: nobody's first word from the town is a seizure.
# A fine has its own steps first (`fines/escalating.py`).
_DUE = """
CREATE TEMPORARY TABLE revenue_due AS
WITH late AS (
    SELECT b.id, b.payer_id, b.about, x.id AS taxpayer, x.merged_into_id AS merged, t.id AS taxed, t.base_id AS base,
        CASE WHEN i.bill_id IS NULL THEN b.due ELSE i.due END AS due, CASE WHEN i.bill_id IS NULL THEN b.amount - b.paid ELSE i.missing - b.paid END AS owed
    FROM ledger_bill b JOIN revenue_taxpayer x ON x.payer_id = b.payer_id
    LEFT JOIN revenue_taxed t ON b.about_kind = 'taxed' AND t.code = b.about
    LEFT JOIN LATERAL (
        SELECT bill_id, min(due) FILTER (WHERE due < %(today)s AND upto > b.paid) AS due, max(upto) FILTER (WHERE due < %(today)s) AS missing
        FROM ledger_instalment WHERE bill_id = b.id GROUP BY bill_id
    ) i ON true
    WHERE b.state = 'open' AND b.amount > b.paid AND x.erased IS NULL AND (b.due <= %(today)s::date + %(ahead)s OR i.due IS NOT NULL)
), said AS (
    SELECT DISTINCT ON (d.bill_id) d.bill_id AS bill, ds.after, (d.at AT TIME ZONE %(tz)s)::date AS day
    FROM revenue_reminded d JOIN revenue_dunning_step ds ON ds.id = d.step_id JOIN late l ON l.id = d.bill_id
    ORDER BY d.bill_id, ds.after DESC
), reached AS (
    SELECT DISTINCT ON (l.id) l.id AS bill, l.taxpayer, l.merged, l.taxed, l.payer_id AS payer, l.owed, l.due, s.id AS step, s.after, p.after AS before, p.day
    FROM late l LEFT JOIN said p ON p.bill = l.id
    JOIN revenue_dunning_step s ON s.active AND (s.base_id IS NULL OR s.base_id = l.base) AND l.owed >= s.least AND l.owed > 0
        AND l.due + s.after <= %(today)s AND (s.after >= 0 OR l.due >= %(today)s) AND (p.after IS NULL OR s.after > p.after)
    ORDER BY l.id, s.after, s.base_id IS NULL, s.id
)
SELECT r.* FROM reached r
WHERE (r.day IS NULL OR r.before < 0 OR r.day + (r.after - r.before) <= %(today)s)
  AND NOT EXISTS (SELECT 1 FROM revenue_objection o WHERE o.state = 'open' AND o.taxpayer_id IN (r.taxpayer, r.merged)
        AND (o.bill_id = r.bill OR o.bill_id IS NULL AND (o.taxed_id IS NULL OR o.taxed_id = r.taxed)))
  AND NOT EXISTS (SELECT 1 FROM revenue_plan_wish w WHERE w.state = 'open' AND w.bill_id = r.bill)
  AND NOT EXISTS (SELECT 1 FROM revenue_ticket k WHERE k.bill_id = r.bill AND (k.went <> 'dunning'
        OR EXISTS (SELECT 1 FROM revenue_ticket_contest c WHERE c.ticket_id = k.id AND c.state = 'open')))
"""
# Those of one taxpayer stay together: they get one SMS.
_TAKE = """
WITH next AS (SELECT ctid FROM revenue_due ORDER BY step, taxpayer, bill LIMIT %s), taken AS (
    DELETE FROM revenue_due d USING next WHERE d.ctid = next.ctid RETURNING d.*
), written AS (
    INSERT INTO revenue_reminded (step_id, bill_id, "left", note)
    SELECT t.step, t.bill, t.owed, '' FROM taken t JOIN ledger_bill b ON b.id = t.bill AND b.state = 'open' AND b.amount > b.paid
    ON CONFLICT (step_id, bill_id) DO NOTHING RETURNING id, step_id, bill_id
)
SELECT w.id, w.step_id, w.bill_id, t.owed, t.due, t.payer, b.reference, (SELECT count(*) FROM taken)
FROM written w JOIN taken t ON t.bill = w.bill_id JOIN ledger_bill b ON b.id = w.bill_id ORDER BY t.step, t.taxpayer, t.bill
"""


def remind(today: date | None = None) -> int:
    """Does what it is time to do. How many bills were reminded of."""
    steps = {one.pk: one for one in DunningStep.objects.filter(active=True)}
    if not steps:
        return 0
    done = 0
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.revenue_due")
        ahead = max(0, -min(one.after for one in steps.values()))
        values: dict[str, Any] = {
            "today": today or timezone.localdate(),
            "ahead": ahead,
            "tz": timezone.get_default_timezone_name(),
        }
        cursor.execute(_DUE, values)
    while (count := _piece(steps)) is not None:
        done += count
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.revenue_due")
    return done


def remind_now() -> None:
    """Not at night: what is said must be what is owed when it is read."""
    visited()
    if not channels.quiet_now(timezone.now()):
        remind()


@transaction.atomic
def _piece(steps: dict[int, DunningStep]) -> int | None:
    """Writes down the next reminders, adds their penalties and asks for their messages, all or nothing. None: there were no more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM revenue_due)")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(_TAKE, [PIECE])
        rows = cursor.fetchall()
    by_step: dict[int, list[Any]] = {}
    for row in rows:
        by_step.setdefault(row[1], []).append(row)
    owners = register.of_payers([row[5] for row in rows])
    for pk, of_step in by_step.items():
        step = steps[pk]
        added = _penalise(step, of_step)
        if step.way in (DunningStep.Way.SMS, DunningStep.Way.EMAIL):
            _say(step, of_step, owners, added)
    if rows:
        audit.record(WHO, "revenue.remind", "revenue.reminded", bills=len(rows))
    return len(rows)


def _penalise(step: DunningStep, rows: list[Any]) -> dict[int, int]:
    """{bill: what it is more}."""
    if not step.penalty:
        return {}
    with translation.override(town.current().languages[0]):
        words = _("Penalty of %(percent)d %% for being late") % {"percent": step.penalty}
        words = f"{words}: {step.law}" if step.law else words
    more = {row[2]: (2 * row[3] * step.penalty + 100) // 200 for row in rows}
    charges = [
        ledger.Charge(bill, amount, words, f"dunning:{step.pk}:{bill}") for bill, amount in more.items() if amount
    ]
    ledger.charge(charges, kind="penalty", income=PENALTIES, by=WHO)
    return more


_LEFT = "UPDATE revenue_reminded SET done = now(), note = %s WHERE id = ANY(%s)"


def _say(step: DunningStep, rows: list[Any], owners: dict[int, Any], added: dict[int, int]) -> None:
    """One message to each taxpayer, of all their bills of this step."""
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(owners[row[5]].pk, []).append(row)
    whom = {one.pk: one for one in owners.values()}
    outgoing, said, silent = [], [], []
    for pk, of_one in grouped.items():
        owner = whom[pk]
        address = owner.phone if step.way == DunningStep.Way.SMS else owner.email
        ids = [row[0] for row in of_one]
        if not address:
            silent += ids
            continue
        language = owner.language or town.current().languages[0]
        with translation.override(language):
            text = words(step, of_one, sum(added.get(row[2], 0) for row in of_one))
            subject = _("Reminder") if step.after > 0 else _("To be paid soon")
        outgoing.append(
            channels.Outgoing(
                str(step.way),
                address,
                f"revenue.dunning:{step.pk}:{min(ids)}",
                text,
                subject,
                language,
                owner.person_id,
            )
        )
        said += ids
    channels.send_many(outgoing)
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, ["", said])
        cursor.execute("UPDATE revenue_reminded SET note = 'no address' WHERE id = ANY(%s)", [silent])


def words(step: DunningStep, rows: list[Any], penalty: int = 0) -> str:
    """What is said of these bills (id, step, bill, owed, due, payer, reference), in the language of the moment."""
    reference = rows[0][6]
    facts = {
        "town": town.current().name, "amount": money.shown(sum(row[3] for row in rows) + penalty, plain=True),
        "due": date_format(min(row[4] for row in rows), "SHORT_DATE_FORMAT"), "code": reference, "law": step.law,
        "penalty": money.shown(penalty, plain=True), "link": f"{settings.TOGUNA_URL.partition('://')[2]}/pay/{reference}",
    }  # fmt: skip
    if step.after < 0:
        return _("%(town)s: %(amount)s to pay before %(due)s. Code %(code)s. Pay: %(link)s") % facts
    said = _("%(town)s: %(amount)s was due on %(due)s. Code %(code)s. Pay: %(link)s") % facts
    if penalty:
        said += " " + _("With a penalty of %(penalty)s.") % facts
    return said


# The first collector who stood before it did the visit, whoever was sent.
_VISITED = """
UPDATE revenue_reminded r SET done = first.done FROM (
    SELECT r.id, min(v.done) AS done FROM revenue_reminded r JOIN revenue_dunning_step s ON s.id = r.step_id AND s.way = 'visit'
    JOIN ledger_bill b ON b.id = r.bill_id AND b.about_kind = 'taxed' JOIN revenue_taxed t ON t.code = b.about
    JOIN revenue_visit v ON v.taxed_id = t.id AND v.done >= r.at WHERE r.done IS NULL GROUP BY 1
) first WHERE r.id = first.id
"""


def visited() -> int:
    """Marks the visits that were made. How many."""
    with connection.cursor() as cursor:
        cursor.execute(_VISITED)
        marked: int = cursor.rowcount
    return marked


def confirm(event: ledger.PaymentTaken) -> None:
    """Whoever paid hears that it came, with the receipt's number and what is left. A reaction to PaymentTaken."""
    owner = register.of_payer(event.payer) if event.payer else None
    if owner is None or not owner.phone or not owner.active:
        return
    if ledger.PaymentRequest.objects.filter(payment=event.payment).exclude(order=None).exists():
        return  # the standing order says it already
    payment = ledger.Payment.objects.select_related("desk").get(pk=event.payment)
    if payment.void or payment.at < timezone.now() - LATEST:
        return
    language = owner.language or town.current().languages[0]
    with translation.override(language):
        facts = {
            "town": town.current().name, "amount": money.shown(event.amount, event.currency, plain=True),
            "number": ledger.receipt_number(payment), "left": money.shown(max(0, register.balance(owner).left), plain=True),
        }  # fmt: skip
        text = _("%(town)s: %(amount)s received, receipt %(number)s. Left to pay: %(left)s. Thank you.") % facts
    channels.send(
        "sms", owner.phone, key=ledger.told(event.payment), text=text, language=language, person=owner.person_id
    )
